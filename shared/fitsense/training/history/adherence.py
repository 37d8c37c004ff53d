"""What became of a plan: sessions and sets done of those planned, and proposals that were accepted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from fitsense.training.history.log import Log

WEEK = dt.timedelta(days=7)


class Adherence(NamedTuple):
    """Shares from 0 to 1; a share of nothing planned is 1. Work beyond the plan counts no more than it."""

    planned_sessions: int
    done_sessions: int
    planned_sets: int
    done_sets: int

    @property
    def sessions(self) -> float:
        return _share(self.done_sessions, self.planned_sessions)

    @property
    def sets(self) -> float:
        return _share(self.done_sets, self.planned_sets)


def _share(done: float, planned: float) -> float:
    return min(1.0, done / planned) if planned else 1.0


def adherence(plan: Mapping[str, Any], log: Log, start: dt.date) -> Adherence:
    """A week's plan (``records.Plan`` as a dict) against the sessions of the 7 days from ``start``.

    Sets count for the exercise they were planned for, up to what was planned; other exercises do not.
    """
    planned: dict[str, int] = {}
    for day in plan["days"]:
        for one in day["exercises"]:
            planned[one["id"]] = planned.get(one["id"], 0) + one["sets"]
    dates, done = set(), 0
    for exercise, exposures in log.lifts.items():
        week = [one for one in exposures if one.date is not None and start <= one.date < start + WEEK]
        dates |= {one.date for one in week}
        done += min(planned.get(exercise, 0), sum(len(one.reps) for one in week))
    return Adherence(len(plan["days"]), min(len(dates), len(plan["days"])), sum(planned.values()), done)


def session_share(log: Log, days_per_week: int, weeks: int = 4) -> float | None:
    """Sessions done of ``days_per_week`` over the last full ``weeks`` of the log; None without dates."""
    dates = log.dates()
    if not dates or log.as_of is None or days_per_week <= 0:
        return None
    span = min(weeks, max(1, (log.as_of - dates[0]).days // 7))
    since = log.as_of - span * WEEK
    return _share(sum(1 for date in dates if date > since), span * days_per_week)


def acceptance(decisions: Iterable[bool | None]) -> float | None:
    """Share of decided proposals that were accepted; None while nothing was decided (None: still open)."""
    decided = [one for one in decisions if one is not None]
    return sum(decided) / len(decided) if decided else None


class Proposal(NamedTuple):
    """A change of one exercise: which rule proposed it, and what the person made of it (None: open)."""

    rule_id: str
    accepted: bool | None


def acceptance_by_rule(proposals: Sequence[Proposal]) -> dict[str, float]:
    """Share accepted by rule, for rules with a decided proposal."""
    shares = {
        rule: acceptance(one.accepted for one in proposals if one.rule_id == rule)
        for rule in sorted({one.rule_id for one in proposals})
    }
    return {rule: share for rule, share in shares.items() if share is not None}
