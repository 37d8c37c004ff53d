"""Progression schemes: from a lift's sessions to its next step (P-01, P-03, P-04, M-06).

A scheme is a pure function ``Facts -> Step``. None raises a load that P-01's success has not earned, and
none goes above one allowed step; what else binds the week (sets, sleep, breaks) is ``loads.decide_load``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from fitsense.training.findings import Finding, Value
from fitsense.training.history.e1rm import percent_beyond, percent_of_1rm, reps_at
from fitsense.training.history.log import Exposure, RepRange
from fitsense.training.week.prescription import Dose

FREE_PCT = 100.0
WORTH = 1.02
"""ACSM: a step is 2 to 10 %; less is taken only where the cap leaves no more."""
SESSIONS = {"novice": 1, "intermediate": 2, "advanced": 2}
"""P-01: sessions in a row at the same load that must succeed."""
FAILED_SESSIONS = 2
"""P-04."""
FAILED_FACTOR = 0.93
EXTRA_REPS = 3
MOST_REPS = 20
"""P-03."""
NOTHING_LEFT = 0.5
"""RIR that counts as 0: people report halves."""
RIR_MARGIN = {"novice": 1.0, "intermediate": 0.0, "advanced": 0.0}
"""M-06: novices misjudge by about one."""
REFIT_SHARE = 0.95
LEAST_REFIT = 0.7
SAME_KG = 0.02
HALF_REP = 0.5


class Facts(NamedTuple):
    """One lift: what was done, what is aimed at, and the next heavier load (kg, per implement)."""

    exposures: tuple[Exposure, ...]
    base_kg: float
    target_reps: RepRange
    """What the logged sets aimed at; ``dose`` is what comes next."""
    dose: Dose
    experience: str
    heavier_kg: float
    ceiling_kg: float
    """P-02."""
    stale: bool = False
    regain: Exposure | None = None
    """The load before a break or a deload, where today's is lighter."""

    @property
    def done(self) -> tuple[Exposure, ...]:
        """Sessions with a load and sets."""
        return tuple(one for one in self.exposures if one.kg and one.reps)

    def hold(self, *findings: Finding) -> Step:
        return Step(self.base_kg, "hold", None, findings)


class Step(NamedTuple):
    """The next load before rounding; ``why`` as in ``loads.LoadChange``."""

    kg: float
    why: str
    reps: RepRange | None = None
    findings: tuple[Finding, ...] = ()


Scheme = Callable[[Facts], Step]


# ------------------------------------------------------------------------------------- success, failure


def succeeded(session: Exposure, reps: int, rir: float) -> bool:
    """P-01: every set with at least ``reps`` at ``rir`` or more left; an RIR not logged is no success."""
    return (
        bool(session.reps)
        and not session.dropped
        and min(session.reps) >= reps
        and all(one is not None and one >= rir for one in session.rir)
        and len(session.rir) == len(session.reps)
    )


def _last_at_load(facts: Facts) -> tuple[Exposure, ...]:
    """The sessions in a row, up to the last one, at today's load."""
    found: list[Exposure] = []
    for one in reversed(facts.done):
        if abs((one.kg or 0.0) - facts.base_kg) > SAME_KG:
            break
        found.append(one)
    return tuple(reversed(found))


def _summary_only(facts: Facts) -> bool:
    """A Context knows one session a lift; beside it stand the weeks' e1RMs."""
    return facts.done[-1].date is None


def earned(facts: Facts) -> bool:
    """P-01: the top of the range at the target RIR, once for novices, twice in a row at this load for others.

    Of a Context, which knows the last session alone, the second one is that no e1RM was lost.
    """
    need = SESSIONS[facts.experience]
    top, rir = facts.target_reps[1], _target_rir(facts)
    same = _last_at_load(facts)[-need:]
    if facts.stale or not all(succeeded(one, top, rir) for one in same):
        return False
    if _summary_only(facts) and need > 1:
        values = [one.e1rm_kg for one in facts.exposures if one.e1rm_kg is not None]
        return len(values) < 2 or values[-1] >= values[-2]
    return len(same) == need


