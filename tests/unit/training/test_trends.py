"""Trends, adherence and acceptance: what the log says about how it goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitsense.training.history.adherence import (
    Proposal,
    acceptance,
    acceptance_by_rule,
    adherence,
    session_share,
)
from fitsense.training.history.log import Exposure
from fitsense.training.history.trends import e1rm_trend, trend, weight_trend
from tests.unit.training.lifting import day, log, sets


def estimates(*values: float, every: int = 7) -> list[Exposure]:
    return [Exposure(day(every * at), 50, (5,), (2,), value) for at, value in enumerate(values)]


def test_the_trend_of_an_e1rm_is_per_cent_a_week() -> None:
    found = e1rm_trend(estimates(100, 101, 102, 103, 104))
    assert found is not None
    assert (found.level, found.points, found.direction) == (102, 5, "up")
    assert found.pct_week == pytest.approx(100 / 102)


def test_one_slip_moves_nothing() -> None:
    clean, slip = (
        e1rm_trend(estimates(100, 101, 102, 103, 104)),
        e1rm_trend(estimates(100, 101, 160, 103, 104)),
    )
    assert clean is not None
    assert slip is not None
    assert slip.pct_week == pytest.approx(clean.pct_week, abs=0.05)


def test_dates_count_not_places_and_old_ones_not_at_all() -> None:
    twice_a_week = e1rm_trend(estimates(100, 100.5, 101, 101.5, every=3))
    assert twice_a_week is not None
    assert twice_a_week.pct_week == pytest.approx(7 / 3 * 0.5 / 100.75 * 100)
    long_ago = [Exposure(day(-200), 50, (5,), (2,), 20.0), *estimates(100, 100, 100)]
    recent = e1rm_trend(long_ago)
    assert recent is not None
    assert (recent.pct_week, recent.direction) == (0, "flat")


def test_without_two_estimates_there_is_no_trend() -> None:
    assert e1rm_trend(estimates(100)) is None
    assert e1rm_trend([Exposure(day(0), 50, (5,), (None,), None)]) is None
    assert trend([]) is None


def test_body_weight_a_week() -> None:
    found = weight_trend([80.0, 79.6, 79.2, 78.8])
    assert found is not None
    assert found.pct_week == pytest.approx(-0.4 / 79.4 * 100)
    assert found.direction == "down"


@given(st.lists(st.floats(30, 300), max_size=12))
def test_any_weights_give_a_finite_trend_or_none(weights: list[float]) -> None:
    found = weight_trend(weights)
    assert (found is None) == (len(weights) < 2)
    assert found is None or abs(found.pct_week) < 1e4


PLAN = {
    "days": [
        {"exercises": [{"id": "sq01", "sets": 3}, {"id": "hp01", "sets": 3}]},
        {"exercises": [{"id": "sq01", "sets": 3}]},
    ]
}


def test_adherence_counts_planned_sessions_and_sets() -> None:
    rows = [*sets(0, "sq01", 80, [8] * 3), *sets(0, "bc01", 10, [8] * 9), *sets(9, "hp01", 50, [8] * 3)]
    found = adherence(PLAN, log(rows), day(0))
    assert (found.planned_sessions, found.done_sessions, found.planned_sets, found.done_sets) == (2, 1, 9, 3)
    assert found.sessions == 0.5
    assert found.sets == pytest.approx(1 / 3)


def test_more_than_planned_is_no_more_than_all() -> None:
    rows = [row for at in range(5) for row in sets(at, "sq01", 80, [8] * 4)]
    found = adherence(PLAN, log(rows), day(0))
    assert (found.sessions, found.done_sets) == (1.0, 6)
    assert adherence({"days": []}, log([]), day(0)).sessions == 1.0


def test_the_share_of_sessions_over_the_last_weeks() -> None:
    rows = [row for at in range(0, 28, 4) for row in sets(at, "sq01", 80, [8])]
    own = log(rows, as_of=day(28).isoformat())
    assert session_share(own, 3) == pytest.approx(6 / 12)  # day 0 lies before the four weeks
    assert session_share(log([]), 3) is None


def test_acceptance_is_of_what_was_decided() -> None:
    assert acceptance([True, False, None, True]) == pytest.approx(2 / 3)
    assert acceptance([None, None]) is None
    shares = acceptance_by_rule([Proposal("P-01", True), Proposal("P-01", False), Proposal("D-01", None)])
    assert shares == {"P-01": 0.5}
