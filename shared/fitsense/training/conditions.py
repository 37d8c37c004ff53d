"""What conditions, age and pain take out of a plan, and the bounds they set (rules §7, C-*).

Data: ``schema/catalog/conditions.yaml``. The strictest bound wins, whatever it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fitsense.errors import Misconfigured
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.catalog import PATTERNS, TAGS, Exercise

WHEN = ("age_min", "gestation_after", "postpartum_before", "bmi_min")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Exclusion(_Model):
    """Tags and patterns that the plan may not hold, and the rule that says so."""

    rule: str
    exclude_tags: frozenset[str]
    exclude_patterns: frozenset[str]

    def takes_out(self, exercise: Exercise) -> bool:
        return bool(exercise.contra_tags & self.exclude_tags) or exercise.pattern in self.exclude_patterns


class Bound(Exclusion):
    """An exclusion with the numbers that bind the plan; the file's head explains each."""

    needs_clearance: bool
    rir_floor: float = Field(ge=0, le=5)
    reps: tuple[int, int] | tuple[()]
    max_days: int = Field(ge=1, le=7)
    volume_cap: float = Field(ge=0)
    step_pct: float = Field(ge=0, le=10)


class Derived(Bound):
    name: str
    when: dict[Literal["age_min", "gestation_after", "postpartum_before", "bmi_min"], float]


class Conditions(_Model):
    """The file, whole."""

    version: Literal[1]
    conditions: dict[str, Bound]
    derived: list[Derived]
    pain_areas: dict[str, Exclusion]


@dataclass(frozen=True, slots=True)
class Limits:
    """All bounds of one person at once. ``reps`` is () when the goal's own range stands."""

    tags: frozenset[str]
    patterns: frozenset[str]
    rules: tuple[str, ...]
    rir_floor: float
    reps: tuple[int, int] | tuple[()]
    max_days: int
    volume_cap: float
    step_pct: float
    blocked: tuple[str, ...]
    """Rules that forbid any plan until a clinician has cleared it."""
    excluding: tuple[tuple[str, Exclusion], ...]
    """Every exclusion behind ``tags`` and ``patterns``, with its rule."""


@cache
def load_conditions(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> Conditions:
    """Read and check the file once a process. Raises Misconfigured."""
    path = schema_dir / "catalog" / "conditions.yaml"
    try:
        found = Conditions.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise Misconfigured(f"{path.name}: {error}") from error
    for one in (*found.conditions.values(), *found.derived, *found.pain_areas.values()):
        if unknown := (one.exclude_tags - TAGS) | (one.exclude_patterns - PATTERNS):
            raise Misconfigured(f"{path.name}: {one.rule}: unknown tags or patterns {sorted(unknown)}")
    return found


def bmi(person: Mapping[str, Any]) -> float:
    """Body mass index, kg/m²."""
    return float(person["weight_kg"] / (person["height_cm"] / 100) ** 2)


def limits_for(person: Mapping[str, Any], pain: Iterable[str] = ()) -> Limits:
    """The bounds of a Profile or Context as a dict. ``pain`` names painful areas beside the logged one.

    Raises KeyError for a condition or area that the catalogue does not know: an unknown health
    condition must never pass as none.
    """
    logged = person.get("pain_area") if person.get("pain", 0) > 0 else None
    areas = frozenset(pain) | ({logged} if logged else frozenset())
    return _limits(
        tuple(sorted(person["conditions"])),
        areas,
        _derived_names(person),
        bool(person["medical_clearance"]),
    )


def _derived_names(person: Mapping[str, Any]) -> tuple[str, ...]:
    return _derived(person["age"], bmi(person), person.get("gestation_weeks"), person.get("postpartum_weeks"))


@lru_cache(maxsize=4096)
def _derived(age: int, mass_index: float, gestation: int | None, postpartum: int | None) -> tuple[str, ...]:
    holds: dict[str, Callable[[float], bool]] = {
        "age_min": lambda bound: age >= bound,
        "bmi_min": lambda bound: mass_index >= bound,
        "gestation_after": lambda bound: gestation is not None and gestation > bound,
        "postpartum_before": lambda bound: postpartum is not None and postpartum < bound,
    }
    return tuple(
        one.name
        for one in load_conditions().derived
        if all(holds[key](bound) for key, bound in one.when.items())
    )


@lru_cache(maxsize=4096)
def _limits(
    conditions: tuple[str, ...], areas: frozenset[str], derived: tuple[str, ...], cleared: bool
) -> Limits:
    data = load_conditions()
    bounds: list[Bound] = [data.conditions[code] for code in conditions]
    bounds += [one for one in data.derived if one.name in derived]
    pains = [data.pain_areas[area] for area in sorted(areas)]
    every: list[Exclusion] = [*bounds, *pains]
    ranges = [bound.reps for bound in bounds if bound.reps]
    steps = [bound.step_pct for bound in bounds if bound.step_pct] + [5.0] * bool(pains)
    caps = [bound.volume_cap for bound in bounds if bound.volume_cap]
    return Limits(
        tags=frozenset(tag for one in every for tag in one.exclude_tags),
        patterns=frozenset(pattern for one in every for pattern in one.exclude_patterns),
        rules=tuple(dict.fromkeys([one.rule for one in every] + ["C-PAINRULE"] * bool(pains))),
        rir_floor=max([bound.rir_floor for bound in bounds] + [2.0] * bool(pains), default=0.0),
        reps=max(ranges, default=()),
        max_days=min((bound.max_days for bound in bounds), default=7),
        volume_cap=min(caps, default=0.0),
        step_pct=min(steps, default=0.0),
        blocked=()
        if cleared
        else tuple(dict.fromkeys(bound.rule for bound in bounds if bound.needs_clearance)),
        excluding=tuple((one.rule, one) for one in every),
    )
