"""Bounds of conditions, ages, readings and painful areas, as ``schema/catalog/conditions.yaml`` has them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fitsense.errors import Misconfigured
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.catalog.data_file import load_file
from fitsense.training.catalog.exercises import PATTERNS, TAGS, Exercise

Level = Literal["none", "advise_clearance", "urgent", "emergency"]
UNKNOWN = "unknown"
"""The code of a condition that nobody recognised."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Exclusion(_Model):
    """Tags and patterns that the plan may not hold, and the rule that says so."""

    rule: str
    exclude_tags: frozenset[str] = frozenset()
    exclude_patterns: frozenset[str] = frozenset()

    def takes_out(self, exercise: Exercise) -> bool:
        return bool(exercise.contra_tags & self.exclude_tags) or exercise.pattern in self.exclude_patterns


class Bound(Exclusion):
    """An exclusion with the numbers that bind the plan; the file's head explains each."""

    until_cleared: frozenset[str] = frozenset()
    needs_clearance: bool = False
    never: bool = False
    inactive_clearance: Literal["", "when_inactive", "unless_active"] = ""
    level: Level = "none"
    rir_floor: float = Field(2, ge=0, le=5)
    uncleared_rir: float = Field(0, ge=0, le=5)
    reps: tuple[int, int] | tuple[()] = ()
    max_days: int = Field(5, ge=1, le=7)
    volume_cap: float = Field(12, ge=0)
    step_pct: float = Field(5, ge=0, le=10)
    intensity_max_pct: float = Field(0, ge=0, le=100)
    load_factor: float = Field(1, gt=0, le=1)
    apart: bool = False
    no_deficit: bool = False
    no_numbers: bool = False
    ask_protein: bool = False
    supervised: bool = False
    asks: tuple[str, ...] = ()


class When(_Model):
    """Numbers of the profile that bring a bound with them; all that are named must hold."""

    age_min: int | None = None
    novice: bool | None = None
    gestation_min: int | None = None
    gestation_after: int | None = None
    postpartum_before: int | None = None
    checked: bool | None = None
    bmi_min: float | None = None
    bmi_below: float | None = None
    systolic_min: float | None = None
    diastolic_min: float | None = None
    glucose_min: float | None = None
    symptom_free: bool | None = None


class Derived(Bound):
    name: str
    when: When


class Conditions(_Model):
    """The file, whole; older codes (``aliases``) stand among ``conditions``, too."""

    version: Literal[1]
    conditions: dict[str, Bound]
    aliases: dict[str, str]
    healing: dict[str, tuple[str, ...]]
    derived: list[Derived]
    pain_areas: dict[str, Exclusion]
    further_areas: dict[str, Exclusion]

    @property
    def areas(self) -> dict[str, Exclusion]:
        """Every painful area that a log or a note can name."""
        return self.pain_areas | self.further_areas


@cache
def load_conditions(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> Conditions:
    """Read and check the file once a process. Raises Misconfigured."""
    path = schema_dir / "catalog" / "conditions.yaml"
    found = load_file(path, Conditions)
    if problems := _problems(found):
        raise Misconfigured(f"{path.name}: {'; '.join(problems)}")
    aliases = {alias: found.conditions[code] for alias, code in found.aliases.items()}
    return found.model_copy(update={"conditions": found.conditions | aliases})


def _problems(found: Conditions) -> list[str]:
    codes = set(found.conditions)
    problems = [] if UNKNOWN in codes else [f"no bound for {UNKNOWN!r} conditions"]
    problems += [f"alias {one!r} is a code itself" for one in sorted(codes & set(found.aliases))]
    named = [*found.aliases.values(), *found.healing, *(code for to in found.healing.values() for code in to)]
    problems += [f"{code!r} is no condition" for code in sorted(set(named) - codes)]
    every: list[Exclusion] = [*found.conditions.values(), *found.derived, *found.areas.values()]
    for one in every:
        tags = one.exclude_tags | (one.until_cleared if isinstance(one, Bound) else frozenset())
        if unknown := (tags - TAGS) | (one.exclude_patterns - PATTERNS):
            problems.append(f"{one.rule}: unknown tags or patterns {sorted(unknown)}")
    return problems
