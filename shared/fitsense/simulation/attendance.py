"""What life does before any training: sleep, pain, missed weeks. Arrays (N, W) and (N, D)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.calendar import Calendar, Rates
from fitsense.simulation.moves import Moves
from fitsense.simulation.roster import Roster

MEAN_MISS = 0.12
"""Mean of 1 - ``adherence`` over the population: at this configured rate each misses their own share."""
_POPULATION = 1 - (1 - (np.arange(64) + 0.5) / 64) ** (MEAN_MISS / (1 - MEAN_MISS))
"""Quantiles of 1 - ``adherence``: Beta(1, b) with that mean, as the profiles are drawn (nearly)."""
WHOLE_WEEKS = 0.25
"""Share of missed sessions that comes from weeks lost whole: illness, travel, work."""
WEEKEND_SLEEP_H = 0.4
PAINFUL = {
    "knee_pain": "knee",
    "low_back_pain": "low_back",
    "shoulder_pain": "shoulder",
    "wrist_pain": "wrist",
}
AREA_WEIGHTS = {
    "knee": 4,
    "low_back": 4,
    "shoulder": 4,
    "elbow": 1.5,
    "wrist": 1,
    "hip": 1.5,
    "ankle": 1,
    "neck": 1,
}
RISK_WITH, RISK_WITHOUT = 2.6, 0.6
"""Pain episodes of those with a painful condition and of others, relative to the configured rate."""


@dataclass(frozen=True)
class Life:
    """(N, D): ``pain`` 0-10, ``area`` 0 for none, else 1 + index of ``Moves.pain_areas``."""

    sleep: Floats
    logged_sleep: Floats
    pain: Ints
    area: Ints
    lost_week: Bools
    miss: Floats
    """(N,) chance of missing a session of a week that is not lost."""


def draw_life(
    moves: Moves, roster: Roster, rng: np.random.Generator, calendar: Calendar, rates: Rates
) -> Life:
    """Everything that happens to a person whatever the training."""
    weeks, miss_rate = calendar.weeks, rates.miss
    pain, area = _pains(moves, roster, rng, weeks, rates.pain)
    miss = miss_chances(roster.adherence, miss_rate)
    lost = rng.random((roster.size, weeks)) < (WHOLE_WEEKS * miss)[:, None]
    rest = np.clip((miss * (1 - WHOLE_WEEKS)) / np.maximum(1 - WHOLE_WEEKS * miss, 1e-9), 0, 1)
    sleep = _sleep(roster, rng, calendar)
    wears = rng.beta(6, 1, (roster.size, 1))
    logged = np.where(rng.random(sleep.shape, dtype=np.float32) < wears, sleep, np.nan)
    return Life(sleep, logged, pain, area, lost, rest)


def miss_chances(adherence: Floats, rate: float) -> Floats:
    """(N,) chance to miss a session: own odds, shifted so that the population's mean is ``rate``."""
    if rate in (0.0, 1.0):
        return np.full(adherence.shape, rate)
    low, high = -20.0, 20.0
    for _ in range(40):
        shift = (low + high) / 2
        low, high = (shift, high) if _shifted(_POPULATION, shift).mean() < rate else (low, shift)
    return _shifted(1 - adherence, shift)


def _shifted(chance: Floats, shift: float) -> Floats:
    odds = np.clip(chance, 1e-3, 1 - 1e-3)
    shifted: Floats = 1 / (1 + (1 / odds - 1) * np.exp(-shift))
    return shifted


def _sleep(roster: Roster, rng: np.random.Generator, calendar: Calendar) -> Floats:
    """Hours (N, D): habit, weekends, nights that resemble the last, and now and then a bad spell."""
    weeks, days = calendar.weeks, calendar.days
    night = rng.standard_normal((roster.size, days), dtype=np.float32) * 0.6
    night[:, 1:] += 0.35 * night[:, :-1]
    weekend = np.where(calendar.weekend, WEEKEND_SLEEP_H, -WEEKEND_SLEEP_H * 2 / 5)
    hours = roster.sleep_hours[:, None] + weekend + night
    for person, week in np.argwhere(rng.random((roster.size, weeks)) < 0.03):
        start = week * 7 + int(rng.integers(0, 7))
        hours[person, start : start + int(rng.integers(4, 12))] -= rng.uniform(1.0, 2.2)
    return np.round(np.clip(hours, 2.5, 11.0), 1)


def pain_risk(roster: Roster) -> Floats:
    """(N,) likelihood of a pain episode, relative to the configured rate."""
    return np.where(roster.has(*PAINFUL), RISK_WITH, RISK_WITHOUT)


def _pains(
    moves: Moves, roster: Roster, rng: np.random.Generator, weeks: int, rate: float
) -> tuple[Ints, Ints]:
    """Episodes of 4 to about 20 days that rise quickly and fade; likelier where a condition is."""
    pain = np.zeros((roster.size, weeks * 7), np.int8)
    area = np.zeros_like(pain)
    chance = np.clip(rate * pain_risk(roster), 0, 1)[:, None]
    starts = np.argwhere(rng.random((roster.size, weeks)) < chance)
    where = rng.choice(len(AREA_WEIGHTS), len(starts), p=_shares())
    lengths = 4 + rng.geometric(0.16, len(starts))
    peaks = rng.integers(2, 8, len(starts))
    offsets = rng.integers(0, 7, len(starts))
    usual = list(AREA_WEIGHTS)
    for (person, week), drawn, length, peak, offset in zip(
        starts.tolist(), where.tolist(), lengths.tolist(), peaks.tolist(), offsets.tolist(), strict=True
    ):
        known = next((PAINFUL[code] for code in roster.conditions[person] if code in PAINFUL), usual[drawn])
        days = slice(week * 7 + offset, min(week * 7 + offset + length, pain.shape[1]))
        fading = np.ceil(peak * (1 - np.arange(length) / length))[: days.stop - days.start]
        pain[person, days] = fading
        area[person, days] = 1 + moves.pain_areas.index(known)
    return pain, area


def _shares() -> Floats:
    weights = np.array(list(AREA_WEIGHTS.values()))
    found: Floats = weights / weights.sum()
    return found
