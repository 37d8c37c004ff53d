"""How strength answers to training: two fading impulses and a slow gain (Banister 1975; Morton 1990).

e1RM = base * (1 + growth) * (1 + k1 * (fitness - fitness0) - k2 * (fatigue - fatigue0))

Fitness and fatigue decay with 45 and 10 days and rise with each week's dose; in these units a reference week,
done for ever, holds either at 1. ``growth`` is what stays: large in the first months, small after years.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitsense.simulation.arrays import Floats
from fitsense.simulation.roster import Roster

FITNESS_DAYS, FATIGUE_DAYS = 45.0, 10.0
KEEP_FITNESS, KEEP_FATIGUE = float(np.exp(-7 / FITNESS_DAYS)), float(np.exp(-7 / FATIGUE_DAYS))
K_FITNESS, K_FATIGUE = 0.09, 0.03
REFERENCE_DOSE = np.array([6.0, 9.0, 12.0])
"""By experience: hard sets of a lift group in a week, weighted with their share of the 1RM (V-01 to V-03)."""
MOST_DOSE = 1.4
WEEKLY_GROWTH = 0.0145
GROWTH_MONTHS, GROWTH_POWER = 9.0, 0.85
"""``growth`` a week of a beginner, and how training age slows it: 12 weeks raise a beginner's 1RM by
10-25 %, an advanced lifter's by 1-4 % (ACSM 2009: untrained 40 %, trained 16-20 %, advanced 2-16 % over
four weeks to two years)."""


@dataclass
class Strength:
    """State of N people and 3 lift groups; changes week by week."""

    base: Floats
    growth: Floats
    fitness: Floats
    fatigue: Floats
    fitness_start: Floats
    fatigue_start: Floats
    rate: Floats
    months: Floats
    """(N,) training age."""

    @property
    def e1rm(self) -> Floats:
        """(N, 3) true 1RM of squat, bench press and row, kg, as tired as they are."""
        fresh = K_FITNESS * (self.fitness - self.fitness_start)
        tired = K_FATIGUE * (self.fatigue - self.fatigue_start)
        return self.base * (1 + self.growth) * (1 + fresh - tired)

    def train(self, roster: Roster, hard_sets: Floats, sleep_h: Floats) -> None:
        """Add a week. ``hard_sets`` (N, 3) are weighted with intensity; ``sleep_h`` (N,) is the week's mean.

        Short sleep halves the gain at 5 h and slows recovery (Knowles 2018; S-03); a deficit and age cost a
        part of the gain (Murphy & Koehler 2022).
        """
        dose = np.minimum(hard_sets / REFERENCE_DOSE[roster.experience][:, None], MOST_DOSE)
        rested = np.clip((sleep_h - 3.0) / 4.0, 0.4, 1.0)[:, None]
        fed = np.where(roster.kcal_target < roster.tdee * 0.92, 0.75, 1.0)[:, None]
        young = (1 - 0.008 * np.clip(roster.age - 40, 0, 40))[:, None]
        slowed = ((1 + self.months / GROWTH_MONTHS) ** GROWTH_POWER)[:, None]
        self.growth += WEEKLY_GROWTH / slowed * self.rate * np.sqrt(dose) * rested * fed * young
        self.months = self.months + 7 / 30.4
        self.fitness = self.fitness * KEEP_FITNESS + (1 - KEEP_FITNESS) * dose
        keep = KEEP_FATIGUE ** (0.6 + 0.4 * rested)
        self.fatigue = self.fatigue * keep + (1 - KEEP_FATIGUE) * dose


def starting_strength(roster: Roster, planned_sets: Floats, rng: np.random.Generator) -> Strength:
    """Those who trained before come with the fitness and fatigue of their habit, beginners with none.

    ``planned_sets`` (N, 3) is an ordinary week of the programme, weighted with intensity.
    """
    habit = 1 - np.exp(-roster.months / 4.0)
    dose = np.minimum(planned_sets / REFERENCE_DOSE[roster.experience][:, None], MOST_DOSE)
    usual = dose * (habit * roster.adherence)[:, None]
    return Strength(
        base=roster.e1rm.copy(),
        growth=np.zeros_like(roster.e1rm),
        fitness=usual.copy(),
        fatigue=usual.copy(),
        fitness_start=usual.copy(),
        fatigue_start=usual.copy(),
        rate=np.exp(rng.standard_normal((roster.size, 1)) * 0.35),
        months=roster.months.astype(np.float64),
    )
