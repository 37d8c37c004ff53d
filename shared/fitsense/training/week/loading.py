"""Loads of a week's logged lifts, decided before the sets are placed (P-01 to P-06, R-01).

A load that was earned goes up before sets do: its muscle keeps last week's sets (P-05).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fitsense.training.catalog.exercises import Exercise, load_catalog
from fitsense.training.history.log import Exposure, exposures_of
from fitsense.training.history.readiness import Readiness
from fitsense.training.load.loads import LoadBounds, LoadChange, decide_load, load_bounds, too_hard
from fitsense.training.people.conditions import Limits
from fitsense.training.request import Request
from fitsense.training.week.prescription import RAMP_SET_MIN, Bounds, Dose, ramp_sets, ramps_at
from fitsense.training.week.weeks import Work, Works, work_of

HELD_SETS = 3.0
"""Below it a muscle's sets have so far to go that its loads wait for them."""
_MOST_STRENGTH_REPS = 6


@dataclass(frozen=True, slots=True)
class Loading:
    """What the log says of the week's exercises."""

    logged: Mapping[str, Exercise]
    """Those that may be done, the ones with a load first."""
    changes: Mapping[str, LoadChange]
    own: Mapping[str, Work]
    swapped: frozenset[str]
    held: frozenset[str]
    """Muscles that keep their sets, since a load of theirs goes up (P-05)."""


def loading_of(request: Request, limits: Limits, ready: Readiness, works: Works, bounds: Bounds) -> Loading:
    """The loads of everything that was logged and may be done."""
    exposures = _exposures(request)
    logged = _logged(request, limits, exposures)
    given = load_bounds(request.context, limits, ready, log=request.log, pain=request.pain)
    changes: dict[str, LoadChange] = {}
    own: dict[str, Work] = {}
    for one, exercise in logged.items():
        work = works.by_form[exercise.form]
        dose = _aimed(work.dose, exercise, request, bounds)
        if exercise.loaded and exposures[one][-1].kg:
            change = _decided(exercise, exposures[one], dose, given, request)
            changes[one], dose = change, dose._replace(reps=change.reps or dose.reps)
        further = _further_ramps(exposures[one], changes.get(one), dose)
        if dose != work.dose or further:
            spare = further * RAMP_SET_MIN if exercise.kind == "compound" else 0.0
            own[one] = work_of(dose, exercise.kind, exercise.unilateral)._replace(spare_min=spare)
    swapped = frozenset(one for one, change in changes.items() if _unfit(change)) | _too_hard(
        logged, exposures, works
    )
    return Loading(
        {one: exercise for one, exercise in logged.items() if one not in swapped},
        {one: change for one, change in changes.items() if one not in swapped},
        own,
        swapped,
        frozenset(logged[one].primary for one, change in changes.items() if change.new_kg > change.old_kg),
    )


def _further_ramps(exposures: tuple[Exposure, ...], change: LoadChange | None, dose: Dose) -> int:
    """W-01: ramp sets by the share of a known maximum, beyond those that repetitions and RIR ask for."""
    known = next((one.e1rm_kg for one in reversed(exposures) if one.e1rm_kg), None)
    if change is None or known is None:
        return 0
    return max(0, ramps_at(change.new_kg / known) - ramp_sets(dose.reps[1], dose.rir))


def _unfit(change: LoadChange) -> bool:
    """R-01: the load that is due lies below the bar, or rounding up to it would be an unearned rise."""
    return change.why == "swap" or (change.new_kg > change.old_kg and change.why not in ("raise", "hold"))


def _too_hard(
    logged: Mapping[str, Exercise], exposures: Mapping[str, tuple[Exposure, ...]], works: Works
) -> frozenset[str]:
    """P-04 for lifts that have nothing lighter: missed twice with nothing left, an easier one takes over."""
    return frozenset(
        one
        for one, exercise in logged.items()
        if not exercise.loaded and too_hard(exposures[one], works.by_form[exercise.form].dose.reps)
    )


def _exposures(request: Request) -> Mapping[str, tuple[Exposure, ...]]:
    if request.log is not None:
        return request.log.lifts
    return {lift["exercise_id"]: exposures_of(lift) for lift in request.context["lifts"]}


def _logged(
    request: Request, limits: Limits, exposures: Mapping[str, tuple[Exposure, ...]]
) -> dict[str, Exercise]:
    """Logged exercises that equipment, exclusions and the person's wishes allow, whatever their level."""
    catalog, owned = load_catalog().by_id, {*request.context["equipment"], "bodyweight"}
    found = [catalog[one] for one, sessions in exposures.items() if sessions and one in catalog]
    return {
        exercise.id: exercise
        for exercise in sorted(found, key=lambda one: not one.compound)
        if exercise.equipment <= owned
        and exercise.contra_tags.isdisjoint(limits.tags)
        and exercise.pattern not in limits.patterns
        and exercise.id not in request.avoid
    }


def _decided(
    exercise: Exercise,
    exposures: tuple[Exposure, ...],
    dose: Dose,
    given: LoadBounds,
    request: Request,
) -> LoadChange:
    """The raise goes before more sets, unless the muscle has next to none (P-05)."""
    sets = request.context["weekly_sets"].get(exercise.primary)
    return decide_load(exercise, exposures, dose, given, sets_rise=sets is not None and sets < HELD_SETS)


def _aimed(dose: Dose, exercise: Exercise, request: Request, bounds: Bounds) -> Dose:
    """The dose with the range that the person aims at, where goal and conditions leave room for it (G-01)."""
    targets: Mapping[str, tuple[int, int]] = request.log.target_reps if request.log else {}
    wanted: Any = targets.get(exercise.id, targets.get(""))
    if wanted is None or exercise.kind == "support" or not _within(wanted, bounds):
        return dose
    return dose._replace(reps=tuple(wanted))


def _within(wanted: tuple[int, int], bounds: Bounds) -> bool:
    low, high = wanted
    if bounds.reps:
        return bounds.reps[0] <= low <= high <= bounds.reps[1]
    if bounds.goal == "strength":
        return high <= _MOST_STRENGTH_REPS if bounds.experience != "novice" else 6 <= low <= high <= 15
    if bounds.goal == "general_fitness":
        return 6 <= low <= high <= 15
    return 5 <= low <= high <= (30 if bounds.goal == "muscle_gain" else 20)