def _target_rir(facts: Facts) -> float:
    return facts.dose.rir


def failed(facts: Facts) -> bool:
    """P-04: the bottom of the range missed with nothing left, in two sessions in a row at this load."""
    need = 1 if _summary_only(facts) else FAILED_SESSIONS
    same = _last_at_load(facts)[-need:]
    return len(same) == need and all(missed(one, facts.target_reps[0]) for one in same)


def missed(session: Exposure, bottom: int) -> bool:
    return any(
        reps < bottom and rir is not None and rir <= NOTHING_LEFT
        for reps, rir in zip(session.reps, session.rir, strict=False)
    )


def failed_step(facts: Facts) -> Step | None:
    """P-04 for every scheme; None while it does not hold."""
    if not failed(facts):
        return None
    numbers = _numbers(facts, bottom=facts.target_reps[0], percent=round(100 * (1 - FAILED_FACTOR)))
    return Step(facts.base_kg * FAILED_FACTOR, "failed", None, (Finding("P-04", "adapt.lower", numbers),))


def _numbers(facts: Facts, **more: Value) -> dict[str, Value]:
    last = facts.done[-1]
    logged = [rir for rir in last.rir if rir is not None]
    return {
        "load": facts.base_kg,
        "reps": min(last.reps),
        "sets": len(last.reps),
        "rir": min(logged) if logged else "-",
        "target_rir": _target_rir(facts),
        "top": facts.target_reps[1],
        **more,
    }


def regained(facts: Facts) -> Step | None:
    """After a break or a deload: towards the load before it, as far as P-02 allows a week.

    An eased load is no new one that would have to be earned again (P-06, D-03): its sets in the range at
    the target RIR, half a repetition to either side, are enough. Where the next load is over the cap, the
    load before must have been in the range too. None where nothing is to be regained.
    """
    before = facts.regain
    if before is None or before.kg is None or before.kg < facts.heavier_kg - SAME_KG or facts.stale:
        return None
    if not _handled(facts.done[-1], facts):
        return None
    kg = min(before.kg, facts.ceiling_kg)
    if kg < facts.heavier_kg - SAME_KG:
        if not _handled(before, facts):
            return None
        kg = facts.heavier_kg
    numbers = _numbers(facts, before=before.kg)
    return Step(kg, "raise", None, (Finding("P-06", "adapt.regain", numbers),))


def _handled(session: Exposure, facts: Facts) -> bool:
    """All sets in the range, with the target RIR on average."""
    rirs = [one for one in session.rir if one is not None]
    return (
        min(session.reps) >= facts.target_reps[0]
        and not session.dropped
        and len(rirs) == len(session.reps)
        and sum(rirs) / len(rirs) >= _target_rir(facts) - HALF_REP
    )


# ------------------------------------------------------------------------------------------ big steps


def extended_top(facts: Facts) -> int:
    """P-03: repetitions to reach before a step over the cap."""
    return max(facts.target_reps[1], min(facts.target_reps[1] + EXTRA_REPS, MOST_REPS))


def predicted_reps(session: Exposure, heavier_kg: float, rir: float) -> int:
    """Repetitions that the table of section 2 predicts at ``heavier_kg`` from the session's weakest set."""
    reps, left = min(zip(session.reps, session.rir, strict=False), key=lambda one: one[0] + (one[1] or 0.0))
    share = percent_beyond(reps, left or 0.0) * heavier_kg / (session.kg or heavier_kg)
    return reps_at(share, rir) if share <= 1 else 0


def big_step_earned(facts: Facts) -> bool:
    """P-03: top + 3 (at most 20) were done, and the table predicts the range's bottom at the new load."""
    if facts.heavier_kg <= facts.ceiling_kg + SAME_KG or not earned(facts):
        return False
    last, rir = facts.done[-1], _target_rir(facts)
    bottom = min(facts.target_reps[0], facts.dose.reps[0])
    margin = RIR_MARGIN[facts.experience]
    return (
        succeeded(last, extended_top(facts), rir)
        and predicted_reps(last, facts.heavier_kg, rir + margin) >= bottom
    )


