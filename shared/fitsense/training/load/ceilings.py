"""The most that a logged lift may weigh next (P-02, P-03, P-06, S-*, D-*, C-LBP). In kg, per implement."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from fitsense.training.catalog.exercises import LOWER_BODY, Exercise
from fitsense.training.history.log import WEEK, Exposure, Log, RepRange
from fitsense.training.history.readiness import SHORT_BREAK_CAP, Readiness
from fitsense.training.load import progression
from fitsense.training.load.progression import Facts, Scheme
from fitsense.training.load.rounding import STORED_TO_KG, Rack, next_load, rack_of
from fitsense.training.people.conditions import Limits
from fitsense.training.week.prescription import Dose

BACK_PAIN_FACTOR = 0.65
"""C-LBP: loads drop by 30 to 50 %."""
BACK_PAIN_CAP = 0.70
SENIOR_AGE = 65
CAREFUL_PCT = 5.0
"""P-02 from 65 on, with any condition and after pain."""
DAY = dt.timedelta(days=1)
BREAK_DAYS = 7
"""P-06. Who lifts once a week has had nothing eased that would come back."""
REGAIN_WEEKS = (1, 2, 3)
REGAIN = dt.timedelta(weeks=8)
"""A load before a break or a deload comes back for so long without being earned anew (H)."""
STALE = dt.timedelta(days=28)
"""A lift that was not done for so long is no base for a raise (P-06)."""


@dataclass(frozen=True, slots=True)
class LoadBounds:
    """What binds every load of one person this week; made once by ``load_bounds``."""

    experience: str
    ready: Readiness
    rack: Rack = field(default_factory=Rack)
    careful: bool = False
    """P-02: 65 or older, a condition, or a return from pain."""
    step_pct: float = 0.0
    """The conditions' own bound on a rise; 0: none."""
    lower_factor: float = 1.0
    """C-LBP: on squats, lunges and hinges."""
    intensity: float = 1.0
    """Largest share of the e1RM that the conditions allow, by ``intensity_rule``."""
    intensity_rule: str = "P-02"
    target_reps: Mapping[str, RepRange] = field(default_factory=dict)
    as_of: dt.date | None = None
    returns: tuple[dt.date, ...] = ()
    """Days on which a break of a week or a deload began to lie behind: loads before them come back."""
    scheme: Scheme = progression.double


def load_bounds(
    context: Mapping[str, Any],
    limits: Limits,
    ready: Readiness,
    *,
    log: Log | None = None,
    pain: Iterable[str] = (),
) -> LoadBounds:
    """The bounds of a Context as a dict; ``pain`` names painful areas beside the logged one."""
    areas = {*pain, *([context["pain_area"]] if context["pain"] > 0 else [])}
    factor = min(limits.load_factor, BACK_PAIN_FACTOR if "low_back" in areas else 1.0)
    back = log is not None and log.pain_before
    return LoadBounds(
        experience=context["experience"],
        ready=ready,
        rack=rack_of(context),
        careful=context["age"] >= SENIOR_AGE or bool(context["conditions"]) or bool(areas) or back,
        step_pct=limits.step_pct,
        lower_factor=factor,
        intensity=limits.intensity_max_pct / 100,
        intensity_rule=_intensity_rule(limits),
        target_reps=log.target_reps if log is not None else {},
        as_of=log.as_of if log is not None else None,
        returns=_returns(log) if log is not None else (),
        scheme=progression.SCHEMES[context.get("progression") or "double"],
    )


def _intensity_rule(limits: Limits) -> str:
    found = (one.rule for one in limits.bounds if one.intensity_max_pct == limits.intensity_max_pct)
    return next(found, "P-02")


def _returns(log: Log) -> tuple[dt.date, ...]:
    """First days after gaps of a week, and of the last deload week, the oldest first."""
    dates = log.dates()
    found = [after for before, after in pairwise(dates) if (after - before).days >= BREAK_DAYS]
    if dates and log.weeks_since_deload in REGAIN_WEEKS:
        found.append((log.as_of or dates[-1]) - (log.weeks_since_deload + 1) * WEEK + DAY)
    return tuple(sorted(found))


# ---------------------------------------------------------------------------------------------- bounds


def step_cap_pct(exercise: Exercise, limits: Limits) -> float:
    """P-02: largest rise of this exercise's load in a week, per cent, as the conditions have it."""
    own = 10.0 if exercise.pattern in LOWER_BODY else 5.0
    return min(own, limits.step_pct) if limits.step_pct else own


def cap_pct(exercise: Exercise, bounds: LoadBounds) -> float:
    """P-02 for this person: lower-body compound 10 %, everything else 5 %, the careful 5 %."""
    own = 10.0 if exercise.pattern in LOWER_BODY else 5.0
    own = min(own, CAREFUL_PCT) if bounds.careful else own
    return min(own, bounds.step_pct) if bounds.step_pct else own


def working_exposures(exposures: Sequence[Exposure]) -> list[Exposure]:
    """Sessions with a load and sets, oldest first."""
    return [one for one in exposures if one.kg and one.reps]


def anchor_of(exposures: Sequence[Exposure], ready: Readiness) -> Exposure:
    """The session whose load a return goes by: the last before the break or the deload."""
    if ready.anchor is not None:
        before = [one for one in exposures if one.date is not None and one.date < ready.anchor]
        return before[-1] if before else exposures[-1]
    return exposures[-1]


def eased_from(exposures: Sequence[Exposure], bounds: LoadBounds) -> float:
    """The load that this week's easing is a share of.

    Breaks of a week that follow on each other ease a load once: what the last one took off, and no week has
    brought back, is not taken off again (P-06).
    """
    usual = anchor_of(exposures, bounds.ready).kg or 0.0
    if bounds.ready.load_cap != SHORT_BREAK_CAP or bounds.ready.restart:
        return usual
    before = _regain(exposures, bounds.returns)
    return max(usual, before.kg or 0.0) if before is not None else usual


