"""Supervised fine-tuning by TRL and PEFT: LoRA, QLoRA or full; answers alone; resumable at any step."""

from __future__ import annotations

import math
import random
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson
import torch
from transformers import PrinterCallback

from fitsense.errors import BadArtifact, Misconfigured
from fitsense.records import DatasetRecord
from student.attention import RECORDS
from student.batches import plan
from student.best import Best
from student.checkpoints import Checkpoints
from student.encoding import Example, Weighting, encode_all
from student.recipe import Recipe, Tuning
from student.styles import style_of
from student.texts import conversations
from student.trainer import Keeper, StudentTrainer
from student.watch import Watch

if TYPE_CHECKING:
    from peft import LoraConfig
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from trl import SFTConfig

Method = Literal["lora", "qlora", "full"]
_SENSE = re.compile(r"(?:^|\.)(?:vision|audio|multi_modal|multimodal|visual)[^.]*$")
"""The modules by which architectures see and hear, and what leads from them to the text."""


@dataclass(frozen=True)
class Corpus:
    """What is trained on and what is held against it; ``left_out`` were longer than allowed.

    ``unread`` of the training records lie beyond the steps that are asked for.
    """

    train: list[Example]
    val: list[Example]
    left_out: int
    unread: int = 0


@dataclass(frozen=True)
class Tuned:
    """``folder`` holds ``adapter/`` or ``weights/``; ``validation`` is the loss by step.

    ``flops`` is what the steps' mathematics took: see student.flops.
    """

    folder: Path
    steps: int
    best_step: int
    validation: dict[int, float]
    corpus: Corpus
    flops: float


@dataclass(frozen=True)
class Asked:
    """What the run's config asks for."""

    method: Method
    epochs: float
    seed: int


def tune(
    base: Path,
    name: str,
    records: tuple[Sequence[DatasetRecord], Sequence[DatasetRecord]],
    asked: Asked,
    recipe: Recipe,
    scratch: Path,
    checkpoints: Checkpoints,
    watch: Watch,
) -> Tuned:
    """Fine-tune the base in folder ``base`` (called ``name``) on train and validation records.

    Raises Misconfigured for a method that this machine cannot do, Interrupted after SIGTERM with a
    checkpoint made.
    """
    refuse_impossible(asked.method)
    tokenizer = load_tokenizer(base)
    corpus = encode_corpus(tokenizer, records, recipe, asked)
    trainer = make_trainer(load_model(base, asked, recipe), tokenizer, corpus, asked, recipe, scratch)
    best = Best(recipe.tuning.patience)
    keeper = Keeper(trainer, best, checkpoints, watch, recipe.tuning.evaluations)
    trainer.add_callback(keeper)
    trainer.remove_callback(PrinterCallback)  # the watch tells, and in the log's own form
    found = checkpoints.newest()
    if found:
        keeper.load(found.folder)
    watch.begin("tuning", trainer.args.max_steps, found.step if found else 0)
    if not best.exhausted:  # told to stop just when it was about to end
        trainer.train(resume_from_checkpoint=str(found.folder) if found else None)
    watch.check_interrupted()
    best.restore(trainer.model)
    folder = save(trainer.model, name, scratch / "trained")
    steps = max(trainer.state.global_step, found.step if found else 0)
    return Tuned(folder, steps, best.step, dict(best.losses), corpus, trainer.flops(steps))


def refuse_impossible(method: Method) -> None:
    """Raises Misconfigured for QLoRA without a GPU: bitsandbytes' 4-bit kernels need one to train."""
    if method == "qlora" and not torch.cuda.is_available():
        raise Misconfigured(
            "method qlora needs an NVIDIA GPU, and this machine has none",
            hint="set training.method to lora or full, or run on Batch with an accelerator",
        )


def load_tokenizer(base: Path) -> PreTrainedTokenizerBase:
    """Raises BadArtifact for a base without a chat template: it was never told how to answer."""
    from transformers import AutoTokenizer

    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(base)
    if not tokenizer.chat_template:
        raise BadArtifact(f"{base.name} has no chat template", hint="take an instruction-tuned base")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(base: Path, asked: Asked, recipe: Recipe) -> PreTrainedModel:
    """fp32, what is trained being kept in it; on a GPU frozen weights in bfloat16, for QLoRA in four bits."""
    from transformers import AutoModelForCausalLM

    torch.manual_seed(asked.seed)
    frozen = torch.cuda.is_available() and asked.method != "full"
    options: dict[str, Any] = {"dtype": torch.bfloat16 if frozen else torch.float32}
    if asked.method == "qlora":
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        base, attn_implementation=RECORDS, **options
    )
    return model


