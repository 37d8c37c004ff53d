"""What a week still lacks once its slots are filled: a second day for a muscle, enough sets (F-02, V-*)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fitsense.training.catalog.exercises import COMPOUND, Exercise
from fitsense.training.week.bands import CONTINUITY_ADHERENCE, least_sets
from fitsense.training.week.changing import add_set, back_to, drop_set, mark, take_out
from fitsense.training.week.placing import fits, ranked_of
from fitsense.training.week.volume import allowed_rise
from fitsense.training.week.weeks import Session, Week

GROUPS: tuple[tuple[str, ...], ...] = (
    ("chest",),
    ("upper_back", "lats"),
    ("quads",),
    ("hamstrings",),
    ("side_delt", "front_delt", "rear_delt"),
)
"""Major muscles of the bands: the back and the shoulders count as whole groups."""
_SMALL: tuple[tuple[str, ...], ...] = (("glutes",), ("biceps",), ("triceps",), ("calves",))
"""Muscles that get what minutes are left after the major ones (V-07)."""
_PATTERNS: Mapping[str, tuple[str, ...]] = {
    "chest": ("h_push", "chest_iso"),
    "upper_back": ("h_pull",),
    "lats": ("v_pull", "h_pull"),
    "quads": ("squat", "lunge", "knee_ext"),
    "hamstrings": ("knee_flex", "hinge"),
    "side_delt": ("shoulder_iso", "v_push"),
    "front_delt": ("v_push",),
    "rear_delt": ("shoulder_iso",),
}
SLACK = 0.05
"""How far below its share a lighter week may end, since sets come whole."""
_MAJOR = frozenset(muscle for group in GROUPS for muscle in group)
ROUNDS = 12
"""Sets that may be added to a group: it ends sooner where nothing fits any more."""


def complete(week: Week) -> None:
    """Bring every major muscle to its least sets and to a second day, as far as time and caps allow."""
    least = least_sets(week.request.context, week.limits, len(week.sessions))
    for group in GROUPS:
        _second_day(week, group)
        _to_least(week, group, _least_of(week, group, least))
    for group in (*GROUPS, *_SMALL):
        _grow(week, group)


def _least_of(week: Week, group: Sequence[str], least: float) -> float:
    """The band's lower end, or as much as last week (V-04 asks for 60 %); of a lighter week its share."""
    prior: float = max(week.request.context["weekly_sets"].get(one, 0.0) for one in group)
    if week.ready.set_factor < 1:
        return (week.ready.set_factor - SLACK) * prior
    return max(least, min(prior, _most(week, group)))


def _most(week: Week, group: Sequence[str]) -> float:
    return max(week.caps.get(one, week.caps[""]) for one in group)


def _grow(week: Week, group: Sequence[str]) -> None:
    """P-08: more sets build more: minutes that are left go to a set or two (P-05) of what is there."""
    context = week.request.context
    prior: float = max(context["weekly_sets"].get(one, 0.0) for one in group)
    steady = context["adherence"] >= CONTINUITY_ADHERENCE and week.ready.add_sets
    if not prior or not steady or week.ready.set_factor < 1 or context["goal"] == "fat_loss":
        return
    wanted = min(allowed_rise(prior), _most(week, group))
    for _ in range(ROUNDS):
        if _volume(week, group) >= wanted or not _one_more(week, group):
            return


def _volume(week: Week, group: Sequence[str]) -> float:
    return max(week.volume.get(muscle, 0.0) for muscle in group)


def _second_day(week: Week, group: Sequence[str]) -> None:
    """F-02: a muscle of one day only gets an exercise on another, where 48 hours lie between."""
    if len(week.sessions) < 2:
        return
    for muscle in group:
        days = [number for number, one in enumerate(week.sessions) if one.volume.get(muscle)]
        if len(days) == 1:
            other = [one for number, one in enumerate(week.sessions) if number != days[0]]
            ways = (_add, _instead, _slimmer)
            any(way(week, session, muscle) for way in ways for session in other)


def _add(week: Week, session: Session, muscle: str) -> bool:
    """An exercise whose main work is ``muscle``, in as many sets as fit."""
    for pattern in _PATTERNS.get(muscle, ()):
        for _, _, exercise in ranked_of(week, pattern)[:6]:
            if exercise.primary != muscle or exercise.id in session.ids:
                continue
            if fits(week, session, exercise, week.minutes, mandatory=True):
                return True
    return False


def _instead(week: Week, session: Session, muscle: str) -> bool:
    """T-01: where time is short, isolation work makes room."""
    before = mark(week, session)
    for index in reversed(range(len(session.placed))):
        exercise = session.placed[index].exercise
        if exercise.compound or exercise.id in week.logged or exercise.pattern == "balance":
            continue
        if exercise.primary in _MAJOR and exercise.primary != muscle:
            continue
        take_out(week, session, index)
        if _add(week, session, muscle):
            return True
    back_to(week, session, before)
    return False


def _slimmer(week: Week, session: Session, muscle: str) -> bool:
    """A set fewer of what has most of them makes room: twice two sets do more than once four."""
    before = mark(week, session)
    while drop_set(week, session):
        if _add(week, session, muscle):
            return True
    back_to(week, session, before)
    return False


def _to_least(week: Week, group: Sequence[str], least: float) -> None:
    for _ in range(ROUNDS):
        if _volume(week, group) >= least:
            return
        # A lighter week has the same exercises (D-02): it gets no new ones.
        if not (_one_more(week, group) or (week.ready.set_factor >= 1 and _one_new(week, group))):
            return


def _one_more(week: Week, group: Sequence[str]) -> bool:
    """One more set where the group is trained already: the exercise with the fewest sets first."""
    spots = [
        (one.sets, not one.exercise.compound, number, index)
        for number, session in enumerate(week.sessions)
        for index, one in enumerate(session.placed)
        if one.exercise.primary in group
    ]
    return any(add_set(week, week.sessions[number], index) for _, _, number, index in sorted(spots))


def _one_new(week: Week, group: Sequence[str]) -> bool:
    """A further exercise on a day that trains the group already, the emptiest first."""
    days = [one for one in week.sessions if any(one.volume.get(muscle) for muscle in group)]
    return any(
        _add(week, session, muscle)
        for session in sorted(days, key=lambda one: one.full_minutes)
        for muscle in group
    )


def drop_lonely(week: Week) -> None:
    """F-02: isolation work of a muscle that no other day trains is left out; small muscles may have none."""
    if len(week.sessions) < 2:
        return
    for session in week.sessions:
        for index in reversed(range(len(session.placed))):
            exercise = session.placed[index].exercise
            if len(session.placed) > 1 and _lonely(week, exercise):
                take_out(week, session, index)


def _lonely(week: Week, exercise: Exercise) -> bool:
    if exercise.pattern in COMPOUND or exercise.id in week.logged or exercise.id == week.request.focus:
        return False
    if exercise.kind == "support":
        return False
    return sum(bool(one.volume.get(exercise.primary)) for one in week.sessions) < 2
