"""What of the last weeks comes again: the same lifts on the same days, and the volume one is used to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import pairwise

from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.history.log import Exposure, Log

SHOWN_DAYS = 28
"""Sessions that are looked at for the days of a week, and for the sets that a muscle is used to."""
SAME_SHARE = 0.7
"""Sessions that have so much in common are the same day of a programme."""
WEEK = dt.timedelta(days=7)
Days = tuple[tuple[str, ...], ...]


def last_days(log: Log | None, number: int) -> Days:
    """Ids of each of the last ``number`` different sessions, in the order of the week; () without dates."""
    if log is None:
        return ()
    sessions = _sessions(log.lifts)
    if not sessions:
        return ()
    newest = max(sessions)
    found: list[dt.date] = []
    for date in sorted(sessions, reverse=True):
        if len(found) == number or (newest - date).days >= SHOWN_DAYS:
            break
        if not any(_same(sessions[date], sessions[other]) for other in found):
            found.append(date)
    return tuple(tuple(sessions[date]) for date in sorted(found, key=lambda one: one.isoweekday()))


def session_sets(log: Log | None) -> dict[str, int]:
    """Work sets of each lift in the fullest of its sessions of the last four weeks."""
    if log is None:
        return {}
    dates = [one.date for exposures in log.lifts.values() for one in exposures if one.date is not None]
    if not dates:
        return {}
    oldest = max(dates) - dt.timedelta(days=SHOWN_DAYS)
    found: dict[str, int] = {}
    for exercise, exposures in log.lifts.items():
        sets = [len(one.reps) for one in exposures if one.date is not None and one.date > oldest]
        if sets:
            found[exercise] = max(sets)
    return found


def _sessions(lifts: Mapping[str, Sequence[Exposure]]) -> dict[dt.date, list[str]]:
    sessions: dict[dt.date, list[str]] = {}
    for exercise, exposures in lifts.items():
        for one in exposures:
            if one.date is not None:
                sessions.setdefault(one.date, []).append(exercise)
    return sessions


def _same(one: Sequence[str], other: Sequence[str]) -> bool:
    return len({*one} & {*other}) >= SAME_SHARE * min(len(one), len(other))


def usual_sets(lifts: Mapping[str, Sequence[Exposure]]) -> dict[str, float]:
    """Fractional sets of each muscle in the fullest of the last four weeks of a dated log.

    What one is used to is no less for a missed session, a deload or a set that was stopped early; every work
    set counts, however hard it was.
    """
    catalog = load_catalog().by_id
    dated = [
        (one.date, exercise, len(one.reps))
        for exercise, exposures in lifts.items()
        for one in exposures
        if one.date is not None and exercise in catalog
    ]
    if not dated:
        return {}
    newest = max(date for date, _, _ in dated)
    ends = [newest - week * WEEK for week in range(SHOWN_DAYS // 7)]
    usual: dict[str, float] = {}
    for end, start in pairwise([*ends, newest - len(ends) * WEEK]):
        for muscle, sets in _sets_between(dated, start, end).items():
            usual[muscle] = max(usual.get(muscle, 0.0), sets)
    return usual


def _sets_between(
    dated: Sequence[tuple[dt.date, str, int]], start: dt.date, end: dt.date
) -> dict[str, float]:
    """Sets after ``start`` up to ``end``."""
    catalog, week = load_catalog().by_id, dict[str, float]()
    for date, exercise, sets in dated:
        if start < date <= end:
            for muscle, credit in catalog[exercise].credit:
                week[muscle] = week.get(muscle, 0.0) + credit * sets
    return week
