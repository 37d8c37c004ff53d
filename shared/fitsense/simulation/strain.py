"""Too much: spikes of load, fatigue that shows, and the pain that follows. Arrays over N people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitsense.simulation.adaptation import REFERENCE_DOSE, Dose, Strength
from fitsense.simulation.arrays import Bools, Floats, Ints
from fitsense.simulation.attendance import AREA_WEIGHTS, Life, pain_risk
from fitsense.simulation.following import Week
from fitsense.simulation.moves import Moves
from fitsense.simulation.response import Response
from fitsense.simulation.roster import Roster

CHRONIC_WEEKS = 4
LEAST_CHRONIC = 0.25
"""Below this share of a reference week nothing is habit yet, and no ratio to it means anything."""
SPIKE = 1.5
SAFE = 1.3
"""Ratios of a week's load to the habit above which injuries are more, and below which not (Gabbett 2016)."""
OVERREACHED = 0.05
"""Share of the rested 1RM that fatigue hides: from here on functional overreaching (Meeusen 2013; D-01a)."""
NOTHING_LEFT = 1.0
"""Below one repetition in reserve there is none to do: the set ended at RIR 0 (P-04)."""


def week_load(roster: Roster, dose: Dose) -> Floats:
    """(N,) the week's effort in reference weeks of the level."""
    load: Floats = dose.effort.mean(axis=1) / REFERENCE_DOSE[roster.experience]
    return load


def load_ratio(loads: list[Floats]) -> Floats:
    """(N,) last week's load over the mean of up to four weeks before; 1 where there is no habit yet."""
    before = np.mean(loads[-1 - CHRONIC_WEEKS : -1], axis=0) if len(loads) > 1 else np.zeros_like(loads[-1])
    ratio: Floats = np.where(before > LEAST_CHRONIC, loads[-1] / np.maximum(before, LEAST_CHRONIC), 1.0)
    return ratio


def overreached(strength: Strength) -> Bools:
    """(N,) whose fatigue hides a twentieth of the strength they have rested, or more."""
    hidden: Bools = (strength.e1rm / strength.rested_e1rm).mean(axis=1) <= 1 - OVERREACHED
    return hidden


def failed_exercises(week: Week, people: int) -> Ints:
    """(N,) exercises of the week in which a set missed the bottom of the range with nothing left (P-04)."""
    orders, sets = week.orders, week.sets
    missed = sets.done & (sets.reps < orders.low[:, None]) & (sets.true_rir < NOTHING_LEFT)
    return np.bincount(orders.person[missed.any(axis=1)], minlength=people)


@dataclass(frozen=True)
class Mishaps:
    """The luck of everybody's pain from overload, (N, W): the same whatever the plan."""

    luck: Floats
    area: Ints
    length: Ints
    peak: Ints


def draw_mishaps(moves: Moves, people: int, weeks: int, rng: np.random.Generator) -> Mishaps:
    """Areas, lengths and peaks as those of life's own episodes."""
    shares = np.array(list(AREA_WEIGHTS.values()))
    places = np.array([1 + moves.pain_areas.index(name) for name in AREA_WEIGHTS])
    shape = (people, weeks)
    return Mishaps(
        luck=rng.random(shape),
        area=places[rng.choice(len(shares), shape, p=shares / shares.sum())],
        length=4 + rng.geometric(0.16, shape),
        peak=rng.integers(2, 8, shape),
    )


def hurt(
    roster: Roster, life: Life, response: Response, rate: float, ratio: Floats, mishaps: Mishaps, week: int
) -> Bools:
    """(N,) whose week of ``ratio`` starts a pain episode; written into ``life`` from the next week on."""
    excess = np.clip((ratio - SAFE) / (SPIKE - SAFE), 0, 3)
    chance = rate * pain_risk(roster) * response.spike_pain * excess
    hit: Bools = mishaps.luck[:, week] < chance
    for person in np.flatnonzero(hit).tolist():
        start, length = week * 7 + 7, int(mishaps.length[person, week])
        stop = min(start + length, life.pain.shape[1])
        fading = np.ceil(mishaps.peak[person, week] * (1 - np.arange(length) / length))[: stop - start]
        worse = life.pain[person, start:stop] < fading
        life.area[person, start:stop][worse] = mishaps.area[person, week]
        life.pain[person, start:stop] = np.maximum(life.pain[person, start:stop], fading)
    return hit
