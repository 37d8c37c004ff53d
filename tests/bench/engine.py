"""Microseconds of one decision of the engine on one core: ``python -m tests.bench engine``.

Medians over a seeded spread of people, each with plans of their own and the same plans gone wrong.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from fitsense.safety.triage import triage
from fitsense.training.catalog.exercises import LEVELS, load_catalog
from fitsense.training.people.conditions import load_conditions
from fitsense.training.people.screening import screen
from fitsense.training.repair import repair
from fitsense.training.request import Request
from fitsense.training.verify import review, verify_request
from fitsense.training.week.plan import build_plan
from tests.bench.measure import Target, heading
from tests.unit.training.people import KITS, context, lift

PROMPTS = Path(__file__).parents[1] / "safety" / "dev.jsonl"
PEOPLE = 300
SEED = 20260101
PLAN_AND_VERIFY_US = 5_000
TRIAGE_US = 2_000
VERIFY_US = 1_000
REPAIR_US = 20_000
"""House: a repair is part of an answer that takes seconds to write."""
_GOALS = ("fat_loss", "muscle_gain", "strength", "general_fitness")


def main() -> None:
    heading(f"The engine, median microseconds of {PEOPLE} people on one core")
    for target in figures():
        print(target.line(), flush=True)


def figures() -> Iterable[Target]:
    requests = people()
    plans = [build_plan(request).plan for request in requests]
    broken = [spoilt(plan, number) for number, plan in enumerate(plans)]
    pairs = list(zip(requests, plans, strict=True))
    wrong = list(zip(requests, broken, strict=True))
    yield Target(
        "plan + verify", median_us(_plan_and_verify, [(one,) for one in requests]), PLAN_AND_VERIFY_US, "us"
    )
    yield Target("verify a good plan", median_us(review, pairs), VERIFY_US, "us")
    yield Target("verify a broken plan", median_us(review, wrong), VERIFY_US, "us")
    yield Target("repair a broken plan", median_us(repair, wrong), REPAIR_US, "us")
    yield from _triage()


def _plan_and_verify(request: Request) -> None:
    verify_request(request, build_plan(request).plan)


def _triage() -> Iterable[Target]:
    lines = [orjson.loads(line) for line in PROMPTS.read_bytes().splitlines()]
    given = [(one["prompt"], one.get("context", {}), one.get("lang")) for one in lines]
    yield Target("triage of a prompt", median_us(triage, given), TRIAGE_US, "us")


def median_us(call: Callable[..., object], arguments: Sequence[tuple[Any, ...]]) -> float:
    """The median call; one round before warms the caches, as the second request of a service finds them."""
    for given in arguments[:20]:
        call(*given)
    times = []
    for given in arguments:
        started = time.perf_counter_ns()
        call(*given)
        times.append(time.perf_counter_ns() - started)
    return statistics.median(times) / 1_000


def people(number: int = PEOPLE) -> list[Request]:
    """Requests of people who may have a plan: every goal, level, kit, age and most conditions."""
    chance = random.Random(SEED)
    found: list[Request] = []
    while len(found) < number:
        request = Request(_person(chance), break_days=chance.choice([0, 0, 0, 10, 20, 40]))
        if screen(request.context).plan_allowed and _plannable(request):
            found.append(request)
    return found


def _plannable(request: Request) -> bool:
    try:
        build_plan(request)
    except ValueError:
        return False
    return True


def _person(chance: random.Random) -> dict[str, Any]:
    loaded = [one.id for one in load_catalog().by_id.values() if one.loaded and one.compound]
    return context(
        age=chance.randint(18, 85),
        weight_kg=round(chance.uniform(50, 120), 1),
        goal=chance.choice(_GOALS),
        experience=chance.choice(sorted(LEVELS)),
        days_per_week=chance.randint(1, 6),
        minutes_per_session=chance.randrange(20, 95, 5),
        equipment=chance.choice(KITS),
        conditions=chance.sample(sorted(load_conditions().conditions), chance.choice([0, 0, 1, 2])),
        medical_clearance=True,
        week=chance.randint(0, 30),
        sleep_h=[round(chance.uniform(4.5, 9), 1) for _ in range(3)],
        weeks_since_deload=chance.randint(0, 10),
        lifts=[
            lift(one, 2.5 * chance.randint(4, 50), [chance.randint(4, 15)] * 3, [chance.randint(0, 4)] * 3)
            for one in chance.sample(loaded, 4)
        ],
        weekly_sets={muscle: float(chance.randint(2, 16)) for muscle in ("quads", "chest", "lats")},
    )


def spoilt(plan: dict[str, Any], seed: int) -> dict[str, Any]:
    """The plan with three things wrong in each day."""
    chance, ids = random.Random(SEED + seed), sorted(load_catalog().by_id)
    days = []
    for day in plan["days"]:
        exercises = [dict(one) for one in day["exercises"]]
        for part, value in (("id", chance.choice(ids)), ("rir", 0), ("sets", 9)):
            chance.choice(exercises)[part] = value
        days.append({"exercises": exercises})
    return {**plan, "days": days}
