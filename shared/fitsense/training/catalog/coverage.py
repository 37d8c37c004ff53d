"""Whether every condition, age, reading and painful area leaves enough to train with.

Data: ``schema/catalog/coverage.yaml``. Run by the tests and by whoever checks the catalogue, not on import.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from fitsense.errors import Misconfigured
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.catalog.data_file import load_file
from fitsense.training.catalog.exercises import EQUIPMENT, PATTERNS, Exercise, load_catalog
from fitsense.training.people.bounds import Bound, Exclusion, load_conditions

EVERY = "*"
_HOLDS = frozenset({"isometric_hold"})


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GapAllowed(_Model):
    """A declared exception; the file's head explains each field."""

    need: str
    kits: tuple[str, ...]
    bounds: tuple[str, ...]
    leaves: int = Field(ge=0)
    reason: str = Field(min_length=10)


class Coverage(_Model):
    version: Literal[1]
    least: int
    needs: dict[str, frozenset[str]]
    kits: dict[str, frozenset[str]]
    exceptions: list[GapAllowed]


class Cell(NamedTuple):
    """One need with one kit within one bound, and the ids that are left."""

    need: str
    kit: str
    bound: str
    left: tuple[str, ...]


def load_coverage(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> Coverage:
    """Read and check the file. Raises Misconfigured."""
    path = schema_dir / "catalog" / "coverage.yaml"
    found = load_file(path, Coverage)
    unknown = {one for patterns in found.needs.values() for one in patterns} - PATTERNS
    unknown |= {one for items in found.kits.values() for one in items} - EQUIPMENT
    for gap in found.exceptions:
        unknown |= ({gap.need} - set(found.needs)) | (set(gap.kits) - set(found.kits))
        unknown |= set(gap.bounds) - {EVERY, *every_bound(schema_dir)}
    if unknown:
        raise Misconfigured(f"{path.name}: unknown names {sorted(unknown)}")
    return found


def every_bound(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> dict[str, Exclusion]:
    """All bounds by the name that exceptions use; ``none`` is a person without any."""
    data = load_conditions(schema_dir)
    own: dict[str, Exclusion] = {
        code: bound for code, bound in data.conditions.items() if code not in data.aliases
    }
    derived = {bound.name: bound for bound in data.derived}
    areas = {f"pain:{area}": one for area, one in data.areas.items()}
    return {"none": Exclusion(rule="E-01"), **own, **derived, **areas}


def cells(coverage: Coverage, schema_dir: Path = DEFAULT_SCHEMA_DIR) -> Iterator[Cell]:
    """What is left to a novice for every need, kit and bound, before any clearance."""
    exercises = [one for one in load_catalog(schema_dir).by_id.values() if one.rank == 0]
    for name, bound in every_bound(schema_dir).items():
        left = [one for one in exercises if _stays(bound, one)]
        for kit, items in coverage.kits.items():
            owned = items | {"bodyweight"}
            within = [one for one in left if one.equipment <= owned]
            for need, patterns in coverage.needs.items():
                yield Cell(need, kit, name, tuple(one.id for one in within if one.pattern in patterns))


def _stays(bound: Exclusion, exercise: Exercise) -> bool:
    later = bound.until_cleared if isinstance(bound, Bound) else frozenset[str]()
    return not (bound.takes_out(exercise) or exercise.contra_tags & (_HOLDS | later))


def coverage_problems(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> list[str]:
    """Undeclared gaps, and exceptions that are stale or tell a wrong number; empty when all is well."""
    coverage = load_coverage(schema_dir)
    found = list(cells(coverage, schema_dir))
    gaps = [cell for cell in found if len(cell.left) < coverage.least]
    covered: set[Cell] = set()
    problems: list[str] = []
    for gap in coverage.exceptions:
        meant = [cell for cell in found if _meant(gap, cell)]
        covered.update(meant)
        problems += [
            f"{gap.need}, {cell.kit}, {cell.bound}: the exception is stale, {len(cell.left)} are left"
            for cell in meant
            if len(cell.left) >= coverage.least
        ]
        fewest = min(len(cell.left) for cell in meant)
        if fewest != gap.leaves:
            problems.append(f"{gap.need}, {gap.kits}: leaves {fewest}, not {gap.leaves} ({gap.reason})")
    return problems + [
        f"{cell.need}, {cell.kit}, {cell.bound}: only {list(cell.left)} left, and no exception says why"
        for cell in gaps
        if cell not in covered
    ]


def _meant(gap: GapAllowed, cell: Cell) -> bool:
    return (
        cell.need == gap.need and cell.kit in gap.kits and (cell.bound in gap.bounds or EVERY in gap.bounds)
    )
