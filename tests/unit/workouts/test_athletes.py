"""Directions that must hold for simulated athletes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fitsense.simulation.arrays import Floats
from fitsense.simulation.calendar import Rates
from tests.unit.workouts.people import ORDINARY, copies, lived, population


def gain(weeks: int = 13, rates: Rates = ORDINARY, **changes: Any) -> Floats:
    """(N,) rise of the mean of the three lifts over ``weeks``, per cent."""
    e1rm = lived(copies(**changes), weeks, rates).history.e1rm
    rise: Floats = 100 * (e1rm[-1].sum(axis=1) / e1rm[0].sum(axis=1) - 1)
    return rise


def test_twelve_weeks_raise_novices_much_and_advanced_little() -> None:
    strong: dict[str, Any] = {"squat_e1rm_kg": 140.0, "bench_e1rm_kg": 110.0, "row_e1rm_kg": 95.0}
    novice = np.median(gain())
    trained = np.median(gain(experience="intermediate", training_months=18, **strong))
    advanced = np.median(gain(experience="advanced", training_months=96, days_per_week=4, **strong))
    assert 8 < novice < 25
    assert 2 < trained < 8
    assert 0 < advanced < 4


def test_who_trains_more_gets_fitter_and_stronger() -> None:
    once, often = (lived(copies(days_per_week=days)).history for days in (1, 3))
    assert np.median(often.fitness[-1]) > 1.5 * np.median(once.fitness[-1])
    assert np.median(gain(days_per_week=3)) > 1.3 * np.median(gain(days_per_week=1))


def test_who_never_comes_gets_weaker_if_trained() -> None:
    lost = gain(rates=Rates(1.0, 0.0, 0.7), experience="intermediate", training_months=24, adherence=0.88)
    assert -12 < np.median(lost) < -3


def test_fitness_builds_from_nothing_and_fatigue_falls_in_a_deload() -> None:
    history = lived(copies(training_months=0)).history
    assert np.median(history.fitness[0]) < np.median(history.fitness[4]) < np.median(history.fitness[11])
    trained = lived(copies(experience="intermediate", training_months=20)).history
    fatigue, deload = np.stack(trained.fatigue, axis=1), np.stack(trained.deload, axis=1)
    before, during = fatigue[:, :-1], fatigue[:, 1:]
    assert (during - before)[deload[:, 1:]].mean() < -0.05 < (during - before)[~deload[:, 1:]].mean()


def test_a_short_night_costs_repetitions() -> None:
    """Same people, loads and luck; only the nights differ."""
    from fitsense.simulation.moves import load_moves
    from fitsense.simulation.session import Work, day_factor, perform
    from fitsense.simulation.streams import generator

    simulation = lived(copies(400), weeks=1)
    moves, roster = load_moves(), simulation.roster
    count = np.arange(400)
    bench = np.full(400, moves.ids.index("hp01"))
    flat = np.zeros(400, int)
    work = Work(count, flat, flat, bench, flat + 3, flat + 46.0, flat + 46.0, flat + 9, flat + 0.0)

    def repetitions(hours: float) -> Floats:
        rng = generator(9, "night")
        factor = day_factor(roster, np.full((400, 6), hours), np.zeros((400, 1)), rng)
        sets = perform(moves, roster, work, 60.0 * factor[:, 0], roster.weight, 0.0, rng)
        total: Floats = np.where(sets.done, sets.reps, 0).sum(axis=1)
        return total

    rested, tired = repetitions(7.5), repetitions(4.5)
    assert (tired <= rested).all()
    assert tired.mean() < rested.mean() - 1


def test_a_deficit_takes_off_what_physics_says() -> None:
    maintain, lose, lose_more = (
        lived(copies(300, kcal_target=kcal, target_weight_kg=60.0)).body.tissue for kcal in (2740, 2240, 1990)
    )
    weekly = [float(np.mean(kg[:, 83] - kg[:, 13])) / 10 for kg in (maintain, lose, lose_more)]
    assert weekly[0] == pytest.approx(0, abs=0.05)
    assert weekly[1] == pytest.approx(-500 * 7 / 7700 * 0.85, abs=0.08)
    assert weekly[2] == pytest.approx(-750 * 7 / 7700 * 0.85, abs=0.1)


def test_who_arrives_at_the_target_weight_stays_there() -> None:
    tissue = lived(copies(kcal_target=2200.0, target_weight_kg=78.0), weeks=26).body.tissue
    assert np.abs(tissue[:, -30:] - 78).mean() < 0.7


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.12, 0.4, 0.8, 1.0])
def test_missed_sessions_match_the_rate(rate: float) -> None:
    simulation = lived(population(), rates=Rates(rate, 0.0, 0.7))
    done = np.stack(simulation.history.done).sum()
    planned = (simulation.programme.weekday >= 0).sum() * 12
    assert 1 - done / planned == pytest.approx(rate, abs=0.02)


def test_whole_weeks_are_missed_and_loads_come_back_lighter() -> None:
    simulation = lived(copies(500, adherence=0.88), rates=Rates(0.3, 0.0, 0.7), weeks=6)
    work, done = simulation.history.work, np.any(np.stack(simulation.history.done, axis=1), axis=2)
    assert 0.05 < 1 - done.mean() < 0.15

    def planned(week: int) -> Floats:
        kg = np.full(simulation.plan.low.shape, np.nan)
        kg[work[week].person, work[week].entry] = work[week].planned_kg
        return kg

    ratio = planned(5) / planned(3)
    away = done[:, 3] & ~done[:, 4] & done[:, 5]
    assert away.sum() > 10
    returned, stayed = ratio[away], ratio[np.all(done, axis=1)]
    assert np.nanmean(returned) < np.nanmean(stayed) - 0.01
    assert (returned < 1).sum() / (returned > 0).sum() > 3 * (stayed < 1).sum() / (stayed > 0).sum()


def test_pain_comes_at_its_rate_and_takes_exercises_out() -> None:
    from fitsense.simulation.moves import load_moves

    moves = load_moves()
    simulation = lived(copies(400, conditions=[]), rates=Rates(0.0, 0.1, 0.7))
    life = simulation.life
    starts = (life.pain[:, 1:] > 0) & (life.pain[:, :-1] == 0)
    assert 0.03 < starts.sum() / (400 * 12) < 0.1
    for week, work in enumerate(simulation.history.work):
        day = week * 7 + simulation.programme.weekday[work.person, work.session]
        hurts = life.pain[work.person, day] >= 3
        area = np.where(hurts, life.area[work.person, day], 0)
        assert not moves.pain_excludes[area, work.exercise].any()


def test_novices_take_no_deload_in_their_first_weeks() -> None:
    assert not np.stack(lived(copies(training_months=0), weeks=7).history.deload).any()


def test_reported_rir_is_noisier_for_novices() -> None:
    def error(**changes: Any) -> float:
        sets = lived(copies(**changes), weeks=4).history.sets
        off = np.concatenate([(one.rir - one.true_rir)[one.done & (one.true_rir < 4)] for one in sets])
        return float(off.std())

    assert error() > error(experience="intermediate", training_months=24) > 0.5


def test_without_noise_the_trained_report_what_was_true() -> None:
    still = Rates(0.0, 0.0, 0.0)
    sets = lived(copies(experience="advanced", training_months=90), weeks=2, rates=still).history.sets
    for one in sets:
        close = one.done & (one.true_rir < 6)
        assert np.abs(one.rir - one.true_rir)[close].max() <= 0.26
