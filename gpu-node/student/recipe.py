"""How a base is trained: ``configs/<base>.yaml``, or ``configs/default.yaml`` for one that has none.

The run's config says what is wanted (base, method, epochs, seed); the recipe says how that is best done.
Both stand in the model's manifest.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError

from fitsense.config import Section, Share, canonical_json
from fitsense.errors import Misconfigured


class TinyBase(Section):
    """A small Llama with a tokenizer of its own, trained from scratch on the run's corpus.

    ``tokens`` is the budget, prompts included. For ``plan_first`` of it, plans are learned without the
    message before them; for ``talk_next``, action, message and goal without exercises; then whole answers.
    """

    recipe_version: int = Field(ge=1, description="raised whenever the same sizes would give another base")
    vocabulary: int = Field(ge=300, le=65_536)
    merges: int = Field(
        ge=260, description="of the vocabulary: bytes and what BPE merges; the rest are words"
    )
    hidden: int = Field(ge=16)
    intermediate: int = Field(ge=16)
    layers: int = Field(ge=2)
    heads: int = Field(ge=3)
    head_size: int = Field(ge=16)
    positions: int = Field(ge=128)
    records: int = Field(
        ge=1, description="of the training split, chosen by the seed: the rest would not be seen"
    )
    tokens: int = Field(ge=1)
    batch_tokens: int = Field(ge=64)
    plan_first: Share
    talk_next: Share
    prompt_weight: Share
    message_weight: Share
    muon_lr: float = Field(gt=0)
    adam_lr: float = Field(gt=0)
    embedding_lr: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    constant: Share = Field(description="share of the budget before the learning rate falls")
    bf16: bool


class Tuning(Section):
    """Supervised fine-tuning on answers alone.

    ``batch_tokens`` counts padding; ``packed`` lays records end to end in one row, each seeing only itself.
    """

    learning_rate: float = Field(gt=0)
    full_learning_rate: float = Field(gt=0, description="of method full")
    warmup: Share
    batch_tokens: int = Field(ge=64)
    packed: bool
    max_tokens: int = Field(ge=64, description="longer records are left out, and counted")
    lora_rank: int = Field(ge=1)
    lora_alpha: int = Field(ge=1)
    message_weight: Share
    evaluations: int = Field(ge=1, description="on validation, over the whole training")
    validation_records: int = Field(ge=1)
    patience: int = Field(ge=1, description="evaluations without a better loss until it stops")
    epoch_steps: int | None = Field(default=None, ge=1, description="an epoch is cut off after so many")
    bf16: bool
    gradient_checkpointing: bool = False


class Recipe(Section):
    """One file of ``configs/``. ``threads`` is fixed: with another number sums would round otherwise."""

    threads: int = Field(ge=1)
    answer: Literal["whole", "brief"] = Field(
        description="brief: as fitsense-tiny says it, see student.tiny.answers"
    )
    tiny: TinyBase | None = None
    tuning: Tuning


def load_recipe(configs: Path, base: str) -> Recipe:
    """Raises Misconfigured when the file is not a recipe."""
    path = configs / f"{base.rsplit('/', 1)[-1]}.yaml"
    path = path if path.exists() else configs / "default.yaml"
    try:
        return Recipe.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, ValidationError) as error:
        raise Misconfigured(f"{path.name}: {error}", hint="see student.recipe") from error


def digest(*parts: object) -> str:
    """SHA-256 of JSON-able parts, hex."""
    return hashlib.sha256(canonical_json(list(parts))).hexdigest()
