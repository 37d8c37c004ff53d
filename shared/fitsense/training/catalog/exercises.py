"""The exercise catalogue and what of it a person may do (rules E-01, C-*, G-02).

Data: ``schema/catalog/exercises.csv`` and, for everyday names, ``exercise_names.csv``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from fitsense.errors import Misconfigured
from fitsense.settings import DEFAULT_SCHEMA_DIR

PATTERNS = frozenset({
    "squat", "lunge", "hinge", "knee_flex", "knee_ext", "hip_abd", "hip_add", "calf", "h_push",
    "v_push", "chest_iso", "shoulder_iso", "h_pull", "v_pull", "elbow_flex", "elbow_ext", "shrug",
    "core_antiext", "core_antirot", "core_lat", "core_flex", "core_rot", "carry", "balance", "plyo",
    "olympic", "cardio", "mobility",
})  # fmt: skip
MUSCLES = (
    "chest", "upper_back", "lats", "front_delt", "side_delt", "rear_delt", "biceps", "triceps",
    "forearms", "traps", "abs", "obliques", "lower_back", "glutes", "quads", "hamstrings",
    "adductors", "abductors", "calves", "cardio",
)  # fmt: skip
"""The 20 muscles of the catalogue, in the order of every array that has one column a muscle."""
EQUIPMENT = frozenset({
    "bodyweight", "barbell", "rack", "bench", "dumbbell", "kettlebell", "cable", "machine", "smith",
    "band", "pullup_bar", "dip_bars", "box", "ez_bar", "trap_bar", "med_ball", "stability_ball",
    "ab_wheel", "rope", "treadmill", "bike", "rower", "elliptical", "mat", "wall",
})  # fmt: skip
TAGS = frozenset({
    "axial_load", "lumbar_flex_load", "spinal_flex", "spinal_twist", "deep_knee_flex",
    "open_chain_knee", "overhead", "shoulder_end_range", "wrist_ext_load", "valsalva",
    "isometric_hold", "high_impact", "high_intensity", "explosive", "fall_risk", "prone", "supine",
    "inverted", "abdominal_bulge",
})  # fmt: skip
LEVELS = {"novice": 0, "intermediate": 1, "advanced": 2}
LANGUAGES = ("en", "es", "hi")
LOWER_BODY = frozenset({"squat", "lunge", "hinge"})
UPPER_BODY = frozenset({"h_push", "v_push", "h_pull", "v_pull"})
COMPOUND = LOWER_BODY | UPPER_BODY
SUPPORT = frozenset(
    {"core_antiext", "core_antirot", "core_lat", "core_flex", "core_rot", "balance", "mobility", "carry"}
)
"""Trunk, balance and mobility."""
Kind = Literal["compound", "unloaded", "isolation", "support"]
"""All exercises of a kind get the same dose; ``unloaded`` are compound ones without a load."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Exercise:
    """One row of the catalogue. ``credit`` maps muscle → 1.0 (primary) or 0.5 (secondary) per hard set."""

    id: str
    name: str
    pattern: str
    primary: str
    secondary: tuple[str, ...]
    equipment: frozenset[str]
    level: str
    unilateral: bool
    contra_tags: frozenset[str]
    credit: tuple[tuple[str, float], ...]
    loaded: bool
    compound: bool
    form: tuple[Kind, bool]
    """Kind, and whether it is unilateral: all that a set's length depends on, beside the dose."""

    @property
    def kind(self) -> Kind:
        return self.form[0]

    @property
    def rank(self) -> int:
        """The level as a number, 0 to 2."""
        return LEVELS[self.level]


_UNLOADED = frozenset({
    "bodyweight", "mat", "wall", "box", "bench", "rack", "band", "pullup_bar", "dip_bars",
    "stability_ball", "ab_wheel", "rope",
})  # fmt: skip


