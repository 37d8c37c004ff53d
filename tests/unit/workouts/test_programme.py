"""What people are given to do: only what they may do, within their time."""

from __future__ import annotations

import numpy as np
import pytest

from fitsense.simulation.moves import LOADED, load_moves
from fitsense.simulation.programme import allowed_moves
from fitsense.simulation.roster import roster_of
from fitsense.training.catalog.exercises import allowed, load_catalog
from fitsense.training.week.volume import weekly_cap, weekly_sets
from tests.unit.workouts.people import copies, lived, logs, population


def test_the_arrays_allow_what_the_catalogue_allows() -> None:
    moves, people = load_moves(), population()
    mask = allowed_moves(moves, roster_of(people))
    for row, found in zip(people.to_dicts(), mask, strict=True):
        assert [moves.ids[i] for i in np.flatnonzero(found)] == [one.id for one in allowed(row)]


def test_nobody_logs_what_equipment_age_or_condition_excludes() -> None:
    may = {row["user_id"]: {one.id for one in allowed(row)} for row in population().to_dicts()}
    done = logs().frame("sets").select("user_id", "exercise_id").unique()
    assert done.height > 5000
    assert [pair for pair in done.rows() if pair[1] not in may[pair[0]]] == []


def test_those_without_clearance_only_move_gently() -> None:
    simulation = lived(copies(30, conditions=["cardiac"], medical_clearance=False))
    moves = load_moves()
    patterns = {moves.patterns[i] for work in simulation.history.work for i in work.exercise}
    assert patterns <= {"mobility", "balance"}
    assert patterns


def test_everybody_has_something_to_do_in_every_session() -> None:
    simulation = lived(population(), weeks=1)
    sets = simulation.plan.slot_sets.sum(axis=2)
    assert ((sets > 0) == (simulation.programme.weekday >= 0)).all()


def test_a_session_holds_no_exercise_twice() -> None:
    for work in lived(population(), weeks=1).history.work:
        keys = np.stack([work.person, work.session, work.exercise], axis=1)
        assert len(np.unique(keys, axis=0)) == len(keys)


@pytest.mark.parametrize(("minutes", "most"), [(20, 2), (30, 4), (90, 7)])
def test_sessions_fit_the_minutes(minutes: int, most: int) -> None:
    simulation = lived(copies(20, minutes_per_session=minutes), weeks=1)
    slots = (simulation.plan.slot_sets > 0).sum(axis=2)
    assert 2 <= slots[:, 0].min() <= slots[:, 0].max() <= most


def test_weekly_sets_stay_below_the_cap_of_the_level() -> None:
    simulation, moves = lived(population(), weeks=1), load_moves()
    roster, plan, programme = simulation.roster, simulation.plan, simulation.programme
    catalog, over = load_catalog(), 0
    for person in range(roster.size):
        days = [
            {
                "exercises": [
                    {"id": moves.ids[programme.exercise[person, entry]], "sets": int(sets)}
                    for entry, sets in zip(entries, counts, strict=True)
                    if sets
                ]
            }
            for entries, counts in zip(programme.entry[person], plan.slot_sets[person], strict=True)
        ]
        level = ("novice", "intermediate", "advanced")[roster.experience[person]]
        over += max(weekly_sets(days, catalog).values()) > weekly_cap(level, 0)
    # People are no engines: a few overdo it, which leaves something to coach.
    assert over / roster.size < 0.05


def test_loads_exist_and_fit_the_strength() -> None:
    moves, simulation = load_moves(), lived(copies(60), weeks=1)
    work = simulation.history.work[0]
    loaded = moves.kind[work.exercise] == LOADED
    assert (np.isnan(work.kg) == ~loaded).all()
    barbell = moves.has("barbell")[work.exercise]
    assert (work.kg[barbell] % 2.5 == 0).all()
    assert (work.kg[barbell] >= 20).all()
    assert np.median(work.rir) >= 2
