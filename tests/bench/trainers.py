"""The GPU node's half of the training benchmark, run by its own interpreter: see tests.bench.training.

``python -m tests.bench.trainers cpu FOLDER`` prints one JSON line a round, ``… gpu`` a real size's figures.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, PrinterCallback, TrainerCallback
from trl import SFTConfig, SFTTrainer

from fitsense.records import DatasetRecord
from student.attention import RECORDS
from student.encoding import Example
from student.flops import peak_flops
from student.recipe import Recipe, load_recipe
from student.settings import CONFIGS
from student.styles import style_of
from student.texts import conversations
from student.tiny.base import new_model
from student.tiny.tokenizer import shown, train_tokenizer
from student.trainer import StudentTrainer
from student.tuning import Asked, Corpus, encode_corpus, load_tokenizer, lora, make_trainer

ROUNDS, STEPS, SKIPPED = 3, 24, 4
"""The first steps of a round warm caches and threads up."""


class Clock(TrainerCallback):
    """When each step ended, by the wall and by this process' CPU."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float]] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ends.append((time.perf_counter(), time.process_time()))


@dataclass(frozen=True)
class Bench:
    """One base and one corpus for both trainers."""

    base: Path
    recipe: Recipe
    records: list[DatasetRecord]
    corpus: Corpus

    def ours(self, asked: Asked, folder: Path) -> tuple[StudentTrainer, Callable[[], list[int]]]:
        model = AutoModelForCausalLM.from_pretrained(self.base, attn_implementation=RECORDS)
        trainer = make_trainer(model, load_tokenizer(self.base), self.corpus, asked, self.recipe, folder)
        return trainer, lambda: [trainer.tokens(step) for step in range(1, STEPS + 1)]

    def plain(
        self, asked: Asked, folder: Path, *, checkpointing: bool = True
    ) -> tuple[SFTTrainer, Callable[[], list[int]]]:
        """TRL's defaults, answers alone; tokens are counted without padding."""
        told = conversations(self.records, style_of(self.recipe.answer))
        rows = Dataset.from_list([{"messages": [dict(message) for message in one]} for one in told])
        config = SFTConfig(
            output_dir=str(folder),
            use_cpu=not torch.cuda.is_available(),
            assistant_only_loss=True,
            gradient_checkpointing=checkpointing,
            max_steps=STEPS,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        model = AutoModelForCausalLM.from_pretrained(self.base)
        adapter = None if asked.method == "full" else lora(self.recipe.tuning, model)
        trainer = _Counting(model=model, args=config, train_dataset=rows, peft_config=adapter)
        return trainer, lambda: trainer.counted


class _Counting(SFTTrainer):
    def __init__(self, **options: Any) -> None:
        self.counted: list[int] = []
        super().__init__(**options)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *more: Any, **options: Any) -> Any:
        self.counted.append(int(inputs["attention_mask"].sum()))
        return super().compute_loss(model, inputs, *more, **options)


def measured(make: Callable[[Path], tuple[Any, Callable[[], list[int]]]]) -> dict[str, float]:
    """Tokens a second and a CPU-second over the steps after the first ones."""
    folder = Path(tempfile.mkdtemp(prefix="fitsense-bench-"))
    trainer, tokens = make(folder)
    clock = Clock()
    trainer.add_callback(clock)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    shutil.rmtree(folder)
    counted = sum(tokens()[SKIPPED:])
    (wall, cpu), (wall_end, cpu_end) = clock.ends[SKIPPED - 1], clock.ends[-1]
    return {"wall": counted / (wall_end - wall), "cpu": counted / (cpu_end - cpu)}


