"""How strength answers to training: two fading impulses and a slow gain (Banister 1975; Morton 1990).

e1RM = base * (1 + growth) * (1 + k1 * (fitness - fitness0) - (cost(fatigue) - cost(fatigue0)))

Fitness and fatigue rise with each week's dose; in these units a reference week, done for ever, holds either
at 1. ``growth`` is what stays: large in the first months, small after years. Numbers: ``response``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitsense.simulation.arrays import Floats
from fitsense.simulation.response import MOST_EFFORT, RESPONSE, Response, fatigue_cost, kept
from fitsense.simulation.roster import Roster

REFERENCE_DOSE = np.array([6.0, 9.0, 12.0])
"""By experience: hard sets of a lift group in a week, weighted with their share of the 1RM (V-01 to V-03)."""
TEST_REST_DAYS = 7.0
"""Strength is tested after so many days of rest, as trials do."""


@dataclass(frozen=True)
class Dose:
    """A week's sets of each lift group, (N, 3), weighted with their share of the 1RM."""

    stimulus: Floats
    """By what a set is worth for strength."""
    effort: Floats
    """By what it tires."""


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
    response: Response = RESPONSE

    @property
    def e1rm(self) -> Floats:
        """(N, 3) true 1RM of squat, bench press and row, kg, as tired as they are."""
        return self._e1rm(fatigue_cost(self.response, self.fatigue))

    @property
    def rested_e1rm(self) -> Floats:
        """(N, 3) the same after ``TEST_REST_DAYS`` without training, kg."""
        left = kept(self.response.fatigue_days, TEST_REST_DAYS)
        return self._e1rm(fatigue_cost(self.response, self.fatigue * left))

    def _e1rm(self, cost: Floats) -> Floats:
        fresh = self.response.k_fitness * (self.fitness - self.fitness_start)
        tired = cost - fatigue_cost(self.response, self.fatigue_start)
        return self.base * (1 + self.growth) * (1 + fresh - tired)

    def train(self, roster: Roster, week: Dose, sleep_h: Floats) -> None:
        """Add a week; ``sleep_h`` (N,) is its mean.

        Short sleep halves the gain at 5 h and slows recovery (Knowles 2018; S-03); a deficit and age cost a
        part of the gain (Murphy & Koehler 2022).
        """
        response, reference = self.response, REFERENCE_DOSE[roster.experience][:, None]
        dose = np.minimum(week.stimulus / reference, response.most_dose)
        effort = np.minimum(week.effort / reference, MOST_EFFORT)
        short = 1 - np.clip((sleep_h - 3.0) / 4.0, 0.4, 1.0)[:, None]
        rested = 1 - response.sleep_slows * short
        fed = np.where(roster.kcal_target < roster.tdee * 0.92, 0.75, 1.0)[:, None]
        young = (1 - 0.008 * np.clip(roster.age - 40, 0, 40))[:, None]
        slowed = ((1 + self.months / response.growth_months) ** response.growth_power)[:, None]
        self.growth += response.weekly_growth / slowed * self.rate * np.sqrt(dose) * rested * fed * young
        self.months = self.months + 7 / 30.4
        keep_fitness, keep_fatigue = kept(response.fitness_days), kept(response.fatigue_days)
        self.fitness = self.fitness * keep_fitness + (1 - keep_fitness) * dose**response.fitness_power
        keep = keep_fatigue ** (0.6 + 0.4 * rested)
        self.fatigue = self.fatigue * keep + (1 - keep_fatigue) * effort


def starting_strength(
    roster: Roster, planned_sets: Floats, rng: np.random.Generator, response: Response = RESPONSE
) -> Strength:
    """Those who trained before come with the fitness and fatigue of their habit, beginners with none.

    ``planned_sets`` (N, 3) is an ordinary week of the programme, weighted with intensity.
    """
    habit = 1 - np.exp(-roster.months / 4.0)
    effort = planned_sets / REFERENCE_DOSE[roster.experience][:, None] * (habit * roster.adherence)[:, None]
    fitness = np.minimum(effort, response.most_dose) ** response.fitness_power
    fatigue = np.minimum(effort, MOST_EFFORT)
    return Strength(
        base=roster.e1rm.copy(),
        growth=np.zeros_like(roster.e1rm),
        fitness=fitness,
        fatigue=fatigue,
        fitness_start=fitness.copy(),
        fatigue_start=fatigue.copy(),
        rate=np.exp(rng.standard_normal((roster.size, 1)) * 0.35),
        months=roster.months.astype(np.float64),
        response=response,
    )
