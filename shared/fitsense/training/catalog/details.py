"""What the app shows beside an exercise: cues, substitutes, the step of its load, the rest.

Data: ``schema/catalog/exercise_details.yaml`` and ``exercise_cues.yaml``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fitsense.errors import Misconfigured
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.catalog.data_file import load_file
from fitsense.training.catalog.exercises import EQUIPMENT, LANGUAGES, Catalog, Exercise, Kind, load_catalog

Steps = tuple[float, float]
"""The smallest step of a load near a light one and near a heavy one."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Increment(_Model):
    item: str
    kg: Steps
    lb: Steps


class NoSubstitute(_Model):
    instead: str
    reason: str = Field(min_length=5)


class _DetailsFile(_Model):
    version: Literal[1]
    increments: list[Increment]
    rest_s: dict[Kind, int]
    no_substitute: dict[str, NoSubstitute]


class _CueGroup(_Model):
    ids: list[str]
    en: list[str] = Field(min_length=2, max_length=3)
    es: list[str] = Field(min_length=2, max_length=3)
    hi: list[str] = Field(min_length=2, max_length=3)


class _CuesFile(_Model):
    version: Literal[1]
    groups: dict[str, _CueGroup]


@dataclass(frozen=True, slots=True)
class Details:
    """Of one exercise. ``increment`` maps kg and lb to steps; None where there is no load to raise."""

    increment: dict[str, Steps] | None
    default_rest_s: int
    substitutes: tuple[str, ...]
    """Ids of the same pattern with fewer tags, best first; where there is none, one of another pattern."""
    cues: dict[str, tuple[str, ...]]
    """Language → two or three sentences."""


@cache
def load_details(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> dict[str, Details]:
    """Details by exercise id, read and checked once a process. Raises Misconfigured, naming every problem."""
    folder, catalog = schema_dir / "catalog", load_catalog(schema_dir)
    file = load_file(folder / "exercise_details.yaml", _DetailsFile)
    groups = load_file(folder / "exercise_cues.yaml", _CuesFile).groups
    problems = [*_cue_problems(groups, catalog), *_substitute_problems(file, catalog)]
    problems += [f"{one.item}: unknown equipment" for one in file.increments if one.item not in EQUIPMENT]
    if problems:
        raise Misconfigured(f"exercise details: {'; '.join(problems)}")
    cues = {one: group for group in groups.values() for one in group.ids}
    return {one.id: _details(one, file, cues[one.id], catalog) for one in catalog.by_id.values()}


def _details(exercise: Exercise, file: _DetailsFile, cues: _CueGroup, catalog: Catalog) -> Details:
    step = next((one for one in file.increments if one.item in exercise.equipment), None)
    declared = file.no_substitute.get(exercise.id)
    return Details(
        increment={"kg": step.kg, "lb": step.lb} if step else None,
        default_rest_s=file.rest_s[exercise.kind],
        substitutes=(declared.instead,) if declared else tuple(easier(exercise, catalog)),
        cues={language: tuple(getattr(cues, language)) for language in LANGUAGES},
    )


def easier(exercise: Exercise, catalog: Catalog) -> list[str]:
    """Ids of the same pattern with a strict subset of the tags: the same muscle first, then the likest."""
    tags = exercise.contra_tags
    found = [
        one
        for one in catalog.by_id.values()
        if one.pattern == exercise.pattern
        and one.id != exercise.id
        and (one.contra_tags < tags or not (tags or one.contra_tags))
    ]
    found.sort(key=lambda one: (one.primary != exercise.primary, -len(one.contra_tags), one.rank))
    return [one.id for one in found]


def _cue_problems(groups: dict[str, _CueGroup], catalog: Catalog) -> list[str]:
    count = Counter(one for group in groups.values() for one in group.ids)
    problems = [f"{one}: cues for no exercise" for one in count if one not in catalog]
    problems += [f"{one}: cues in {times} groups" for one, times in count.items() if times > 1]
    return problems + [f"{one}: no cues" for one in catalog.by_id if one not in count]


def _substitute_problems(file: _DetailsFile, catalog: Catalog) -> list[str]:
    problems: list[str] = []
    for one in catalog.by_id.values():
        declared, own = file.no_substitute.get(one.id), easier(one, catalog)
        if declared is None and not own:
            problems.append(f"{one.id}: no easier exercise of its pattern, and none declared")
        if declared is not None:
            problems += [f"{one.id}: the exception is stale, there is {own[0]}"] if own else []
            problems += _instead_problems(one, declared, catalog)
    unknown: Any = set(file.no_substitute) - set(catalog.by_id)
    return problems + [f"{one}: an exception for no exercise" for one in sorted(unknown)]


def _instead_problems(exercise: Exercise, declared: NoSubstitute, catalog: Catalog) -> list[str]:
    if declared.instead not in catalog:
        return [f"{exercise.id}: {declared.instead} is no exercise"]
    extra = catalog[declared.instead].contra_tags - exercise.contra_tags
    return [f"{exercise.id}: {declared.instead} brings {sorted(extra)}"] if extra else []
