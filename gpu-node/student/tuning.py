"""Supervised fine-tuning by TRL and PEFT: LoRA, QLoRA or full; answers alone; resumable at any step."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson
import torch

from fitsense.errors import BadArtifact, Misconfigured
from fitsense.records import DatasetRecord
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


@dataclass(frozen=True)
class Corpus:
    """What is trained on and what is held against it; ``left_out`` were longer than allowed."""

    train: list[Example]
    val: list[Example]
    left_out: int


@dataclass(frozen=True)
class Tuned:
    """``folder`` holds ``adapter/`` or ``weights/``; ``validation`` is the loss by step."""

    folder: Path
    steps: int
    best_step: int
    validation: dict[int, float]
    corpus: Corpus


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
    corpus = encode_corpus(tokenizer, records, recipe)
    trainer = _trainer(load_model(base, asked, recipe), tokenizer, corpus, asked, recipe, scratch)
    best = Best(recipe.tuning.patience)
    keeper = Keeper(trainer, best, checkpoints, watch, recipe.tuning.evaluations)
    trainer.add_callback(keeper)
    found = checkpoints.newest()
    if found:
        keeper.load(found.folder)
    watch.begin("tuning", trainer.args.max_steps, found.step if found else 0)
    trainer.train(resume_from_checkpoint=str(found.folder) if found else None)
    watch.check_interrupted()
    best.restore(trainer.model)
    folder = save(trainer.model, name, scratch / "trained")
    return Tuned(folder, trainer.state.global_step, best.step, dict(best.losses), corpus)


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
    """fp32 on a CPU; bfloat16, for QLoRA in four bits, on a GPU."""
    from transformers import AutoModelForCausalLM

    torch.manual_seed(asked.seed)
    options: dict[str, Any] = {"dtype": torch.bfloat16 if torch.cuda.is_available() else torch.float32}
    if asked.method == "qlora":
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(base, **options)
    return model


def encode_corpus(
    tokenizer: PreTrainedTokenizerBase,
    records: tuple[Sequence[DatasetRecord], Sequence[DatasetRecord]],
    recipe: Recipe,
) -> Corpus:
    """Both splits as examples. Raises BadArtifact when nothing is short enough."""
    tuning = recipe.tuning
    weighting = Weighting(prompt=0.0, message=tuning.message_weight)
    train, val = (
        encode_all(tokenizer, conversations(split, style_of(recipe.answer)), weighting, tuning.max_tokens)
        for split in (records[0], records[1][: tuning.validation_records])
    )
    if not train[0] or not val[0]:
        raise BadArtifact(f"no record of train or val fits into {tuning.max_tokens} tokens")
    return Corpus(train[0], val[0], train[1] + val[1])


def _trainer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    corpus: Corpus,
    asked: Asked,
    recipe: Recipe,
    scratch: Path,
) -> StudentTrainer:
    tuning = recipe.tuning
    lengths = [len(example) for example in corpus.train]
    batches = plan(
        lengths,
        tuning.batch_tokens,
        asked.seed,
        pack=tuning.packed,
        epochs=asked.epochs,
        epoch_steps=tuning.epoch_steps,
    )
    peft = None if asked.method == "full" else lora(tuning)
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


def lora(tuning: Tuning) -> LoraConfig:
    from peft import LoraConfig

    return LoraConfig(
        r=tuning.lora_rank,
        lora_alpha=tuning.lora_alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
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
