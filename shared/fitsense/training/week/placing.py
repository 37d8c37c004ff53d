"""Puts exercises into sessions: what is chosen first, what still fits time and volume (T-01, V-*, P-05)."""

from __future__ import annotations

from fitsense.training.catalog.exercises import Exercise
from fitsense.training.week.prescription import SHORTEST, short
from fitsense.training.week.split import Slot
from fitsense.training.week.weeks import Placed, Ranked, Session, Week, Work

ATTEMPTS = 4
"""Exercises that are tried for a slot before it stays empty."""
MAX_EXERCISES = 8
SLIM_SETS = 2
"""P-08: fewer sets of an exercise than this are not cut for another one."""
DAYS_BETWEEN = 2
"""F-02: 48 hours between the hard sessions of a muscle."""
_NEW, _AGAIN, _HOME, _ASKED, _RAMPED = 12, 10, 11, 40, 6
"""In points: a fresh exercise, one that the week has already (less wanted), one that this day held last week,
one that is asked about (more wanted), and one with ramp sets where time is short (less)."""


def place_again(week: Week, session: Session, elsewhere: frozenset[str]) -> None:
    """Place what this day held last time, as far as it fits: P-01 asks for the same lift again.

    What belongs to another day of the split, by its pattern in ``elsewhere``, waits for that day.
    """
    for one in week.home_of(session):
        exercise = week.logged.get(one)
        if exercise is not None and one not in session.ids and exercise.pattern not in elsewhere:
            fits(week, session, exercise, week.minutes, mandatory=True)


def fill(week: Week, session: Session, slot: Slot, minutes: float, *, mandatory: bool) -> bool:
    """Place the slot's best exercise that fits, with as many sets as time and caps allow, or none."""
    if session.full_minutes + week.works.least[mandatory] > minutes:
        return False
    tried: set[str] = set()
    for _ in range(ATTEMPTS):
        exercise = _choose(week, session, slot, tried)
        if exercise is None:
            return False
        if fits(week, session, exercise, minutes, mandatory=mandatory):
            return True
        tried.add(exercise.id)
    return False


def fits(week: Week, session: Session, exercise: Exercise, minutes: float, *, mandatory: bool) -> bool:
    """Place ``exercise`` if it fits.

    Time is held against the ordinary week's sets: a lighter week has the same exercises, not more (D-02).
    """
    if len(session.placed) >= MAX_EXERCISES or not rested(week, session, exercise):
        return False
    work = week.work(exercise)
    factor, warm = week.ready.set_factor, exercise.pattern not in session.patterns
    # P-01 asks for the same lift again: one set of it keeps it in the plan.
    fewest = work.fewest(mandatory=mandatory or exercise.id in week.logged)
    if session.full_minutes + work.minutes(fewest, warm=warm) > minutes:
        return False
    for full in range(_sets_at_first(week, exercise, work), fewest - 1, -1):
        cost = work.minutes(full, warm=warm)
        room = cost + (work.spare_min if warm else 0.0)
        sets = max(1, int(full * factor + session.owed + 1e-9))
        if session.full_minutes + room <= minutes and within_caps(week, session, exercise, sets):
            session.owed += full * factor - sets
            session.full_minutes += room
            session.minutes += cost if sets == full else work.minutes(sets, warm=warm)
            _place(week, session, Placed(exercise, work.dose, sets, full))
            return True
    return False


def _sets_at_first(week: Week, exercise: Exercise, work: Work) -> int:
    """As many as the lift has had; the dose's own for a new one, and where time or P-07 leave one set."""
    usual = week.usual.get(exercise.id, work.dose.sets)
    return min(max(usual, SLIM_SETS), week.most_sets) if work.dose.sets >= SLIM_SETS else work.dose.sets


def _choose(week: Week, session: Session, slot: Slot, tried: set[str]) -> Exercise | None:
    """From the first pattern that has one: an exercise new to this session, logged and fresh ones first."""
    today, used, home = session.ids, week.used, week.home_of(session)
    for pattern in slot:
        best: Exercise | None = None
        lowest, place = 1_000, 0
        for least, index, exercise in ranked_of(week, pattern):
            if least - _HOME > lowest:
                break
            if exercise.id in today or exercise.id in tried:
                continue
            score = least + _AGAIN * used.get(exercise.id, 0) - _HOME * (exercise.id in home)
            if score < lowest or (score == lowest and index < place):
                best, lowest, place = exercise, score, index
        if best is not None:
            return best
    return None


def ranked_of(week: Week, pattern: str) -> Ranked:
    """The exercises of a pattern by all that does not change from session to session."""
    ranked = week.ranked.get(pattern)
    if ranked is None:
        request, logged, pool = week.request, week.logged, week.pools.get(pattern, ())
        # What somebody logs they have learned, whatever level the catalogue gives it.
        known = [one for one in logged.values() if one.pattern == pattern]
        # A quarter of an hour holds leg, push and pull work only without ramp sets (T-01).
        hurried = short(int(week.minutes)) == SHORTEST
        fresh = [(one, penalty) for one, penalty in pool if one.id not in logged]
        ranked = [(-_ASKED * (one.id == request.focus), index, one) for index, one in enumerate(known)]
        ranked += [
            (
                _NEW
                + penalty
                + (_RAMPED * (exercise.kind == "compound") if hurried else 0)
                + ((index + week.seed) % 3 if index < 3 else 2)
                - _ASKED * (exercise.id == request.focus),
                index + len(known),
                exercise,
            )
            for index, (exercise, penalty) in enumerate(fresh)
            if exercise.id not in request.avoid and exercise.id not in week.swapped
        ]
        ranked.sort()
        week.ranked[pattern] = ranked
    return ranked


def rested(week: Week, session: Session, exercise: Exercise) -> bool:
    """F-02: no day next to this one has an exercise for the same muscle; the trunk needs no such rest."""
    if exercise.kind == "support":
        return True
    muscle = exercise.primary
    return not any(
        abs(other.offset - session.offset) < DAYS_BETWEEN and muscle in other.main
        for other in week.sessions
        if other is not session
    )


def within_caps(week: Week, session: Session, exercise: Exercise, sets: int) -> bool:
    """Whether ``sets`` more of ``exercise`` stay within the day's and the week's sets of every muscle."""
    today, total, caps, cap = session.volume, week.volume, week.caps, week.caps[""]
    for muscle, credit in exercise.credit:
        added = credit * sets
        if today.get(muscle, 0.0) + added > week.day_cap:
            return False
        if total.get(muscle, 0.0) + added > caps.get(muscle, cap):
            return False
    return True


def _place(week: Week, session: Session, placed: Placed) -> None:
    exercise = placed.exercise
    session.patterns.add(exercise.pattern)
    session.ids.add(exercise.id)
    if exercise.kind != "support":
        session.main.add(exercise.primary)
    session.placed.append(placed)
    week.used[exercise.id] = week.used.get(exercise.id, 0) + 1
    count(week, session, exercise, placed.sets)


def count(week: Week, session: Session, exercise: Exercise, sets: int) -> None:
    """Credit ``sets`` (negative: take them back) to the day and the week."""
    today, total = session.volume, week.volume
    for muscle, credit in exercise.credit:
        added = credit * sets
        today[muscle] = today.get(muscle, 0.0) + added
        total[muscle] = total.get(muscle, 0.0) + added