def _big_step(facts: Facts) -> Step:
    numbers = _numbers(facts, next=facts.heavier_kg, cap=round(facts.ceiling_kg, 1), goal=extended_top(facts))
    if big_step_earned(facts):
        return Step(facts.heavier_kg, "raise", None, (Finding("P-03", "adapt.big_step", numbers),))
    if succeeded(facts.done[-1], extended_top(facts), _target_rir(facts)):
        return facts.hold(Finding("P-03", "adapt.step_too_big", numbers))
    reps = (facts.target_reps[1], extended_top(facts))
    return Step(facts.base_kg, "reps_first", reps, (Finding("P-03", "adapt.reps_first", numbers),))


# -------------------------------------------------------------------------------------------- schemes


def _raise_or_reps(facts: Facts) -> Step:
    """The step that P-01 has earned: the next load within P-02, else repetitions first (P-03)."""
    if facts.heavier_kg > facts.ceiling_kg + SAME_KG:
        return _big_step(facts)
    numbers = _numbers(facts, sessions=SESSIONS[facts.experience], next=facts.heavier_kg)
    return Step(facts.heavier_kg, "raise", None, (Finding("P-01", "adapt.raise", numbers),))


def _hold(facts: Facts) -> Step:
    """Not earned: say what is still missing."""
    last, top = facts.done[-1], facts.target_reps[1]
    numbers = _numbers(facts, sessions=SESSIONS[facts.experience])
    if facts.stale:
        key = "adapt.hold_stale"
    elif min(last.reps) >= top and any(one is None for one in last.rir):
        key = "adapt.hold_rir_unknown"
    elif succeeded(last, top, _target_rir(facts)):
        key = "adapt.hold_once_more"
    elif min(last.reps) >= top:
        key = "adapt.hold_rir"
    else:
        key = "adapt.hold_reps"
    held = facts.hold(Finding("P-01", key, numbers))
    over_cap = facts.heavier_kg > facts.ceiling_kg + SAME_KG
    return further(facts, held) if over_cap and min(last.reps) > top else held


def further(facts: Facts, held: Step) -> Step:
    """P-03: while the load cannot rise, repetitions can: the range goes on from its top."""
    return held._replace(reps=(facts.target_reps[1], extended_top(facts)))


def refit(facts: Facts) -> Step | None:
    """A lighter load where the range and the RIR ask for less than the e1RM allows (M-05, M-06).

    Both of the last two sessions at this load must say so; one that just failed is P-04's to judge.
    """
    same = _last_at_load(facts)[-FAILED_SESSIONS:]
    if len(same) == 1 and not _summary_only(facts) and missed(same[0], facts.target_reps[0]):
        return None
    if any(_fits(facts, one) for one in same):
        return None
    estimate = same[-1].e1rm_kg or 0.0
    numbers = _numbers(facts, e1rm=round(estimate, 1), low=facts.dose.reps[0])
    kg = max(_fitting_kg(facts, estimate), facts.base_kg * LEAST_REFIT)
    return Step(kg, "refit", None, (Finding("M-05", "adapt.refit", numbers),))


def _fits(facts: Facts, session: Exposure) -> bool:
    """The session's load is right for the bottom of the range, or nobody can tell."""
    if session.e1rm_kg is None or succeeded(session, facts.dose.reps[0], facts.dose.rir):
        return True
    return _fitting_kg(facts, session.e1rm_kg) >= facts.base_kg * REFIT_SHARE


def _fitting_kg(facts: Facts, estimate: float) -> float:
    margin = RIR_MARGIN[facts.experience]
    return estimate * percent_of_1rm(facts.dose.reps[0], facts.dose.rir + margin)


def double(facts: Facts) -> Step:
    """Double progression: repetitions up to the top of the range, then load (P-01)."""
    return _raise_or_reps(facts) if earned(facts) else refit(facts) or _hold(facts)


