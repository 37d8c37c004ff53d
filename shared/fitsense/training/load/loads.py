"""The load of an exercise from what was logged (P-01 to P-06, S-*, D-*, R-01). Loads in kg, per implement.

No decision goes above ``ceilings.highest_load``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from fitsense.training.catalog.exercises import Exercise
from fitsense.training.findings import Finding, Value
from fitsense.training.history.log import Exposure, RepRange
from fitsense.training.history.readiness import Readiness
from fitsense.training.load import progression
from fitsense.training.load.ceilings import (
    LoadBounds,
    anchor_of,
    cap_pct,
    drop_due,
    eased_from,
    facts_of,
    highest_load,
    intensity_cap,
    load_bounds,
    recent_best,
    step_cap_pct,
    working_exposures,
)
from fitsense.training.load.progression import Facts
from fitsense.training.load.rounding import STORED_TO_KG, below_bar, round_load
from fitsense.training.week.prescription import Dose

__all__ = [
    "LoadBounds", "LoadChange", "cap_pct", "decide_load", "highest_load", "load_bounds", "raise_earned",
    "step_cap_pct", "too_hard", "working_exposures",
]  # fmt: skip

SLEEP_RECENT = dt.timedelta(weeks=4)
"""Within it a week of short sleep does not ease a load again."""
DELOAD_LEAST = 0.8
"""D-02."""
LEAST_STEP_DOWN = 0.65
"""A dumbbell lighter by more is no step but another exercise (H)."""


class LoadChange(NamedTuple):
    """What happens to a logged load, and why.

    ``raise`` (P-01), ``hold``, ``reps_first`` (P-03), ``failed`` (P-04), ``refit`` (the range or the RIR asks
    for less), ``eased`` (sleep, break, illness, deload or pain), ``swap`` (R-01: lighter than the bar).
    """

    exercise_id: str
    old_kg: float
    new_kg: float
    why: str
    reps: RepRange | None = None
    """The range to aim at where it is not the dose's own (P-03)."""
    findings: tuple[Finding, ...] = ()


def raise_earned(exercise: Exercise, exposures: Sequence[Exposure], dose: Dose, bounds: LoadBounds) -> bool:
    """Whether the load may and will go up if its muscle's sets do not (P-05)."""
    if not working_exposures(exposures):
        return False
    return decide_load(exercise, exposures, dose, bounds, sets_rise=False).why == "raise"


def too_hard(exposures: Sequence[Exposure], reps: RepRange) -> bool:
    """P-04 for a lift that has nothing lighter, such as push-ups: its bottom missed twice, nothing left."""
    done = [one for one in exposures if one.reps][-progression.FAILED_SESSIONS :]
    need = 1 if done and done[-1].date is None else progression.FAILED_SESSIONS
    return len(done) >= need and all(progression.missed(one, reps[0]) for one in done[-need:])


# -------------------------------------------------------------------------------------------- decision


def decide_load(
    exercise: Exercise,
    exposures: Sequence[Exposure],
    dose: Dose,
    bounds: LoadBounds,
    *,
    sets_rise: bool = False,
) -> LoadChange:
    """This week's load of a logged lift; with ``sets_rise`` its muscle gets more sets, so it holds (P-05).

    Raises ValueError when no session has a load.
    """
    done = working_exposures(exposures)
    if not done:
        raise ValueError(f"{exercise.id} has no logged load")
    facts = facts_of(exercise, exposures, dose, bounds)
    highest = highest_load(exercise, exposures, dose, bounds)
    if eased := _eased(exercise, done, bounds, highest):
        return eased
    step = progression.failed_step(facts) or progression.regained(facts) or bounds.scheme(facts)
    if step.why == "raise":
        step = _held(facts, bounds.ready, highest, sets_rise=sets_rise) or step
    change = _rounded(exercise, facts, step, bounds, highest)
    return _with_stall(change, facts) if change.why == "hold" else change


def _with_stall(change: LoadChange, facts: Facts) -> LoadChange:
    """What to do about a lift that has not moved for long is said beside why it holds."""
    stalled = progression.stall(facts)
    if stalled is None or stalled.action == "lower":  # P-04 lowers after two misses, not before
        return change
    finding = stalled.finding
    named = replace(finding, numbers={**finding.numbers, "exercise": change.exercise_id})
    return change._replace(findings=(*change.findings, named))


def _held(facts: Facts, ready: Readiness, highest: float, *, sets_rise: bool) -> progression.Step | None:
    """Why an earned raise has to wait, or nothing."""
    numbers = {"load": facts.base_kg}
    if sets_rise:
        return facts.hold(Finding("P-05", "adapt.sets_before_load", numbers))
    if facts.heavier_kg > highest + STORED_TO_KG:
        rule = ready.rules[0] if ready.rules else "P-02"
        held = facts.hold(Finding(rule, "adapt.raise_waits", numbers))
        # S-03: 6 to 7 hours of sleep leave repetitions to rise.
        return progression.further(facts, held) if ready.rules == ("S-03",) and ready.step_pct > 0 else held
    return None


