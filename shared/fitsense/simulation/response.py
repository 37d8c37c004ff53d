"""How a person answers to training: the numbers behind ``adaptation``, ``session`` and ``following``.

Published (as read in abstracts and the rules): fitness and fatigue are two fading impulses (Banister 1975,
1991); fatigue costs more than in proportion when it piles up (Busso 2003: performance against the amount of
training is an inverted U); strength hardly depends on how near to failure a set ends, size does (Robinson
2024); lifting velocity four minutes after sets with 0, 1 and 3 repetitions in reserve is down 25, 13 and 8 %
(Refalo 2023); more sets give more, with diminishing returns (Schoenfeld 2017, Pelland 2024); a short night
takes 1.6 to 3.4 % of strength (Craven 2022). Where only a direction is published the size is a house number;
the benchmark of athletes varies each by a third (``tests/bench/athletes.py``).

It assumes that the week is the step of adaptation, that three lift groups stand for all muscles, and that
strength follows load times sets, whoever wrote the plan. It leaves out technique, mood, boredom, and what a
coach changes about food.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitsense.simulation.arrays import Floats


@dataclass(frozen=True)
class Response:
    """Parameters; times in days, shares of the 1RM, RIR in repetitions."""

    fitness_days: float = 45.0
    fatigue_days: float = 10.0
    """Banister 1991: 42-45 and 7-15 days."""
    k_fitness: float = 0.09
    k_fatigue: float = 0.03
    """Share of the 1RM that a reference week, done for ever, gives and takes."""
    fatigue_power: float = 1.5
    """Between Banister's line and the square of Busso's steady state."""
    weekly_growth: float = 0.0145
    """Of a beginner: 12 weeks raise the 1RM by 10-25 %, an advanced lifter's by 1-4 % (ACSM 2009: untrained
    40 %, trained 16-20 %, advanced 2-16 % over four weeks to two years)."""
    growth_months: float = 9.0
    growth_power: float = 0.85
    """How training age slows growth."""
    fitness_power: float = 1.0
    """What the dose is raised to before it adds to fitness; growth takes its root. Banister's is in
    proportion; that few sets keep strength for long (Bickel 2011, not re-read) speaks for less."""
    most_dose: float = 1.4
    """Beyond this share of the reference nothing is gained (Pelland 2024: sharply less for strength)."""
    easy_set_worth: float = 0.5
    """What a set with 8 or more in reserve adds to strength; 1.0 is Robinson 2024 taken at its word."""
    size_per_rir: float = 0.05
    """Share of a set's effect on size that each repetition in reserve costs."""
    size_rate: float = 0.22
    """Per cent of size a week and root of sets: 10 sets for 12 weeks give 8 % (Schoenfeld 2017: 5-10 %)."""
    failure_fatigue: float = 0.2
    """Log of what a repetition nearer to failure multiplies fatigue with; Refalo 2023: 0.38 between 3 and 0
    in reserve after minutes, next to nothing after 48 hours."""
    set_tiring: float = 1.0
    """Scales the repetitions lost from set to set."""
    sleep_cost_per_h: float = 0.018
    """Share of the 1RM lost per hour of last night's sleep below the habit (Craven 2022; S-02)."""
    sleep_slows: float = 1.0
    """How far short sleep slows gains: at 1 it halves them at 5 h; at 0 not at all (Borba 2024)."""
    rir_noise: float = 1.0
    """Scales the noise of felt and reported RIR (Helms 2017; Ormsbee 2017)."""
    choice_error: float = 1.0
    """Scales how wrong people are when they choose a load themselves."""
    spike_pain: float = 1.0
    """Pain episodes that a week at 1.5 times the habitual load adds, relative to life's own rate (after
    Gabbett 2016, whose ratio is contested: Impellizzeri 2020)."""


RESPONSE = Response()
HARD_RIR, EASY_RIR = 4.0, 8.0
REFERENCE_RIR = 2.0
MOST_EFFORT = 3.0


def strength_worth(response: Response, true_rir: Floats) -> Floats:
    """What a set adds to strength: 1 up to 4 in reserve (the rules' hard set), falling until 8."""
    far = np.clip((true_rir - HARD_RIR) / (EASY_RIR - HARD_RIR), 0, 1)
    worth: Floats = 1 - (1 - response.easy_set_worth) * far
    return worth


def size_worth(response: Response, true_rir: Floats) -> Floats:
    """What a set adds to size, 1 at failure."""
    worth: Floats = np.clip(1 - response.size_per_rir * true_rir, 0.2, 1)
    return worth


def fatigue_worth(response: Response, true_rir: Floats) -> Floats:
    """What a set adds to fatigue, 1 at two in reserve."""
    worth: Floats = np.exp(response.failure_fatigue * (REFERENCE_RIR - true_rir))
    return worth


def fatigue_cost(response: Response, fatigue: Floats) -> Floats:
    """Share of the 1RM that this much fatigue takes."""
    cost: Floats = response.k_fatigue * fatigue**response.fatigue_power
    return cost


def kept(days: float, elapsed: float = 7.0) -> float:
    """What is left of an impulse that fades with ``days``."""
    return float(np.exp(-elapsed / days))
