"""The gate before any plan: who may train, how soon somebody must be seen, what is asked (rules §7 to §9).

PAR-Q+-like (Q-01, Q-02), ages (X-MIN), pregnancy and birth (C-PREG, C-PP), conditions, readings of today,
weight and energy (N-08, X-ED), and red flags that notes carry. The strictest answer wins. A clinician's
clearance lifts what needs clearance: never a red flag, a reading out of bounds, or an age.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fitsense.training.findings import Finding, sentences
from fitsense.training.people.conditions import Limits, limits_for
from fitsense.training.people.screening_checks import CHECKS
from fitsense.training.people.screening_parts import LEVELS, Level, Part, Session, Subject, strictest_session

_FLAG_LEVELS: dict[str, Level] = {"care": "advise_clearance", "decline": "none"}
"""Answers of ``escalation.RED_FLAGS`` that are no level of their own."""
_SIGNS_OF_PRESSURE = frozenset({"headache", "vision", "dizzy", "breathless", "confused", "numb", "nosebleed"})


class HasNotes(Protocol):
    """What screening reads of ``fitsense.safety.notes.Notes``."""

    @property
    def pain(self) -> Mapping[str, float]: ...
    @property
    def illness(self) -> str: ...
    @property
    def flags(self) -> Sequence[tuple[str, str]]: ...
    @property
    def signs(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Screening:
    """What a person may do now. ``session`` is today's; ``goal`` is the one that a plan may follow."""

    level: Level
    plan_allowed: bool
    session: Session
    findings: tuple[Finding, ...]
    questions: tuple[Finding, ...]
    goal: str
    codes: tuple[str, ...]
    """Conditions by code, free text read."""
    limits: Limits


def screen(person: Mapping[str, Any], notes: HasNotes | None = None, pain: Iterable[str] = ()) -> Screening:
    """Screen a Profile or Context as a dict.

    Beside their keys, where given: bp, glucose_mgdl (also mmol/L), ketones, breastfeeding, c_section,
    postpartum_check, pelvic_symptoms, surgery_weeks, currently_active, parq {question: True}.
    ``notes`` is what free text of the log says. Raises KeyError for a painful area that nobody knows.
    """
    areas = {*pain, *(notes.pain if notes else ())}
    limits = limits_for(person, areas)
    subject = _subject(person, notes, limits)
    parts = [part for check in CHECKS for part in check(subject)]
    parts += [_flag(rule, level) for rule, level in (notes.flags if notes else ())]
    return _screening(person, limits, sorted(parts, key=lambda part: -LEVELS.index(part.level)))


def _subject(person: Mapping[str, Any], notes: HasNotes | None, limits: Limits) -> Subject:
    pain = dict(notes.pain) if notes else {}
    if person.get("pain", 0) > 0 and person.get("pain_area"):
        pain.setdefault(person["pain_area"], person["pain"])
    signs = notes.signs if notes else frozenset[str]()
    flags = notes.flags if notes else ()
    return Subject(
        person=person,
        limits=limits,
        cleared=bool(person["medical_clearance"]),
        pain=pain,
        illness=notes.illness if notes else "",
        signs=signs,
        rules=frozenset(rule for rule, _ in flags),
        symptoms=bool(person.get("symptoms"))
        or not signs.isdisjoint(_SIGNS_OF_PRESSURE)
        or any(level in ("urgent", "emergency") for _, level in flags),
    )


_NO_PLAN = frozenset({"crisis", "emergency", "urgent"})
_ALONE = frozenset({"crisis", "emergency"})
"""What is said with nothing beside it."""


def _flag(rule: str, level: str) -> Part:
    """A red flag out of the notes: from "same day" on there is no plan, whoever cleared it."""
    level = _FLAG_LEVELS.get(level, level)
    known: Level = next((one for one in LEVELS if one == level), "advise_clearance")
    if rule == "X-MIN":
        return Part("none", plan=False, session=False, findings=(Finding(rule, "screening.minor_said"),))
    stops = known in _NO_PLAN
    return Part(known, plan=not stops, session=not stops, findings=(Finding(rule, _flag_key(rule, known)),))


def _flag_key(rule: str, level: Level) -> str:
    """The rule's own sentence, or that of the level."""
    if rule == "X-ED" and level not in _NO_PLAN:
        return "screening.X-ED"
    own = f"screening.flag.{rule}"
    if level != "crisis" and own in sentences():
        return own
    return f"screening.flag_{level}" if level in _NO_PLAN else "screening.flag_care"


def _screening(person: Mapping[str, Any], limits: Limits, parts: Sequence[Part]) -> Screening:
    goals = [part.goal for part in parts if part.goal]
    plan = all(part.plan for part in parts)
    told = parts if plan else _stopping(parts)
    return Screening(
        level=max((part.level for part in parts), key=LEVELS.index, default="none"),
        plan_allowed=plan,
        session=strictest_session(part.session for part in parts) if plan else False,
        findings=_once(one for part in told for one in part.findings),
        questions=_once(one for part in told for one in part.questions),
        goal=goals[0] if goals else person["goal"],
        codes=limits.codes,
        limits=limits,
    )


_PLAN_TALK = ("screening.bound.", "screening.easy", "screening.supervised", "screening.goal_changed")


def _stopping(parts: Sequence[Part]) -> list[Part]:
    """What is said where there is no plan: the gravest alone from an emergency on, to a minor only that.

    Nobody in a crisis is told about training, and nobody without a plan what is in it.
    """
    grave = [part for part in parts if part.level in _ALONE and part.level == parts[0].level]
    minor = [part for part in parts if any(one.rule_id == "X-MIN" for one in part.findings)]
    if grave or minor:
        flags = [part for part in parts if part.level in _NO_PLAN]
        return [part._replace(questions=()) for part in (grave or [*flags, *minor])]
    return [part._replace(findings=_stops(part)) for part in parts]


def _stops(part: Part) -> tuple[Finding, ...]:
    """What of a check's findings says why there is no plan, or that somebody must be seen."""
    if part.plan and part.level == "none" and part.session is True:
        return ()
    return tuple(one for one in part.findings if not one.key.startswith(_PLAN_TALK))


def _once(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each sentence once, in order."""
    return tuple({(one.key, str(one.numbers)): one for one in found}.values())
