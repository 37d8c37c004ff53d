"""Where strength and weight are going: robust slopes of what was logged (M-05, N-01, N-06)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import NamedTuple

from fitsense.training.history.log import Exposure

DAYS_A_WEEK = 7.0
STEADY_PCT = 0.25
"""Per cent a week: less than that of an e1RM is noise (H)."""


class Trend(NamedTuple):
    """``pct_week`` is the change per week in per cent of the level; ``points`` is how many it rests on."""

    level: float
    pct_week: float
    points: int

    @property
    def direction(self) -> str:
        """``up``, ``down`` or ``flat``."""
        return "flat" if abs(self.pct_week) < STEADY_PCT else "up" if self.pct_week > 0 else "down"


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Theil-Sen: the median slope of all pairs, so that one slip moves nothing; None without two places."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if a[0] != b[0]]
    return median(slopes) if slopes else None


def trend(points: Sequence[tuple[float, float]]) -> Trend | None:
    """Of (week, value) pairs with values above 0; None where no slope can be told."""
    found = slope(points)
    level = median(value for _, value in points) if points else 0.0
    if found is None or level <= 0:
        return None
    return Trend(level, 100 * found / level, len(points))


def e1rm_trend(exposures: Sequence[Exposure], weeks: int = 8) -> Trend | None:
    """The trend of a lift's e1RM over its last ``weeks``; exposures without dates count a week each."""
    known = [(one.date, one.e1rm_kg) for one in exposures if one.e1rm_kg is not None]
    dated = [(date, value) for date, value in known if date is not None]
    if len(dated) < len(known):
        return trend([(float(place), value) for place, (_, value) in enumerate(known)][-weeks:])
    if not dated:
        return None
    since = dated[-1][0] - dt.timedelta(weeks=weeks)
    return trend([(_weeks(date - since), value) for date, value in dated if date >= since])


def _weeks(span: dt.timedelta) -> float:
    return span.days / DAYS_A_WEEK


def weight_trend(weekly_means_kg: Sequence[float]) -> Trend | None:
    """The change of body weight, per cent a week, from weekly means, oldest first."""
    return trend([(float(week), mean) for week, mean in enumerate(weekly_means_kg)])