def encode_corpus(
    tokenizer: PreTrainedTokenizerBase,
    records: tuple[Sequence[DatasetRecord], Sequence[DatasetRecord]],
    recipe: Recipe,
    asked: Asked,
) -> Corpus:
    """Both splits as examples. Raises BadArtifact when nothing is short enough.

    Training records are read in an order of the seed's, until the steps that are asked for have enough.
    """
    tuning = recipe.tuning

    def encoded(part: Sequence[DatasetRecord]) -> tuple[list[Example], int]:
        weighting = Weighting(prompt=0.0, message=tuning.message_weight)
        told = conversations(part, style_of(recipe.answer))
        return encode_all(tokenizer, told, weighting, tuning.max_tokens)

    order = random.Random(asked.seed).sample(records[0], len(records[0]))
    train: list[Example] = []
    left_out, read, room = 0, 0, _budget(tuning, asked)
    while read < len(order) and room > 0:
        kept, too_long = encoded(order[read : read + CHUNK])
        train += kept
        read, left_out = min(read + CHUNK, len(order)), left_out + too_long
        room -= sum(map(len, kept))
    val, _ = encoded(records[1][: tuning.validation_records])
    if not train or not val:
        raise BadArtifact(f"no record of train or val fits into {tuning.max_tokens} tokens")
    return Corpus(train, val, left_out, len(order) - read)


CHUNK = 64
"""Records that are encoded at a time."""


def _budget(tuning: Tuning, asked: Asked) -> float:
    """More tokens than all steps together can hold."""
    if tuning.epoch_steps is None:
        return math.inf
    return max(1, round(asked.epochs * tuning.epoch_steps)) * tuning.batch_tokens


def make_trainer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    corpus: Corpus,
    asked: Asked,
    recipe: Recipe,
    scratch: Path,
) -> StudentTrainer:
    tuning = recipe.tuning
    lengths = [len(example) for example in corpus.train]
    whole = 1 + corpus.unread / len(lengths)
    batches = plan(
        lengths,
        tuning.batch_tokens,
        asked.seed,
        pack=tuning.packed,
        epochs=asked.epochs * whole,
        most=None if tuning.epoch_steps is None else max(1, round(asked.epochs * tuning.epoch_steps)),
    )
    peft = None if asked.method == "full" else lora(tuning, model)
    return StudentTrainer(
        model=model,
        args=arguments(tuning, asked, len(batches), scratch),
        processing_class=tokenizer,
        peft_config=peft,
        corpus=(corpus.train, corpus.val),
        batches=batches,
        packed=tuning.packed,
        batch_tokens=tuning.batch_tokens,
    )


def lora(tuning: Tuning, model: PreTrainedModel) -> LoraConfig:
    """On every linear layer that reads; a model's eyes and ears stay as they are."""
    from peft import LoraConfig

    senses = sorted({name.split(".")[-1] for name, _ in model.named_modules() if _SENSE.search(name)})
    return LoraConfig(
        r=tuning.lora_rank,
        lora_alpha=tuning.lora_alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        exclude_modules=rf".*({'|'.join(senses)}).*" if senses else None,
        task_type="CAUSAL_LM",
    )


def arguments(tuning: Tuning, asked: Asked, steps: int, scratch: Path) -> SFTConfig:
    """TRL's own defaults would train in bf16 everywhere, recompute activations, and say so to a tracker."""
    from trl import SFTConfig

    rate = tuning.full_learning_rate if asked.method == "full" else tuning.learning_rate
    return SFTConfig(
        output_dir=str(scratch / "trainer"),
        use_cpu=not torch.cuda.is_available(),
        bf16=tuning.bf16,
        gradient_checkpointing=tuning.gradient_checkpointing,
        learning_rate=rate,
        lr_scheduler_type="cosine",
        warmup_steps=round(tuning.warmup * steps),
        weight_decay=0.0,
        max_grad_norm=1.0,
        max_steps=steps,
        seed=asked.seed % 2**32,
        data_seed=asked.seed % 2**32,
        full_determinism=False,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        save_strategy="no",
        eval_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        dataloader_num_workers=0,
    )


def save(model: Any, name: str, folder: Path) -> Path:
    """``adapter/`` for PEFT, else ``weights/``; the same weights give the same bytes."""
    shutil.rmtree(folder, ignore_errors=True)
    if not hasattr(model, "peft_config"):
        model.save_pretrained(folder / "weights")
        return folder
    target = folder / "adapter"
    model.save_pretrained(target)
    (target / "README.md").unlink(missing_ok=True)
    _settle(target / "adapter_config.json", name)
    return folder


def _settle(path: Path, name: str) -> None:
    """PEFT writes sets in any order and the folder that the base was read from."""
    config: dict[str, Any] = orjson.loads(path.read_bytes())
    config["base_model_name_or_path"] = name
    config["target_modules"] = sorted(config["target_modules"])
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    path.write_bytes(orjson.dumps(config, option=options))
