"""A case answered whole: screening, plan, verdict, and the reasons, as ``fitsense plan`` prints them.

Nothing unverified leaves this module: a plan that breaks a rule is repaired, and what cannot be
repaired is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fitsense.safety.notes import Notes, read_notes
from fitsense.training.case import Case
from fitsense.training.findings import Finding
from fitsense.training.history.readiness import Readiness, readiness
from fitsense.training.intake import normalised, notes_of, request_of_case
from fitsense.training.nutrition.aerobic import Aerobic, aerobic
from fitsense.training.nutrition.targets import Nutrition, nutrition
from fitsense.training.people.screening import Screening, screen
from fitsense.training.reasons import findings_of
from fitsense.training.repair import repair
from fitsense.training.request import Request
from fitsense.training.verify import session_minutes, verify_request
from fitsense.training.week.expand import expand_days
from fitsense.training.week.plan import Draft, build_plan
from fitsense.training.week.split import day_offsets
from fitsense.training.week.templates import case_days, template_name, templates_for
from fitsense.training.week.today import all_tired, easier, today_of
from fitsense.training.week.volume import hard_sets

LEVELS = ("none", "advise_clearance", "urgent", "emergency", "crisis")
"""§9's scale; self-harm goes before everything."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was found out before anything was planned."""

    case: Case
    notes: Notes
    request: Request
    screening: Screening
    ready: Readiness
    food: Nutrition
    cardio: Aerobic
    strange: tuple[Finding, ...]
    tired: bool = False
    """Hardly anything of today's session has had its 48 hours (F-02)."""

    @property
    def language(self) -> str:
        return self.case.profile.language

    @property
    def units(self) -> str:
        return self.case.profile.units

    @property
    def level(self) -> str:
        return max(self.screening.level, self.ready.level, self.food.level, key=LEVELS.index)

    @property
    def session(self) -> bool | str:
        """The strictest of what screening and readiness allow today."""
        allowed = (self.screening.session, self.ready.session, "easy_only" if self.tired else True)
        return False if False in allowed else "easy_only" if "easy_only" in allowed else True


def plan_case(case: Case) -> dict[str, Any]:
    """The answer to a Case: plan, energy, aerobic minutes, reasons, statements and questions."""
    seen = _look(case)
    if not seen.screening.plan_allowed or (seen.request.today and seen.session is False):
        return _answer(seen, None)
    try:
        draft = build_plan(seen.request, days=case_days(seen.request, seen.case.profile.template))
    except ValueError:
        return _answer(seen, None, [Finding("E-01", "plan.nothing_left", {})])
    if seen.request.today:
        seen = _rested(seen, draft)
    asked, offsets = _asked(seen, draft)
    plan, notes = _verified(seen.request, asked)
    notes += _about_template(seen)
    if plan is None:
        return _answer(seen, None, notes)
    minutes = tuple(session_minutes(day) for day in plan["days"])
    return _answer(seen, replace(draft, plan=plan, minutes=minutes), notes, offsets)


def _about_template(seen: _Seen) -> list[Finding]:
    """What became of the programme that was asked for by name."""
    wanted = seen.case.profile.template
    if wanted is None:
        return []
    if case_days(seen.request, wanted) is None:
        offered = [template_name(one, seen.language) for one in templates_for(seen.request)]
        return [Finding("F-01", "plan.template_unfit", {"names": "; ".join(offered)})]
    return [Finding("F-01", "plan.template", {"name": template_name(wanted, seen.language)})]


def _look(case: Case) -> _Seen:
    case, strange = normalised(case)
    person = case.profile.model_dump()
    notes = read_notes(notes_of(case.history), person)
    request = request_of_case(case, notes)
    screening = screen(request.context, notes)
    food = nutrition(
        request.context,
        screening.limits,
        weights_kg=case.history.weight_7d_means,
        kcal=case.history.kcal_7d_mean,
        training_weeks=case.history.training_weeks,
        signs=notes.signs,
        silent=_no_numbers(notes),
    )
    goal = screening.goal if screening.goal != request.context["goal"] else food.goal
    request = replace(request, context={**request.context, "goal": goal})
    ready = readiness(request)
    cardio = aerobic(
        request.context,
        last_week=case.history.aerobic_min,
        hiit=ready.hiit,
        extra=not _no_numbers(notes),
    )
    strange += request.log.findings if request.log else ()
    return _Seen(case, notes, request, screening, ready, food, cardio, strange)


def _no_numbers(notes: Notes) -> bool:
    """X-ED: neither energy nor weight, and no cardio on top."""
    return any(rule == "X-ED" for rule, _ in notes.flags)


def _rested(seen: _Seen, draft: Draft) -> _Seen:
    """F-02: where no day of the week is rested, today is easy."""
    day = today_of(seen.request, draft.plan["days"])
    return replace(seen, tired=all_tired(seen.request, day))


def _asked(seen: _Seen, draft: Draft) -> tuple[dict[str, Any], tuple[int, ...]]:
    """The week, or today's session of it; a session that may only be easy is made easy."""
    plan, offsets = draft.plan, day_offsets(len(draft.plan["days"]))
    if not seen.request.today:
        return plan, offsets
    day = today_of(seen.request, plan["days"])
    return {**plan, "days": [easier(day, seen.request) if seen.session == "easy_only" else day]}, (0,)


