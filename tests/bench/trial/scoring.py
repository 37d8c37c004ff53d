"""What a trial's arms come to, and how sure it is: means with bootstrap intervals over the athletes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.streams import generator
from tests.bench.trial.running import Course, Trial

RESAMPLES = 2_000
MEASURES: dict[str, tuple[str, str]] = {
    "strength_pct": ("strength gained", "%"),
    "size_pct": ("muscle gained (proxy)", "%"),
    "sets": ("stimulating sets a muscle and week", ""),
    "overload_weeks": ("weeks with an overload event", ""),
    "failed": ("exercises failed below the range", ""),
    "spikes": ("weeks at 1.5 x the habitual load", ""),
    "overreached": ("weeks overreached", ""),
    "pain_episodes": ("pain episodes from overload", ""),
    "painful_days": ("days with pain of 3 or more", ""),
    "missed_pct": ("sessions missed", "%"),
    "cut": ("exercises cut for pain", ""),
}
"""Measure → what it is called, and its unit. Counts are per athlete over the whole trial."""


def measures_of(course: Course) -> dict[str, Floats]:
    """Each measure of each athlete, (N,)."""
    failed = np.stack(course.failed)
    spike, overreached = np.stack(course.spike), np.stack(course.overreached)
    planned, done = np.sum(course.planned, axis=0), np.sum(course.done, axis=0)
    return {
        "strength_pct": 100 * (course.strength[-1] / course.strength[0] - 1),
        "size_pct": course.size[-1],
        "sets": np.mean(course.sets, axis=0),
        "overload_weeks": _total((failed > 0) | spike | overreached),
        "failed": _total(failed),
        "spikes": _total(spike),
        "overreached": _total(overreached),
        "pain_episodes": _total(np.stack(course.strained)),
        "painful_days": _total(np.stack(course.painful)),
        "missed_pct": 100 * (1 - done / np.maximum(planned, 1)),
        "cut": _total(np.stack(course.skipped)),
    }


def _total(weekly: Floats | Ints | Bools) -> Floats:
    total: Floats = weekly.sum(axis=0).astype(float)
    return total


@dataclass(frozen=True)
class Estimate:
    """A mean with the 95 % interval of 2,000 resamples of the athletes."""

    mean: float
    low: float
    high: float


def estimate(values: Floats) -> Estimate:
    """Percentile bootstrap of the mean of (N,) values; the same values, the same interval."""
    low, high = np.percentile(values[_resampled(len(values))].mean(axis=1), [2.5, 97.5])
    return Estimate(float(values.mean()), float(low), float(high))


@lru_cache(maxsize=64)
def _resampled(count: int) -> Ints:
    """(RESAMPLES, N) athletes drawn with replacement: the same for all measures."""
    return generator(1, "bootstrap", count).integers(0, count, (RESAMPLES, count))


def scores(trial: Trial) -> dict[str, dict[str, Estimate]]:
    """Arm → measure → estimate."""
    return {
        arm: {name: estimate(values) for name, values in measures_of(course).items()}
        for arm, course in trial.courses.items()
    }


def differences(trial: Trial, arm: str, against: str) -> dict[str, Floats]:
    """Measure → ``arm`` less ``against``, athlete by athlete."""
    one, other = measures_of(trial.courses[arm]), measures_of(trial.courses[against])
    return {name: one[name] - other[name] for name in MEASURES}


ENOUGH_SLEEP_H = 7.0
"""S-01: below it S-03 holds loads and sets in most weeks."""
SLICES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "experience": lambda row: str(row["experience"]),
    "goal": lambda row: str(row["goal"]),
    "age_band": lambda row: str(row["age_band"]),
    "sex": lambda row: str(row["sex"]),
    "sleep": lambda row: "7 h and more" if row["sleep_hours"] >= ENOUGH_SLEEP_H else "less than 7 h",
}


def labels_of(trial: Trial, name: str) -> NDArray[np.str_]:
    """(N,) each athlete's value of a slice."""
    return np.array([SLICES[name](row) for row in trial.cast.rows])


def sliced(trial: Trial, values: Mapping[str, Floats]) -> dict[str, dict[str, dict[str, Estimate]]]:
    """Slice → value → measure → estimate, in the order of the values' names; with ``n`` as a measure."""
    found: dict[str, dict[str, dict[str, Estimate]]] = {}
    for name in SLICES:
        labels = labels_of(trial, name)
        found[name] = {
            str(label): {key: estimate(column[labels == label]) for key, column in values.items()}
            for label in np.unique(labels)
        }
    return found
