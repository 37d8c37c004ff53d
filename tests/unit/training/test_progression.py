"""P-01, P-03, P-04, M-05, M-06 and the schemes: from a lift's sessions to its next step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitsense.training.history.log import Exposure
from fitsense.training.load.progression import (
    SCHEMES,
    Facts,
    by_rir,
    double,
    earned,
    extended_top,
    failed,
    linear,
    percentage,
    predicted_reps,
    stall,
)
from fitsense.training.week.prescription import Dose
from tests.unit.training.lifting import DOSE, session


def facts(*exposures: Exposure, **changes: Any) -> Facts:
    base = exposures[-1].kg or 0.0
    known: dict[str, Any] = {
        "exposures": exposures,
        "base_kg": base,
        "target_reps": (8, 12),
        "dose": DOSE,
        "experience": "intermediate",
        "heavier_kg": base + 2.5,
        "ceiling_kg": base * 1.05,
    }
    return Facts(**(known | changes))


TOP, SHORT = [12, 12, 12], [12, 12, 11]


# ------------------------------------------------------------------------------------------------ P-01


@pytest.mark.parametrize(
    ("experience", "exposures", "success"),
    [
        ("novice", [session(0, 60, TOP)], True),
        ("novice", [session(0, 60, SHORT)], False),
        ("novice", [session(0, 60, TOP, 1)], False),
        ("novice", [session(0, 60, TOP, None)], False),
        ("novice", [session(0, 60, TOP), session(3, 60, SHORT)], False),
        ("intermediate", [session(0, 60, TOP)], False),
        ("intermediate", [session(0, 60, TOP), session(3, 60, TOP)], True),
        ("advanced", [session(0, 60, TOP), session(3, 60, TOP)], True),
        ("advanced", [session(0, 60, TOP)], False),
        ("intermediate", [session(0, 57.5, TOP), session(3, 60, TOP)], False),  # not at the same load
        (
            "intermediate",
            [session(0, 60, TOP), session(3, 60, SHORT), session(6, 60, TOP)],
            False,
        ),  # not in a row
        ("intermediate", [session(0, 60, TOP), session(3, 60, TOP, None)], False),
    ],
)
def test_a_raise_is_earned_by_all_sets_at_the_top_with_the_target_in_reserve(
    experience: str, exposures: list[Exposure], success: bool
) -> None:
    found = facts(*exposures, experience=experience)
    assert earned(found) == success
    assert (double(found).why == "raise") == success


def test_one_set_without_an_rir_is_no_success() -> None:
    mixed = replace(session(0, 60, TOP), rir=(2, 2, None))
    assert not earned(facts(mixed, experience="novice"))
    assert double(facts(mixed, experience="novice")).findings[0].key == "adapt.hold_rir_unknown"


def test_the_range_that_the_sets_aimed_at_decides_not_the_next_one() -> None:
    assert not earned(facts(session(0, 60, [8, 8]), experience="novice", dose=Dose(3, (5, 8), 2, 90)))
    done = facts(session(0, 60, [8, 8]), experience="novice", target_reps=(5, 8))
    assert earned(done)


def test_a_lift_not_done_for_long_is_not_raised() -> None:
    assert not earned(facts(session(0, 60, TOP), experience="novice", stale=True))


@pytest.mark.parametrize(
    ("exposures", "key"),
    [
        ([session(0, 60, TOP)], "adapt.hold_once_more"),
        ([session(0, 60, SHORT)], "adapt.hold_reps"),
        ([session(0, 60, TOP, 1)], "adapt.hold_rir"),
        ([session(0, 60, TOP, None)], "adapt.hold_rir_unknown"),
    ],
)
def test_a_hold_says_what_is_missing(exposures: list[Exposure], key: str) -> None:
    step = double(facts(*exposures))
    assert (step.why, step.kg, step.findings[0].key) == ("hold", 60, key)
    assert step.findings[0].numbers["load"] == 60


def test_of_a_context_one_session_is_known_and_the_estimates_stand_for_the_other() -> None:
    week = Exposure(None, None, (), (), 80.0)
    last = Exposure(None, 60.0, (12, 12), (2.0, 2.0), 84.0)
    assert earned(facts(week, last))
    assert not earned(facts(replace(week, e1rm_kg=85.0), last))


# ------------------------------------------------------------------------------------------------ P-03


def coarse(*exposures: Exposure, heavier_kg: float = 12.5, **changes: Any) -> Facts:
    """A dumbbell of 10 kg whose next is 12.5 kg: 25 % where 5 are allowed."""
    return facts(*exposures, heavier_kg=heavier_kg, experience="novice", **changes)


def test_a_step_over_the_cap_asks_for_three_more_repetitions_first() -> None:
    step = double(coarse(session(0, 10, TOP)))
    assert (step.why, step.kg, step.reps) == ("reps_first", 10, (12, 15))
    assert step.findings[0].rule_id == "P-03"
    assert double(coarse(session(0, 10, [14, 15, 15]))).why == "reps_first"


@pytest.mark.parametrize(("top", "goal"), [(12, 15), (15, 18), (18, 20), (20, 20), (25, 25)])
def test_never_more_than_twenty_for_the_sake_of_a_step(top: int, goal: int) -> None:
    assert extended_top(coarse(session(0, 10, [top]), target_reps=(8, top))) == goal


def test_then_the_step_is_taken_if_the_table_predicts_the_bottom_of_the_range() -> None:
    step = double(coarse(session(0, 10, [15, 15, 15])))
    assert (step.why, step.kg, step.findings[0].key) == ("raise", 12.5, "adapt.big_step")


def test_and_not_if_it_does_not() -> None:
    step = double(coarse(session(0, 4, [15, 15, 15]), heavier_kg=6, ceiling_kg=4.2))
    assert (step.why, step.kg, step.findings[0].key) == ("hold", 4, "adapt.step_too_big")


def test_the_tables_prediction() -> None:
    # 5 at RIR 2 is 81.1 %; 9 % more is 88.4 %: four to failure, two with two left
    assert predicted_reps(session(0, 100, [5], 2), 109, 2) == 2
    assert predicted_reps(session(0, 100, [5], 2), 100, 2) == 5
    assert predicted_reps(session(0, 100, [1], 0), 101, 0) == 0


# ------------------------------------------------------------------------------------------------ P-04


@pytest.mark.parametrize(
    ("exposures", "lowered"),
    [
        ([session(0, 60, [8, 7], 0), session(3, 60, [7, 6], 0)], True),
        ([session(0, 60, [7], 0)], False),
        ([session(0, 60, [8, 8], 0), session(3, 60, [7], 0)], False),
        ([session(0, 60, [7], 0), session(3, 60, [7], 1)], False),
        ([session(0, 60, [7], 0), session(3, 60, [7], None)], False),
        ([session(0, 62.5, [7], 0), session(3, 60, [7], 0)], False),
    ],
)
def test_the_bottom_missed_with_nothing_left_twice_in_a_row_lowers_the_load(
    exposures: list[Exposure], lowered: bool
) -> None:
    assert failed(facts(*exposures)) == lowered


# ------------------------------------------------------------------------------------------- M-05, M-06


def test_a_load_too_heavy_for_the_new_range_is_refitted_by_the_e1rm() -> None:
    heavy = [session(at, 100, [3, 3], 2) for at in (0, 3)]
    step = double(facts(*heavy))
    assert step.why == "refit"
    assert step.kg == pytest.approx((heavy[-1].e1rm_kg or 0) * 0.739)  # eight with two left


def test_one_failed_session_is_no_reason_to_refit() -> None:
    assert double(facts(session(0, 80, [9, 9, 8], 1), session(3, 80, [7, 6, 6], 0))).why == "hold"
    assert double(facts(session(0, 80, [6, 5], 0))).why == "hold"


def test_novices_estimates_get_a_margin_of_one() -> None:
    heavy = [session(at, 100, [5, 5], 2) for at in (0, 3)]
    novice, trained = (double(facts(*heavy, experience=one)).kg for one in ("novice", "advanced"))
    assert novice / trained == pytest.approx(0.707 / 0.739)


# --------------------------------------------------------------------------------------------- schemes


def test_linear_takes_a_step_a_success_and_otherwise_holds() -> None:
    assert linear(facts(session(0, 60, TOP), experience="novice")).kg == 62.5
    assert linear(facts(session(0, 100, [3], 2), session(3, 100, [3], 2))).why == "hold"


def test_by_rir_lowers_what_was_harder_than_planned() -> None:
    step = by_rir(facts(session(0, 60, [8, 8], 0)))
    assert step.kg == pytest.approx(60 * 0.739 / 0.786)
    assert by_rir(facts(session(0, 60, [8, 8], 1.5))).why == "hold"
    assert by_rir(facts(session(0, 60, TOP), session(3, 60, TOP))).why == "raise"


def test_percentage_aims_at_a_share_of_the_e1rm_and_never_up_unearned() -> None:
    step = percentage(facts(session(0, 100, [5], 2)))  # ten with two left is 68 %
    assert step.kg == pytest.approx((session(0, 100, [5], 2).e1rm_kg or 0) * 0.68)
    light = session(0, 40, [8, 8], 3)
    assert percentage(facts(replace(light, e1rm_kg=90.0))).why == "hold"
    assert percentage(facts(session(0, 40, TOP, None))).why == "hold"


_SESSIONS = st.lists(
    st.builds(
        session,
        st.integers(0, 200),
        st.floats(1, 300),
        st.lists(st.integers(1, 60), min_size=1, max_size=6),
        st.none() | st.floats(0, 10),
    ),
    min_size=1,
    max_size=6,
)


@given(_SESSIONS, st.sampled_from(sorted(SCHEMES)), st.sampled_from(["novice", "intermediate", "advanced"]))
def test_no_scheme_raises_what_was_not_earned_nor_by_more_than_the_next_load(
    exposures: list[Exposure], scheme: str, experience: str
) -> None:
    found = facts(*exposures, experience=experience)
    step = SCHEMES[scheme](found)
    assert step.kg <= found.heavier_kg
    assert step.kg <= found.base_kg or (step.why == "raise" and earned(found))
    assert step.findings


# ---------------------------------------------------------------------------------------------- stalls


def flat(number: int, **changes: Any) -> Facts:
    return facts(*(session(3 * at, 60, [9, 9], 2) for at in range(number)), **changes)


def test_no_progress_over_four_sessions_is_a_stall() -> None:
    assert stall(flat(4)) is None
    found = stall(flat(5))
    assert found is not None
    assert (found.exposures, found.action, found.finding.key) == (4, "hold", "adapt.stall_hold")


def test_any_progress_ends_it() -> None:
    better = (*flat(5).exposures, session(20, 60, [10, 10], 2))
    assert stall(facts(*better)) is None
    assert stall(facts(*flat(5).exposures, session(20, 62.5, [9], 2))) is None


@pytest.mark.parametrize(
    ("found", "weeks", "action"),
    [(flat(5), 6, "deload"), (flat(5, experience="novice"), 6, "hold"), (flat(10), 2, "vary")],
)
def test_what_to_do_about_it(found: Facts, weeks: int, action: str) -> None:
    told = stall(found, weeks_since_deload=weeks)
    assert told is not None
    assert told.action == action


def test_a_stall_with_failed_sets_comes_down() -> None:
    told = stall(facts(*(session(3 * at, 60, [7], 0) for at in range(5))))
    assert told is not None
    assert (told.action, told.finding.rule_id) == ("lower", "P-04")