def cpu(folder: Path) -> None:
    """A round measures each arm once, one after another, so that all meet the same machine."""
    records = [DatasetRecord.model_validate_json(line) for line in (folder / "train.jsonl").open()]
    recipe = load_recipe(CONFIGS, "fitsense-tiny")
    # The same loss: each token of the answer counts alike.
    tuning = recipe.tuning.model_copy(update={"message_weight": 1.0, "epoch_steps": STEPS, "evaluations": 1})
    recipe = recipe.model_copy(update={"tuning": tuning})
    torch.set_num_threads(recipe.threads)
    base = _base(records, recipe, folder / "base")
    for number in range(ROUNDS):
        figures = {}
        for method in ("lora", "full"):
            asked = Asked(method, 1, number)
            corpus = encode_corpus(load_tokenizer(base), (records, records[:8]), recipe, asked)
            bench = Bench(base, recipe, records, corpus)
            figures[method] = measured(partial(bench.ours, asked))
            figures[f"{method}, TRL"] = measured(partial(bench.plain, asked))
            figures[f"{method}, TRL without checkpointing"] = measured(
                partial(bench.plain, asked, checkpointing=False)
            )
        print(orjson.dumps(figures).decode(), flush=True)


def _base(records: list[DatasetRecord], recipe: Recipe, folder: Path) -> Path:
    """Random weights cost what trained ones cost."""
    assert recipe.tiny
    told = conversations(records, style_of(recipe.answer))
    sizes = {name: getattr(recipe.tiny, name) for name in ("vocabulary", "merges", "positions")}
    tokenizer = train_tokenizer(shown(told), **sizes)
    new_model(tokenizer, recipe.tiny, 1).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


QWEN_1B7: dict[str, Any] = {
    "vocab_size": 151_936, "hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 28,
    "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "tie_word_embeddings": True,
    "max_position_embeddings": 40_960, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
"""Qwen3-1.7B's (https://huggingface.co/Qwen/Qwen3-1.7B/blob/main/config.json)."""


def real_size(sizes: dict[str, Any] = QWEN_1B7, device: str = "cuda", **tuning: Any) -> dict[str, Any]:
    """Full fine-tuning in bfloat16, packed, of random weights and records: tokens a second and MFU."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    with torch.device(device):
        model = Qwen3ForCausalLM(Qwen3Config(**sizes, attn_implementation=RECORDS))
    recipe = load_recipe(CONFIGS, "default")
    changes = {"epoch_steps": STEPS, "evaluations": 1, "gradient_checkpointing": False} | tuning
    recipe = recipe.model_copy(update={"tuning": recipe.tuning.model_copy(update=changes)})
    examples = _random(2 * STEPS * recipe.tuning.batch_tokens, sizes["vocab_size"])
    folder = Path(tempfile.mkdtemp(prefix="fitsense-bench-"))
    corpus, asked = Corpus(examples, examples[:8], 0), Asked("full", 1, 1)
    trainer = make_trainer(model, _words(), corpus, asked, recipe, folder)
    steps = [trainer.tokens(step + 1) for step in range(STEPS)]
    speed = measured(lambda _: (trainer, lambda: steps))["wall"]
    flops, peak = speed * trainer.flops(STEPS) / sum(steps), peak_flops()
    shutil.rmtree(folder)
    return {
        "device": torch.cuda.get_device_name(0) if device == "cuda" else device,
        "tokens_per_s": speed,
        "tflops_per_s": flops / 1e12,
        "mfu": flops / peak if peak else None,
        "peak_gib": torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else None,
    }


def _random(tokens: int, vocabulary: int) -> list[Example]:
    """Records as long as a plan's in a large model's tokens."""
    dice = random.Random(1)
    examples: list[Example] = []
    while tokens > 0:
        asked, told = dice.randint(700, 1100), dice.randint(300, 600)
        ids = dice.choices(range(3, vocabulary), k=asked + told)
        examples.append(Example(ids, [0.0] * asked + [1.0] * told))
        tokens -= len(ids)
    return examples


def _words() -> Any:
    """A tokenizer that only knows which token pads."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    known = {"<pad>": 0, "<bos>": 1, "<eos>": 2}
    words = Tokenizer(models.WordLevel(known, unk_token="<pad>"))
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>"
    )


if __name__ == "__main__":
    if sys.argv[1] == "gpu":
        print(orjson.dumps(real_size()).decode())
    else:
        cpu(Path(sys.argv[2]))