def _verified(request: Request, plan: dict[str, Any]) -> tuple[dict[str, Any] | None, list[Finding]]:
    """The plan as it may be shown, with what was repaired; None where no repair exists."""
    if not verify_request(request, plan):
        return plan, []
    repaired = repair(request, plan)
    if repaired.plan is None or verify_request(request, repaired.plan):
        return None, [Finding("E-01", "plan.no_safe_plan", {})]
    return dict(repaired.plan), [Finding("E-01", "plan.repaired", {"edits": len(repaired.edits)})]


# ------------------------------------------------------------------------------------------------ the answer


def _answer(
    seen: _Seen, draft: Draft | None, notes: Iterable[Finding] = (), offsets: tuple[int, ...] = ()
) -> dict[str, Any]:
    days = draft.plan["days"] if draft else []
    findings = _findings(seen, draft, notes)
    maxima = _e1rm(seen)
    return {
        "plan_allowed": draft is not None or (seen.screening.plan_allowed and seen.request.today),
        "today_session_allowed": seen.session if seen.screening.plan_allowed else seen.screening.session,
        "escalate": seen.level,
        "goal": seen.request.context["goal"],
        "days": expand_days(days, offsets, {**seen.request.context, "language": seen.language}, maxima),
        "weekly_sets": {muscle: round(sets, 2) for muscle, sets in hard_sets(days).items()},
        "deload": {
            "active": bool(draft and draft.plan["deload"]),
            "suggested": bool(seen.ready.deload_suggested),
        },
        **_amounts(seen, draft),
        "e1rm_kg": maxima,
        "changes": [_change(change, seen) for change in draft.changes] if draft else [],
        "reasons": [finding.as_dict(seen.language, seen.units) for finding in findings],
        "statements": list(dict.fromkeys(one.told(seen.language, seen.units) for one in _told(seen, notes))),
        "questions": [one.text(seen.language) for one in seen.screening.questions],
    }


def _amounts(seen: _Seen, draft: Draft | None) -> dict[str, Any]:
    """Energy and aerobic minutes belong to a plan: without one they are a clinician's to say."""
    if draft is None:
        return {"kcal": None, "weight_rate_pct_wk": None, "aerobic_min": 0}
    food = seen.food
    return {
        "kcal": dict(food.kcal) if food.kcal else None,
        "weight_rate_pct_wk": list(food.rate_pct) if food.rate_pct else None,
        "aerobic_min": seen.cardio.minutes,
    }


def _findings(seen: _Seen, draft: Draft | None, notes: Iterable[Finding]) -> list[Finding]:
    """Every reason once: red flags first, then what binds the plan, then what is around it."""
    found = list(seen.screening.findings)
    if draft is not None:
        found += [*_today(seen), *seen.ready.findings, *findings_of(seen.request, draft)]
        found += [*seen.food.findings, *seen.cardio.findings]
    elif seen.screening.plan_allowed:
        found += seen.ready.findings
    found += notes
    if seen.screening.plan_allowed:
        found += seen.strange
    said = {one.rule_id for one in found if one.key != "plan.condition"}
    found = [one for one in found if one.key != "plan.condition" or one.rule_id not in said]
    return list({(one.rule_id, one.key, str(one.numbers)): one for one in found}.values())


def _today(seen: _Seen) -> list[Finding]:
    """What today's session is held back by, beside readiness."""
    if not seen.request.today or seen.session != "easy_only":
        return []
    if seen.tired:
        return [Finding("F-02", "plan.tired_today", {"hours": 48})]
    of_screening = seen.screening.session == "easy_only"
    rules = [one.rule_id for one in seen.screening.findings] if of_screening else [*seen.ready.rules]
    return [Finding(next(iter(rules), "S-03"), "plan.easy_today")]


def _told(seen: _Seen, notes: Iterable[Finding]) -> list[Finding]:
    """What the person must be told, beside the plan."""
    injected = [Finding("X-INJECT", "plan.notes_are_data", {})] if seen.notes.injection else []
    if not seen.screening.plan_allowed:
        # No plan, no talk about one: what to stop, whom to see, what is still safe (§9).
        return [*seen.screening.findings, *injected]
    return [
        *seen.screening.findings,
        *_today(seen),
        *seen.ready.findings,
        *notes,
        *seen.food.findings,
        *injected,
        *seen.strange,
    ]


def _e1rm(seen: _Seen) -> dict[str, float]:
    """M-05: the last estimate of each lift that has one."""
    lifts = seen.request.log.lifts if seen.request.log else {}
    latest = {
        one: next((done.e1rm_kg for done in reversed(sessions) if done.e1rm_kg), None)
        for one, sessions in lifts.items()
    }
    return {one: round(kg, 1) for one, kg in latest.items() if kg is not None}


def _change(change: Any, seen: _Seen) -> Mapping[str, Any]:
    """A load's move: what it was, what it is, and the reason."""
    reason = change.findings[0].as_dict(seen.language, seen.units) if change.findings else {}
    return {
        "exercise_id": change.exercise_id,
        "from_kg": change.old_kg,
        "to_kg": change.new_kg,
        **reason,
    }
