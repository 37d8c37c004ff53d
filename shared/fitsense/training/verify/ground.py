"""What one plan is held against, worked out once for all its days."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fitsense.training.catalog.exercises import LEVELS, LOWER_BODY, Exercise
from fitsense.training.catalog.pools import SENIOR_AGE
from fitsense.training.history.log import Exposure, exposures_of
from fitsense.training.history.readiness import Readiness, readiness
from fitsense.training.load.loads import LoadBounds, cap_pct, highest_load, load_bounds
from fitsense.training.nutrition.energy import deficit_forbidden
from fitsense.training.people.conditions import Bound, Limits
from fitsense.training.people.screening import Screening, screen
from fitsense.training.request import Request
from fitsense.training.week.bands import muscle_caps
from fitsense.training.week.prescription import Bounds as DoseBounds
from fitsense.training.week.prescription import Dose, bounds_of, dose_of, first_weeks, rir_floor

_EASING = ("S-02", "S-03", "O-02", "P-06", "D-02")
"""Rules that ask for more repetitions in reserve, the one for tonight first."""


@dataclass(frozen=True, slots=True)
class Ground:
    """One person, one request: bounds, readiness and what was logged."""

    request: Request
    context: Mapping[str, Any]
    limits: Limits
    ready: Readiness
    stopped: tuple[str, ...]
    """Rules that forbid any plan; empty where one is allowed."""
    owned: frozenset[str]
    lifts: Mapping[str, tuple[Exposure, ...]]
    """Exercise id → its sessions, oldest first."""
    caps: Mapping[str, tuple[float, str]]
    """Muscle → most weekly sets and the rule; "" for every other muscle."""
    prior: Mapping[str, float]
    """Muscle → fractional sets of last week, where there were any."""
    goal: str
    """The goal that the plan must have (N-08)."""
    early: bool
    """A novice's first two weeks (P-07)."""
    senior: bool
    rir_floors: tuple[float, float]
    """For single-joint and for compound exercises, without a deload's."""
    loads: LoadBounds
    doses: DoseBounds
    tonight: Ground | None = None
    """What the next session alone is held against after a short night (S-02)."""

    @property
    def novice(self) -> bool:
        return bool(self.context["experience"] == "novice")

    @property
    def rank(self) -> int:
        return LEVELS[self.context["experience"]]

    def on(self, day: int) -> Ground:
        """What the session of that number is held against: last night is the first one's alone (S-02)."""
        return self.tonight if self.tonight is not None and day == 0 else self

    def bound_by(self, binds: Callable[[Bound], bool], otherwise: str) -> str:
        """The rule of the first condition whose bound is the one that ``binds``."""
        found = (rule for rule, one in self.limits.excluding if isinstance(one, Bound) and binds(one))
        return next(found, otherwise)

    def eased_by(self, otherwise: str) -> str:
        """The rule that makes this an easier week or session."""
        rules = self.ready.rules
        return next((rule for rule in _EASING if rule in rules), rules[0] if rules else otherwise)

    def dose(self, exercise: Exercise) -> Dose:
        """What the engine itself would prescribe."""
        return dose_of(exercise.kind, self.doses)


def ground_of(request: Request) -> Ground:
    """Raises what screening and ``readiness`` raise for a context that is none."""
    screening, ready = screen(request.context, None, request.pain), readiness(request)
    week = _ground(request, screening, ready)
    if ready.today is None:
        return week
    return replace(week, tonight=_ground(request, screening, ready.for_today()))


def _ground(request: Request, screening: Screening, ready: Readiness) -> Ground:
    context, limits = request.context, screening.limits
    stopped = limits.blocked or tuple(one.rule_id for one in screening.findings[:1]) or ("Q-01",)
    floors = [rir_floor(context, limits, compound=one) + ready.rir_extra for one in (False, True)]
    return Ground(
        request=request,
        context=context,
        limits=limits,
        ready=ready,
        stopped=() if screening.plan_allowed and not limits.blocked else stopped,
        owned=frozenset({*context["equipment"], "bodyweight"}),
        lifts=_lifts(request),
        caps=muscle_caps(request, limits, ready),
        prior={muscle: sets for muscle, sets in context["weekly_sets"].items() if sets > 0},
        goal=_goal(context, limits),
        early=first_weeks(context),
        senior=context["age"] >= SENIOR_AGE,
        rir_floors=(floors[0], floors[1]),
        loads=load_bounds(context, limits, ready, log=request.log, pain=request.pain),
        doses=bounds_of(context, limits, ready),
    )


def _lifts(request: Request) -> Mapping[str, tuple[Exposure, ...]]:
    if request.log is not None:
        return request.log.lifts
    return {lift["exercise_id"]: exposures_of(lift) for lift in request.context["lifts"]}


def _goal(context: Mapping[str, Any], limits: Limits) -> str:
    goal: str = context["goal"]
    unsafe = goal == "fat_loss" and (limits.no_deficit or deficit_forbidden(context))
    return "general_fitness" if unsafe else goal


def logged_kg(ground: Ground, exercise: Exercise) -> float | None:
    """The last logged load, if there is one."""
    loads = [one.kg for one in ground.lifts.get(exercise.id, ()) if one.kg and one.reps]
    return loads[-1] if loads else None


def load_ceiling(ground: Ground, exercise: Exercise, base_kg: float) -> tuple[float, str]:
    """Most that a logged exercise may weigh, in kg, and the rule that says so."""
    exposures = ground.lifts[exercise.id]
    ceiling = highest_load(exercise, exposures, ground.dose(exercise), ground.loads)
    if ceiling >= base_kg * (1 + cap_pct(exercise, ground.loads) / 100) - 1e-6:
        return ceiling, "P-02"
    if ground.loads.lower_factor < 1 and exercise.pattern in LOWER_BODY and ceiling < base_kg:
        return ceiling, "C-LBP"
    return ceiling, ground.eased_by("P-02")
