"""The arms of the trial: what each asks of the athletes, week by week.

Every arm starts from the same plan, which the engine made after the run-in. Only ``adapted`` sees the logs
from then on; the others repeat that plan's exercises, sets and repetitions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitsense.simulation.arrays import Floats
from fitsense.simulation.following import Orders
from fitsense.simulation.moves import Moves
from fitsense.simulation.roster import Roster
from fitsense.simulation.strength import round_kg

ADAPTED, STATIC, LINEAR, FEEL = "adapted", "static", "linear", "feel"
ARMS = {
    ADAPTED: "the engine's plan of each week, made from the logs so far",
    STATIC: "the first week's plan repeated, with that week's loads",
    LINEAR: "the first week's plan, loads up 2.5 % a week, whatever was logged",
    FEEL: "the first week's plan, each load chosen by how the last session felt",
}
LINEAR_STEP = 0.025


@dataclass(frozen=True)
class Reference:
    """The plan all arms begin with, as orders, and the loads of its exercises in use then, (N, E)."""

    orders: Orders
    kg: Floats


def repeated(arm: str, moves: Moves, roster: Roster, reference: Reference, week: int) -> Orders:
    """The orders of the ``week``th week (from 0) of an arm that repeats the reference's plan."""
    orders = reference.orders
    if arm == FEEL:
        return orders.loaded_with(np.full(len(orders.kg), np.nan))
    usual = reference.kg[orders.person, orders.exercise]
    if arm == STATIC:
        return orders.loaded_with(usual)
    units, bare = roster.units[orders.person], np.where(np.isnan(usual), 1.0, usual)
    raised = round_kg(moves, orders.exercise, units, bare * (1 + LINEAR_STEP) ** week)
    return orders.loaded_with(np.where(np.isnan(usual), np.nan, raised))