def linear(facts: Facts) -> Step:
    """One step a success: the same gate, and no refitting downwards between two successes."""
    return _raise_or_reps(facts) if earned(facts) else _hold(facts)


def by_rir(facts: Facts) -> Step:
    """Load follows effort: down when the last sets were harder than planned by one or more, up as earned."""
    if earned(facts):
        return _raise_or_reps(facts)
    last = facts.done[-1]
    logged = [rir for rir in last.rir if rir is not None and rir <= 4]
    mean = sum(logged) / len(logged) if logged else None
    if mean is None or mean > _target_rir(facts) - 1:
        return _hold(facts)
    reps = sum(last.reps) / len(last.reps)
    share = percent_of_1rm(reps, _target_rir(facts)) / percent_of_1rm(reps, mean)
    kg = facts.base_kg * min(share, 1.0)
    numbers = _numbers(facts, mean_rir=round(mean, 1))
    return Step(kg, "refit", None, (Finding("G-02", "adapt.too_hard", numbers),))


def percentage(facts: Facts) -> Step:
    """Load as a share of the e1RM: towards the share of the range's middle, up only as earned."""
    estimates = [one.e1rm_kg for one in facts.exposures if one.e1rm_kg is not None]
    if not estimates:
        return double(facts)
    middle = sum(facts.dose.reps) / 2
    share = percent_of_1rm(middle, facts.dose.rir + RIR_MARGIN[facts.experience])
    kg = estimates[-1] * share
    numbers = _numbers(facts, e1rm=round(estimates[-1], 1), share=round(100 * share, 1))
    if kg > facts.base_kg and earned(facts):
        return _raise_or_reps(facts)
    if kg < facts.base_kg * REFIT_SHARE:
        lowest = max(kg, facts.base_kg * LEAST_REFIT)
        return Step(lowest, "refit", None, (Finding("M-05", "adapt.percentage", numbers),))
    return _hold(facts)


SCHEMES: dict[str, Scheme] = {"double": double, "linear": linear, "rir": by_rir, "percentage": percentage}


# --------------------------------------------------------------------------------------------- stalls


class Stall(NamedTuple):
    """No progress over ``exposures`` sessions, and what to do: ``hold``, ``lower``, ``deload``, ``vary``."""

    exposures: int
    action: str
    finding: Finding


STALL_EXPOSURES = 4
STALL_GAIN = 0.005
"""Less than half a per cent of e1RM is noise (H)."""
VARY_EXPOSURES = 8


def stall(
    facts: Facts, *, weeks_since_deload: int | None = None, exposures: int = STALL_EXPOSURES
) -> Stall | None:
    """Neither load, repetitions nor e1RM better than before over the last ``exposures`` sessions, or None.

    P-04 where the range is missed; a deload from six weeks on (D-01c); another exercise of the pattern
    after twice as long; else patience.
    """
    length = _stalled_for(facts.exposures)
    if length < exposures:
        return None
    if failed(facts):
        action = "lower"
    elif (weeks_since_deload or 0) >= 6 and facts.experience != "novice":
        action = "deload"
    else:
        action = "vary" if length >= VARY_EXPOSURES else "hold"
    rule = {"lower": "P-04", "deload": "D-01"}.get(action, "P-01")
    return Stall(length, action, Finding(rule, f"adapt.stall_{action}", {"sessions": length}))


def _stalled_for(exposures: Sequence[Exposure]) -> int:
    """Sessions since the last one that beat every session before it."""
    best, since = 0.0, 0
    for one in exposures:
        score = _score(one)
        if score is None:
            continue
        if score > best * (1 + STALL_GAIN):
            best, since = score, 0
        else:
            since += 1
    return since


def _score(one: Exposure) -> float | None:
    """The e1RM; where none can be told, the load with the repetitions at it as its fraction."""
    if one.e1rm_kg is not None:
        return one.e1rm_kg
    return one.kg * (1 + sum(one.reps) / len(one.reps) / 30) if one.kg and one.reps else None
