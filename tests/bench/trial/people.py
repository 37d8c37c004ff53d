"""The athletes of a trial: a population of the profiles stage, those whom the engine gives a plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from fitsense.config import Profiles, Workouts
from fitsense.simulation.attendance import Life, draw_life
from fitsense.simulation.body import draw_body
from fitsense.simulation.calendar import Calendar, Rates
from fitsense.simulation.following import Followers, followers, orders_of, planned_sets
from fitsense.simulation.moves import load_moves
from fitsense.simulation.response import Response
from fitsense.simulation.roster import roster_of
from fitsense.simulation.strain import Mishaps, draw_mishaps
from fitsense.simulation.streams import generator
from fitsense.training.people.conditions import limits_for
from fitsense.training.week.plan import build_plan
from jobs.profiles.table import transform
from tests.bench.trial.diary import START, Diary, request_of

RATES = Rates(miss=Workouts().miss_rate, pain=Workouts().pain_rate, rir_noise=Workouts().rir_noise)
"""As the workouts stage has them when a config does not say otherwise."""
SPARE_SHARE = 1.5
"""People drawn for each that is needed: some must not train before a clinician has cleared them."""


@dataclass(frozen=True)
class Cast:
    """People who may train. ``rows`` are their profiles as dicts; ``passed_over``: how many may not."""

    profiles: pl.DataFrame
    rows: list[dict[str, Any]]
    passed_over: int


def draw_cast(count: int, seed: int) -> Cast:
    """The first ``count`` of the seed's population who may train."""
    users = max(16, int(count * SPARE_SHARE) + 16)
    people = transform(Profiles(users=users, part_users=max(16, users)), seed, 0)
    taken: list[int] = []
    seen = 0
    for place, row in enumerate(people.to_dicts()):
        if len(taken) == count:
            break
        seen = place + 1
        if _may_train(row):
            taken.append(place)
    if len(taken) < count:
        raise ValueError(f"only {len(taken)} of {users} people may train")
    chosen = people[taken]
    return Cast(chosen, chosen.to_dicts(), seen - count)


def _may_train(row: dict[str, Any]) -> bool:
    return not limits_for(row).blocked


def supervised(life: Life, weeks: int) -> Life:
    """A life in whose first ``weeks`` nobody hurts; no session is missed for as long as it is lived."""
    pain, area, lost = life.pain.copy(), life.area.copy(), life.lost_week.copy()
    pain[:, : weeks * 7], area[:, : weeks * 7], lost[:, :weeks] = 0, 0, False
    return replace(life, pain=pain, area=area, lost_week=lost, miss=np.zeros_like(life.miss))


def enter(cast: Cast, weeks: int, seed: int, response: Response) -> tuple[Followers, Mishaps]:
    """Everybody on the morning of the first day, with the luck of all ``weeks`` drawn."""
    moves, roster = load_moves(), roster_of(cast.profiles)
    calendar, rng = Calendar(START, weeks), generator(seed, "trial")
    life, body = draw_life(moves, roster, rng, calendar, RATES), draw_body(roster, rng, calendar)
    mishaps = draw_mishaps(moves, roster.size, weeks, rng)
    plans = [build_plan(request_of(Diary(row), 0)).plan for row in cast.rows]
    usual = planned_sets(moves, orders_of(moves, plans), roster.size)
    people = followers(moves, roster, life, body, response, RATES.rir_noise, usual, rng)
    return people, mishaps
