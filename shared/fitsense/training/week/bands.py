"""How many sets a muscle may have, and should have, in a week (V-01 to V-07, P-05, P-06, D-03, S-03)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fitsense.training.history.readiness import Readiness
from fitsense.training.nutrition.energy import goal_of
from fitsense.training.people.conditions import Limits
from fitsense.training.request import Request
from fitsense.training.week.volume import MAJOR, WEEKLY_BAND, WEEKLY_CAP, allowed_rise, weekly_cap

CAP_RULE = {"novice": "V-01", "intermediate": "V-02", "advanced": "V-03"}
STRENGTH_BAND = (4.0, 12.0)
"""V-04: of main patterns under a strength goal."""
DEFICIT_RISE = 1.1
KEPT_SHARE = 0.6
"""V-04: in a deficit never above last week + 10 %, and at least 60 % of it."""
CONTINUITY_ADHERENCE = 0.75
"""From here on last week was an ordinary one, whose sets the next may be held against."""
COUNTED_SETS = 4.0
"""Weekly sets from which on a small muscle is trained on purpose, not along with others."""
SHORT_MINUTES, FEW_DAYS, FEWEST_SETS = 30, 2, 2.0
"""V-07: with less time than this, or no more days, the minimum drops."""


def band_of(context: Mapping[str, Any], limits: Limits) -> tuple[float, float]:
    """The week's fractional sets to aim at for each major muscle (V-01 to V-05)."""
    if limits.volume_cap and limits.volume_cap <= WEEKLY_CAP["novice"]:
        return WEEKLY_BAND["novice"]
    low, high = WEEKLY_BAND[context["experience"]]
    if context["goal"] == "strength":
        return STRENGTH_BAND[0], min(high, STRENGTH_BAND[1])
    return low, high


def least_sets(context: Mapping[str, Any], limits: Limits, days: int) -> float:
    """The band's lower end; with little time it drops to 2 (V-07)."""
    if context["minutes_per_session"] < SHORT_MINUTES or days <= FEW_DAYS:
        return FEWEST_SETS
    return band_of(context, limits)[0]


def muscle_caps(request: Request, limits: Limits, ready: Readiness) -> dict[str, tuple[float, str]]:
    """Most fractional sets of the week by muscle, with the rule; "" stands for every other muscle."""
    context = request.context
    cap = weekly_cap(context["experience"], limits.volume_cap)
    own = (cap, "V-05" if limits.volume_cap == cap else CAP_RULE[context["experience"]])
    losing = goal_of(context, no_deficit=limits.no_deficit) == "fat_loss"
    return {"": own} | {
        muscle: min([own, *_prior_caps(context, ready, muscle, sets, losing=losing)])
        for muscle, sets in context["weekly_sets"].items()
    }


def _prior_caps(
    context: Mapping[str, Any], ready: Readiness, muscle: str, sets: float, *, losing: bool
) -> Iterator[tuple[float, str]]:
    """What last week's sets of a muscle allow. A stated zero is a zero: P-05 lets it rise by two."""
    if sets <= 0:
        yield allowed_rise(0.0), "P-05"
        return
    if ready.sets_cap < 1:
        yield ready.sets_cap * sets, "D-02" if ready.deload else ready.rules[0]
    if context["weeks_since_deload"] == 0 and not ready.deload:
        # D-03: last week was the deload; the way back goes to the lower half of the band.
        yield max(sets, sum(WEEKLY_BAND[context["experience"]]) / 2), "D-03"
        return
    yield allowed_rise(sets), "P-05"
    if losing:
        yield DEFICIT_RISE * sets, "V-04"
    # Half a set more for a forearm is no added set, and must not cost a major lift one of its own.
    if not ready.add_sets and (muscle in MAJOR or sets >= COUNTED_SETS):
        yield sets, next(iter(ready.rules), "S-03")