class Catalog:
    """All exercises by id, in the order of the file, and their everyday names by language."""

    def __init__(self, exercises: Iterable[Exercise], names: Mapping[str, Mapping[str, str]]) -> None:
        self.by_id = {exercise.id: exercise for exercise in exercises}
        self.names = {language: dict(names[language]) for language in LANGUAGES}

    def __getitem__(self, exercise_id: str) -> Exercise:
        return self.by_id[exercise_id]

    def __contains__(self, exercise_id: object) -> bool:
        return exercise_id in self.by_id

    def name(self, exercise_id: str, language: str) -> str:
        """The everyday name, as a native would say it. Raises KeyError for an unknown id."""
        return self.names[language][exercise_id]


def _words(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(";")) if cell else ()


def _exercise(row: Mapping[str, str]) -> Exercise:
    equipment = frozenset(_words(row["equipment"]))
    secondary = _words(row["secondary"])
    loaded, unilateral = not equipment <= _UNLOADED, row["unilateral"] == "1"
    return Exercise(
        id=row["id"],
        name=row["name"],
        pattern=row["pattern"],
        primary=row["primary"],
        secondary=secondary,
        equipment=equipment,
        level=row["level"],
        unilateral=unilateral,
        contra_tags=frozenset(_words(row["contra_tags"])),
        credit=((row["primary"], 1.0), *((muscle, 0.5) for muscle in secondary)),
        loaded=loaded,
        compound=row["pattern"] in COMPOUND,
        form=(_kind(row["pattern"], loaded=loaded), unilateral),
    )


def _kind(pattern: str, *, loaded: bool) -> Kind:
    if pattern in SUPPORT:
        return "support"
    if pattern in COMPOUND:
        return "compound" if loaded else "unloaded"
    return "isolation"


def _problems(exercise: Exercise) -> list[str]:
    unknown = {
        "pattern": {exercise.pattern} - PATTERNS,
        "muscle": {exercise.primary, *exercise.secondary} - set(MUSCLES),
        "equipment": exercise.equipment - EQUIPMENT,
        "level": {exercise.level} - set(LEVELS),
        "contra_tag": exercise.contra_tags - TAGS,
    }
    return [f"{exercise.id}: unknown {what} {sorted(values)}" for what, values in unknown.items() if values]


@cache
def load_catalog(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> Catalog:
    """Read and check the catalogue once a process. Raises Misconfigured, naming every bad row."""
    folder = schema_dir / "catalog"
    exercises = [_exercise(row) for row in _rows(folder / "exercises.csv")]
    names = {row["id"]: row for row in _rows(folder / "exercise_names.csv")}
    ids = [exercise.id for exercise in exercises]
    problems = [problem for exercise in exercises for problem in _problems(exercise)]
    problems += [f"{one}: not unique" for one in sorted({one for one in ids if ids.count(one) > 1})]
    problems += [f"{one}: named in one file only" for one in sorted(set(ids) ^ set(names))]
    problems += [
        f"{one}: no {lang} name" for one, row in names.items() for lang in LANGUAGES if not row[lang]
    ]
    if problems:
        raise Misconfigured(f"exercise catalogue: {'; '.join(problems)}")
    return Catalog(exercises, {lang: {one: row[lang] for one, row in names.items()} for lang in LANGUAGES})


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@lru_cache(maxsize=8192)
def exercises_for(
    equipment: frozenset[str], tags: frozenset[str], patterns: frozenset[str], rank: int
) -> tuple[Exercise, ...]:
    """Exercises within the equipment, the exclusions and the level (0 to 2), in the catalogue's order."""
    owned = equipment | {"bodyweight"}
    return tuple(
        exercise
        for exercise in load_catalog().by_id.values()
        if exercise.equipment <= owned
        and exercise.rank <= rank
        and exercise.pattern not in patterns
        and not exercise.contra_tags & tags
    )


def allowed(person: Mapping[str, Any]) -> list[Exercise]:
    """What this person may do, in the order of the catalogue.

    ``person`` is a Profile or a Context as a dict: equipment (the whole list of an exercise must be owned,
    body weight implied), experience, and what bounds ``conditions.limits_for`` reads.
    """
    from fitsense.training.people.conditions import limits_for

    limits = limits_for(person)
    rank = LEVELS[person["experience"]]
    return list(exercises_for(frozenset(person["equipment"]), limits.tags, limits.patterns, rank))
