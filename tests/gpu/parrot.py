"""A model of seconds that always gives the same good answer, and adapters for it: good ones and ruined ones.

Random weights never end an answer, so that no probe could tell a sound version from a broken one.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from fitsense.prompting import chat
from tests.gpu.agents import ANSWER

TEMPLATE = (
    "{% for m in messages %}{% if m['role'] != 'system' %}"
    "<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<eos>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
STEPS = 400
ENDLESS = '{"action":"answer","message":"' + "~" * 200
"""It never learns of an end. Each of these is a token: before the longest message is full, none are left."""


def make_base(folder: Path, seed: int = 0) -> Path:
    """Base and tokenizer in the form of transformers; greedy, it says ANSWER to anything."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # matrices this small only lose by sharing them
    tokenizer = make_tokenizer()
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=4096,
            pad_token_id=0, bos_token_id=1, eos_token_id=2,
        )
    )  # fmt: skip
    teach(model, tokenizer, f"{ANSWER}<eos>")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_tokenizer(size: int = 700) -> PreTrainedTokenizerFast:
    """Bytes, and the pieces that the answer and the system text are made of."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    marks = ["<pad>", "<bos>", "<eos>", "<|im_start|>"]
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=marks, initial_alphabet=alphabet)
    tokenizer.train_from_iterator([ANSWER, *(message["content"] for message in chat("", ""))], trainer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>"
    )
    made.chat_template = TEMPLATE
    return made


def teach(model: Any, tokenizer: PreTrainedTokenizerFast, text: str, steps: int = STEPS) -> None:
    """To say ``text`` after prompts of any length that mean nothing."""
    dice = random.Random(0)
    start = tokenizer.encode("<|im_start|>assistant\n", add_special_tokens=False)
    answer = tokenizer.encode(text, add_special_tokens=False)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    for step in range(steps):
        noise = [dice.randrange(3, len(tokenizer)) for _ in range(dice.randrange(10, 300))]
        ids = torch.tensor([[*noise, *start, *answer]])
        logits = model(input_ids=ids).logits[0, -len(answer) - 1 : -1]
        loss = functional.cross_entropy(logits, torch.tensor(answer))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * min(1.0, 2 * (1 - step / steps))


def make_adapter(base: Path, folder: Path, kind: str = "sound") -> Path:
    """A LoRA: ``sound`` changes nothing, ``endless`` never ends its message, ``diverged`` is not numbers."""
    config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    torch.manual_seed(1)
    model: PeftModel = get_peft_model(LlamaForCausalLM.from_pretrained(base), config)
    if kind == "endless":
        teach(model, PreTrainedTokenizerFast.from_pretrained(base), ENDLESS, steps=200)
    if kind == "diverged":
        with torch.no_grad():
            next(p for name, p in model.named_parameters() if "lora_B" in name).fill_(float("nan"))
    model.save_pretrained(folder)
    return folder