def _ease_cap(exercise: Exercise, exposures: Sequence[Exposure], bounds: LoadBounds) -> float:
    """The load that breaks, deload, sleep, pain and conditions allow at the most; inf if they say nothing."""
    ready, last = bounds.ready, exposures[-1].kg or 0.0
    caps = [eased_from(exposures, bounds) * ready.load_cap, intensity_cap(exposures, bounds)]
    if exercise.compound and ready.compound_factor < 1:
        caps.append(last * ready.compound_factor)
    if drop_due(exercise, exposures, bounds):
        caps.append(BACK_PAIN_CAP * last)
    return min(caps)


def intensity_cap(exposures: Sequence[Exposure], bounds: LoadBounds) -> float:
    """The share of the e1RM that a condition allows (C-HTN, C-CARD, …); inf without either."""
    estimates = [one.e1rm_kg for one in exposures if one.e1rm_kg is not None]
    return estimates[-1] * bounds.intensity if estimates and bounds.intensity < 1 else math.inf


def drop_due(exercise: Exercise, exposures: Sequence[Exposure], bounds: LoadBounds) -> bool:
    """C-LBP: the load has not come down since it was heaviest. Once it has, it may rise again, 5 % a week."""
    if bounds.lower_factor >= 1 or exercise.pattern not in LOWER_BODY:
        return False
    loads = [one.kg or 0.0 for one in exposures]
    best = max(loads)
    heaviest = len(loads) - 1 - loads[::-1].index(best)
    return min(loads[heaviest:]) > BACK_PAIN_CAP * best + STORED_TO_KG


def recent_best(exposures: Sequence[Exposure], span: dt.timedelta) -> float:
    """Heaviest load of the last weeks: what was eased once is not eased again and again."""
    last = exposures[-1]
    since = last.date - span if last.date is not None else None
    return max(
        one.kg or 0.0 for one in exposures if since is None or (one.date is not None and one.date >= since)
    )


def highest_load(exercise: Exercise, exposures: Sequence[Exposure], dose: Dose, bounds: LoadBounds) -> float:
    """The most that this exercise may weigh next: P-02 with P-03's earned step, P-06, S-*, D-*, C-LBP.

    ``inf`` without a logged load.
    """
    done = working_exposures(exposures)
    if not done:
        return math.inf
    facts = facts_of(exercise, exposures, dose, bounds)
    base = _base(done, bounds.ready)
    ceiling = base * (1 + min(cap_pct(exercise, bounds), bounds.ready.step_pct) / 100)
    ceiling = max(ceiling, _earned_beyond(facts, bounds.ready))
    return min(ceiling, _ease_cap(exercise, done, bounds))


def _base(done: Sequence[Exposure], ready: Readiness) -> float:
    """The load that P-02's rise is counted from: after a deload the one before it (D-03)."""
    last = done[-1].kg or 0.0
    return max(last, anchor_of(done, ready).kg or 0.0) if ready.restart else last


def facts_of(exercise: Exercise, exposures: Sequence[Exposure], dose: Dose, bounds: LoadBounds) -> Facts:
    done = working_exposures(exposures)
    base = done[-1].kg or 0.0
    ceiling = base * (1 + cap_pct(exercise, bounds) / 100)
    smallest = next_load(exercise, base, bounds.rack)
    # ACSM: 2 to 10 %. Where two small plates are still below 2 %, and the cap leaves room, more of them.
    worth = next_load(exercise, base, bounds.rack, base * progression.WORTH)
    target = bounds.target_reps.get(exercise.id) or bounds.target_reps.get("") or dose.reps
    return Facts(
        exposures=tuple(exposures),
        base_kg=base,
        target_reps=target,
        dose=dose,
        experience=bounds.experience,
        heavier_kg=worth if worth <= ceiling + STORED_TO_KG else smallest,
        ceiling_kg=ceiling,
        stale=_stale(done[-1], bounds.as_of),
        regain=_regain(done, bounds.returns),
    )


def _regain(done: Sequence[Exposure], returns: Sequence[dt.date]) -> Exposure | None:
    """The session before the last breaks or deloads whose load is heavier than today's; None without one.

    P-06 and D-02 made it lighter, not P-04: a session that failed is no load to go back to. What two breaks
    in a row have eased comes back to the load before the first.
    """
    last, found = done[-1], None
    for back in reversed(returns):
        if last.date is None or last.date < back or last.date - back > REGAIN:
            continue
        before = next((one for one in reversed(done) if one.date is not None and one.date < back), None)
        if before is None or (before.kg or 0.0) <= (last.kg or 0.0):
            continue
        if any(rir is not None and rir <= progression.NOTHING_LEFT for rir in before.rir):
            break
        if found is None or (before.kg or 0.0) > (found.kg or 0.0):
            found = before
    return found


def _stale(last: Exposure, as_of: dt.date | None) -> bool:
    return as_of is not None and last.date is not None and as_of - last.date >= STALE


def _earned_beyond(facts: Facts, ready: Readiness) -> float:
    """The load that P-03's step or a return to the load before a break reaches over the caps; else 0.

    Sleep of 6 to 7 hours bounds progress (S-03); the way back from a break (P-06) is none.
    """
    if ready.step_pct >= progression.FREE_PCT and progression.big_step_earned(facts):
        return facts.heavier_kg
    back = progression.regained(facts) if ready.step_pct > 0 else None
    return back.kg if back is not None else 0.0
