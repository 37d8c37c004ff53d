"""Eating and body weight, day by day, arrays (N, D)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitsense.simulation.arrays import Floats
from fitsense.simulation.calendar import Calendar
from fitsense.simulation.roster import Roster

KCAL_PER_KG = 7700.0
ADAPTATION = 0.1
"""Share of a lasting imbalance that expenditure gives back (adaptive thermogenesis, Trexler 2014)."""
KEEPING_PER_KG = 0.05
"""Who has arrived eats this much more for each kg too low, and the reverse."""
WATER_KG = 0.45
GLYCOGEN_SHARE = 0.008
"""First days of a deficit: glycogen and its water, of body weight (N-01 leaves these weeks unjudged)."""


@dataclass(frozen=True)
class Body:
    """``kcal`` and ``weight`` are what was logged, NaN where nothing was; ``tissue`` is true weight."""

    kcal: Floats
    weight: Floats
    tissue: Floats


def draw_body(roster: Roster, rng: np.random.Generator, calendar: Calendar) -> Body:
    """Intake around the target, weight after it: 7,700 kcal a kg, less as the body adapts."""
    n, days = roster.size, calendar.days
    appetite = 1 + rng.standard_normal((n, 1)) * 0.035
    weekend = np.where(calendar.weekend, 1.05, 0.98)
    eating = appetite * weekend * (1 + rng.standard_normal((n, days), dtype=np.float32) * 0.09)
    needs = roster.tdee * np.exp(rng.standard_normal(n) * 0.05)
    tissue, intake = _balance(roster, needs, eating)
    water = rng.standard_normal((n, days), dtype=np.float32) * WATER_KG
    water[:, 1:] += 0.5 * water[:, :-1]
    deficit = (roster.kcal_target < roster.tdee - 250)[:, None]
    glycogen = deficit * GLYCOGEN_SHARE * roster.weight[:, None] * (1 - np.exp(-np.arange(days) / 5))
    # People forget a bite more often than they invent one.
    reported = intake * (1 - np.clip(rng.normal(0.05, 0.05, (n, 1)), -0.02, 0.25))
    diligence = rng.beta(4, 1.5, (n, 2))
    logs = rng.random((2, n, days), dtype=np.float32) < diligence.T[:, :, None]
    return Body(
        kcal=np.where(logs[0], np.round(reported / 10) * 10, np.nan),
        weight=np.where(logs[1], np.round(np.maximum(tissue + water - glycogen, 35.0), 1), np.nan),
        tissue=tissue,
    )


def _balance(roster: Roster, needs: Floats, eating: Floats) -> tuple[Floats, Floats]:
    """Tissue mass (kg) and intake (kcal), day by day; who has reached the wanted weight eats to keep it."""
    tissue, intake = np.empty(eating.shape), np.empty(eating.shape)
    weight, adapted = roster.weight.copy(), np.zeros(roster.size)
    loses = roster.target_weight < roster.weight
    gains = roster.target_weight > roster.weight
    for day in range(eating.shape[1]):
        expended = needs * (weight / roster.weight) + adapted
        arrived = (loses & (weight <= roster.target_weight + 0.2)) | (
            gains & (weight >= roster.target_weight - 0.2)
        )
        keeping = expended * (1 + KEEPING_PER_KG * (roster.target_weight - weight))
        eaten = np.where(arrived, keeping, roster.kcal_target) * eating[:, day]
        surplus = eaten - expended
        adapted += (ADAPTATION * surplus - adapted) / 14
        weight = np.maximum(weight + surplus / KCAL_PER_KG, 35.0)
        tissue[:, day], intake[:, day] = weight, eaten
    return tissue, intake
