"""An answer of ``fitsense plan`` beside its case, and what is read from the two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.acceptance.loading import Entry, catalogue

EASY = frozenset({"cardio", "mobility", "balance"})
"""Patterns that are not hard sets of a muscle."""
ISOLATION = frozenset(
    {
        *("knee_flex", "knee_ext", "hip_abd", "hip_add", "calf", "chest_iso", "shoulder_iso", "elbow_flex"),
        *("elbow_ext", "shrug", "core_antiext", "core_antirot", "core_lat", "core_flex", "core_rot", "carry"),
    }
)
HARD_RIR = 4


@dataclass(frozen=True)
class Answer:
    """The JSON object that came out, with its case."""

    case: Mapping[str, Any]
    out: Mapping[str, Any]

    @property
    def profile(self) -> Mapping[str, Any]:
        profile: Mapping[str, Any] = self.case["profile"]
        return profile

    @property
    def history(self) -> Mapping[str, Any]:
        history: Mapping[str, Any] = self.case.get("history", {})
        return history

    def exercises(self) -> Iterator[tuple[int, Entry, Mapping[str, Any]]]:
        """Day number, catalogue entry and exercise; unknown ids are left to the check of ids."""
        for number, day in enumerate(self.out["days"]):
            for exercise in day["exercises"]:
                entry = catalogue().get(exercise["exercise_id"])
                if entry is not None:
                    yield number, entry, exercise

    def strength(self) -> Iterator[tuple[int, Entry, list[Mapping[str, Any]]]]:
        """Day number, entry and work sets of every exercise that trains a muscle."""
        for number, entry, exercise in self.exercises():
            if entry.pattern not in EASY:
                yield number, entry, work_sets(exercise)

    def entries(self) -> dict[str, Entry]:
        return {entry.id: entry for _, entry, _ in self.exercises()}

    def volume(self, hard: bool = False, day: int | None = None) -> Counter[str]:
        """Muscle → fractional work sets; only those at RIR 4 or less if ``hard``; of one day if given."""
        found: Counter[str] = Counter()
        for number, entry, sets in self.strength():
            if day is None or number == day:
                _credit(found, entry, [one for one in sets if not hard or _is_hard(one)])
        return found

    def volume_at_most(self) -> Counter[str]:
        """The same with balance and mobility, which may be counted or not."""
        found: Counter[str] = Counter()
        for _, entry, exercise in self.exercises():
            _credit(found, entry, work_sets(exercise))
        return found

    def texts(self) -> list[str]:
        """Everything that a person would read."""
        reasons = [str(one["text"]) for one in [*self.out["reasons"], *self.out["changes"]]]
        return [*reasons, *self.out["statements"], *self.out["questions"]]

    def rule_ids(self) -> set[str]:
        return {str(one["rule_id"]) for one in [*self.out["reasons"], *self.out["changes"]]}


def work_sets(exercise: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in exercise["sets"] if not one["warmup"]]


def _is_hard(one: Mapping[str, Any]) -> bool:
    return one["rir"] is not None and bool(one["rir"] <= HARD_RIR)


def _credit(found: Counter[str], entry: Entry, sets: list[Mapping[str, Any]]) -> None:
    for muscle, credit in [(entry.primary, 1.0), *((one, 0.5) for one in entry.secondary)]:
        found[muscle] += credit * len(sets)  # type: ignore[assignment]
