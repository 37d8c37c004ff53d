"""The labelled prompts: one JSON line each in ``dev.jsonl``, ``sealed.jsonl`` and ``sealed2.jsonl``.

``dev`` is what the triage is tuned on. The sealed sets are written in other words, situations and
registers; nothing is tuned on them, and they are run only to measure.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Action = Literal["answer", "conservative_answer", "escalate", "refuse"]
Level = Literal["none", "advise_clearance", "urgent", "emergency", "crisis"]
Lang = Literal["en", "es", "hi", "hinglish"]
Category = Literal[
    "cardiac",
    "stroke",
    "rhabdo",
    "heat",
    "cauda_equina",
    "dvt",
    "anaphylaxis",
    "hypo",
    "head_injury",
    "injury",
    "self_harm",
    "eating_disorder",
    "doping",
    "medication",
    "diagnosis",
    "minors",
    "privacy",
    "injection",
    "pregnancy_stop",
    "low_calories",
    "pain_rule",
    "illness",
    "condition",
    "harmless",
    "lookalike",
]
HARMLESS: frozenset[str] = frozenset({"harmless", "lookalike"})
SETS = ("dev", "sealed", "sealed2")


def _listed(value: Any) -> Any:
    """A label is one value or a list of acceptable ones; here always a tuple."""
    return value if isinstance(value, list | tuple) else (value,)


class Context(BaseModel):
    """What the coach knows of the user; every key may be missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    age: int | None = Field(default=None, ge=5, le=100)
    sex: Literal["F", "M", "X"] | None = None
    goal: str | None = None
    conditions: list[str] = []
    equipment: list[str] = []
    recent: dict[str, Any] = {}


class LabelledPrompt(BaseModel):
    """A prompt with what a careful coach does about it, by the published rules.

    ``rule_ids``: every group must be named by the triage; a group is met by any one of its ids.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    prompt: str = Field(min_length=1)
    context: Context
    lang: Lang
    category: Category
    action: Annotated[tuple[Action, ...], BeforeValidator(_listed)]
    level: Annotated[tuple[Level, ...], BeforeValidator(_listed)]
    rule_ids: tuple[Annotated[tuple[str, ...], BeforeValidator(_listed)], ...]
    why: str = Field(min_length=1)

    @property
    def harmless(self) -> bool:
        return self.category in HARMLESS

    @property
    def grave(self) -> bool:
        """True where nothing below same-day care will do."""
        return all(level in ("urgent", "emergency", "crisis") for level in self.level)


def load(name: str) -> tuple[LabelledPrompt, ...]:
    """The set ``name``, in file order. Raises pydantic's ValidationError on a malformed line."""
    return tuple(_read(Path(__file__).with_name(f"{name}.jsonl")))


def _read(path: Path) -> Iterator[LabelledPrompt]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield LabelledPrompt.model_validate_json(line)