def _eased(
    exercise: Exercise, done: Sequence[Exposure], bounds: LoadBounds, highest: float
) -> LoadChange | None:
    """A lighter load by P-06, D-02, D-03, S-02, S-03, C-LBP or a condition's intensity; else nothing."""
    ready, last = bounds.ready, done[-1].kg or 0.0
    pained = drop_due(exercise, done, bounds)
    factor = ready.load_factor * (ready.compound_factor if exercise.compound else 1.0)
    if factor >= 1 and not pained and not ready.restart and highest >= last:
        return None
    anchor = anchor_of(done, ready).kg or 0.0
    # Week after week of short sleep eases a load once.
    base = recent_best(done, SLEEP_RECENT) if ready.rules == ("S-03",) else eased_from(done, bounds)
    target = min(base * factor, highest, last * bounds.lower_factor if pained else highest)
    # A return goes by the load before it; no other easing ever makes a load heavier than the last.
    target = target if ready.restart else min(target, last)
    if ready.deload and target < last <= highest:
        # D-02: where the next lighter load would be more than a fifth less, the sets alone are cut.
        lighter = round_load(exercise, target, bounds.rack, highest)
        target = last if lighter < DELOAD_LEAST * anchor else target
    reason = _easing(done, bounds, pained=pained, highest=highest)
    return _load_change(exercise, last, target, highest, bounds, reason)


def _easing(done: Sequence[Exposure], bounds: LoadBounds, *, pained: bool, highest: float) -> tuple[str, str]:
    """Rule and sentence: of all that hold this week the one that moves loads most."""
    if pained:
        return "C-LBP", "adapt.eased_pain"
    if intensity_cap(done, bounds) <= highest:
        return bounds.intensity_rule, "adapt.eased_intensity"
    rules = bounds.ready.rules or ("P-02",)
    order = ("P-06", "D-02", "S-02", "D-03")
    return next((rule for rule in order if rule in rules), rules[0]), "adapt.eased"


def _load_change(
    exercise: Exercise,
    last: float,
    target: float,
    highest: float,
    bounds: LoadBounds,
    reason: tuple[str, str],
) -> LoadChange:
    kg = _fitting(exercise, last, target, highest, bounds)
    if kg is None:
        return _named(
            exercise, last, last, "swap", None, Finding("R-01", "adapt.below_bar", {"load": target})
        )
    rule, key = reason
    finding = Finding(rule, key if kg < last else "adapt.hold_eased", {"old": last, "new": kg})
    why = "eased" if kg < last else "raise" if kg > last else "hold"
    return _named(exercise, last, kg, why, None, finding)


def _fitting(
    exercise: Exercise, last: float, target: float, highest: float, bounds: LoadBounds
) -> float | None:
    """``target`` as a load that exists, at most ``highest``; None where nothing is light enough (R-01)."""
    if abs(target - last) < STORED_TO_KG and last <= highest + STORED_TO_KG:
        return last
    kg = round_load(exercise, target, bounds.rack, highest)
    if kg <= highest + STORED_TO_KG:
        return kg
    # The logged load itself exists, whatever the grid says.
    return last if last <= highest + STORED_TO_KG and target >= last else None


def _rounded(
    exercise: Exercise, facts: Facts, step: progression.Step, bounds: LoadBounds, highest: float
) -> LoadChange:
    """The step as a load that exists, never above ``highest``."""
    base = facts.base_kg
    if abs(step.kg - base) < STORED_TO_KG:
        return _named(exercise, base, base, step.why, step.reps, *step.findings)
    if step.kg < base:
        return _lowered(exercise, base, step, bounds)
    kg = _fitting(exercise, base, step.kg, highest, bounds)
    if kg is None or kg <= base:
        return _named(
            exercise, base, base, "hold", None, Finding("P-02", "adapt.raise_waits", {"load": base})
        )
    return _named(exercise, base, kg, step.why, step.reps, *step.findings)


def _lowered(exercise: Exercise, base: float, step: progression.Step, bounds: LoadBounds) -> LoadChange:
    """The nearest lighter load; where steps are coarse the next one down, unless that is far too light."""
    kg = round_load(exercise, step.kg, bounds.rack, base)
    if kg >= base - STORED_TO_KG and step.why == "failed":
        kg = round_load(exercise, base - 2 * STORED_TO_KG, bounds.rack, base - 2 * STORED_TO_KG)
    if (
        kg < base - STORED_TO_KG
        and kg >= LEAST_STEP_DOWN * base
        and not below_bar(exercise, step.kg, bounds.rack)
    ):
        return _named(exercise, base, kg, step.why, step.reps, *step.findings)
    if below_bar(exercise, step.kg, bounds.rack) or (kg >= base - STORED_TO_KG and step.why == "failed"):
        # Too heavy, and nothing lighter to take.
        finding = Finding("R-01", "adapt.below_bar", {"load": round(step.kg, 1)})
        return _named(exercise, base, base, "swap", None, finding)
    return _named(
        exercise,
        base,
        base,
        "hold",
        None,
        Finding(step.findings[0].rule_id, "adapt.no_lighter", {"load": base}),
    )


def _named(
    exercise: Exercise, old: float, new: float, why: str, reps: RepRange | None, *findings: Finding
) -> LoadChange:
    """The change, with the exercise and the new load among each finding's numbers."""
    more: dict[str, Value] = {"exercise": exercise.id, "new": new}
    told = tuple(Finding(one.rule_id, one.key, {**one.numbers, **more}) for one in findings)
    return LoadChange(exercise.id, old, new, why, reps, told)
