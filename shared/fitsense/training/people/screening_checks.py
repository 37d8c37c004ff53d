"""The single checks of the screening (rules §7 and §8), each a pure function of the subject."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fitsense.training.findings import Finding
from fitsense.training.people.conditions import (
    Bound,
    bmi,
    gestation_of,
    is_active,
    postpartum_of,
    walking_only,
)
from fitsense.training.people.measures import glucose_of, pressure_of
from fitsense.training.people.screening_parts import Level, Part, Subject, ask

ADULT_AGE, ACCOUNT_AGE = 18, 13
"""X-MIN."""
STOP_SYSTOLIC, STOP_DIASTOLIC, CRISIS_DIASTOLIC = 180, 110, 120
"""C-HTN: no session from 180/110 on, an emergency from 180/120 on with symptoms."""
HIGH_SYSTOLIC, HIGH_DIASTOLIC = 140, 90
HYPO, LOW_GLUCOSE, HIGH_GLUCOSE, STOP_GLUCOSE = 70, 90, 250, 350
"""C-DM1 and X-HYPO, mg/dL before exercise."""
SEVERE_PAIN = 5
"""C-PAINRULE: above it stop, and see a clinician."""
UNDERWEIGHT, UNDERWEIGHT_ED = 18.5, 20.0
"""N-08: BMI, kg/m²; the second after an eating disorder."""
CHECK_WEEKS = 12
LONGEST_ECHO = 60
"""Characters of the person's own words that are said back."""
_ED = frozenset({"ed_history", "ed_current"})
_EXPECTING = frozenset({"pregnant", "pregnancy_complicated", "gestational_diabetes"})
_AFTER_BIRTH = frozenset({"postpartum", "c_section"})


def age(subject: Subject) -> Iterator[Part]:
    """X-MIN: the product is for adults; below 13 there is no account either. No clearance lifts an age."""
    years = subject.person["age"]
    if years < ADULT_AGE:
        key = "screening.child" if years < ACCOUNT_AGE else "screening.minor"
        yield Part(plan=False, session=False, findings=(Finding("X-MIN", key, {"age": years}),))


def conditions(subject: Subject) -> Iterator[Part]:
    """C-* and Q-01: what needs clearance, what is easy until then, what nobody recognised."""
    for bound in dict.fromkeys(subject.limits.bounds):
        yield _condition(subject, bound)
    for text in subject.limits.unknown:
        unknown = Finding("Q-01", "screening.unknown", {"condition": text.strip()[:LONGEST_ECHO]})
        yield Part("advise_clearance", findings=(unknown,), questions=(ask("condition", "Q-01"),))


def _condition(subject: Subject, bound: Bound) -> Part:
    held = bound.never or (bound.needs_clearance and not subject.cleared)
    open_ = not subject.cleared or bound.never
    level: Level = bound.level if open_ else "none"
    easy = not subject.cleared and bound.uncleared_rir > 0
    findings = [Finding(bound.rule, f"screening.{'held' if held else 'bound'}.{bound.rule}")]
    if easy and not held:
        findings.append(Finding("Q-01", "screening.easy_until_cleared"))
    if bound.supervised and not held:
        findings.append(Finding(bound.rule, "screening.supervised"))
    if bound.ask_protein:
        findings.append(Finding("N-07", "screening.protein"))
    return Part(
        level,
        plan=not held,
        session=False if held else "easy_only" if easy else True,
        findings=tuple(findings),
        questions=(
            *(ask(name, bound.rule) for name in bound.asks),
            *([ask("clearance", bound.rule)] if held and not bound.never else ()),
        ),
    )


def activity(subject: Subject) -> Iterator[Part]:
    """Q-02: a known metabolic or renal disease in who is not active: clearance before more than walking."""
    if subject.cleared:
        return
    active = is_active(subject.person)
    for bound in subject.limits.bounds:
        questions = (ask("active", "Q-02"),) if bound.inactive_clearance and active is None else ()
        if walking_only(bound, active):
            held = Finding("Q-02", "screening.inactive")
            yield Part("advise_clearance", plan=False, session=False, findings=(held,), questions=questions)
        elif questions:
            yield Part(questions=questions)


def pregnancy(subject: Subject) -> Iterator[Part]:
    """C-PREG: what is unknown counts as the strictest, and is asked."""
    if _EXPECTING.isdisjoint(subject.limits.codes):
        return
    if gestation_of(subject.person, subject.limits.read) is None:
        late = Finding("C-PREG", "screening.gestation_unknown")
        yield Part(findings=(late,), questions=(ask("gestation", "C-PREG"),))


def birth(subject: Subject) -> Iterator[Part]:
    """C-PP: first weeks, the check, a section's wound, impact."""
    weeks = postpartum_of(subject.person, subject.limits.read)
    after = weeks is not None or not _AFTER_BIRTH.isdisjoint(subject.limits.codes)
    if not after:
        return
    if weeks is None:
        yield Part(
            findings=(Finding("C-PP", "screening.postpartum_unknown"),),
            questions=(ask("postpartum", "C-PP"),),
        )
    elif weeks < CHECK_WEEKS:
        yield Part(findings=(Finding("C-PP", "screening.postpartum_early", {"weeks": round(weeks)}),))
    if subject.person.get("c_section") or "c_section" in subject.limits.codes:
        wound, questions = Finding("C-PP", "screening.c_section"), (ask("wound", "C-PP"),)
        yield Part("none" if subject.cleared else "advise_clearance", findings=(wound,), questions=questions)
    if subject.person.get("pelvic_symptoms") is None:
        yield Part(questions=(ask("pelvic", "C-PP"),))
    if subject.person.get("breastfeeding") is None:
        yield Part(questions=(ask("breastfeeding", "C-PP"),))


def pressure(subject: Subject) -> Iterator[Part]:
    """C-HTN: readings at rest. A reading out of bounds stops whoever is cleared, too."""
    reading = pressure_of(subject.person.get("bp"))
    if reading is None:
        return
    high, low = reading
    numbers = {"systolic": round(high), "diastolic": round(low)}
    if (high >= STOP_SYSTOLIC or low >= CRISIS_DIASTOLIC) and subject.symptoms:
        emergency = Finding("C-HTN", "screening.pressure_emergency", numbers)
        yield Part("emergency", plan=False, session=False, findings=(emergency,))
    elif high >= STOP_SYSTOLIC or low >= STOP_DIASTOLIC:
        stop = Finding("C-HTN", "screening.pressure_stop", numbers)
        yield Part(
            "urgent",
            plan=False,
            session=False,
            findings=(stop,),
            questions=(ask("pressure_symptoms", "C-HTN"),),
        )
    elif high >= HIGH_SYSTOLIC or low >= HIGH_DIASTOLIC:
        yield Part(findings=(Finding("C-HTN", "screening.pressure_high", numbers),))


def glucose(subject: Subject) -> Iterator[Part]:
    """C-DM1 and X-HYPO: the reading before today's session. Never a word on insulin doses."""
    if subject.person.get("ketones") in ("moderate", "large") or "ketones" in subject.signs:
        ketones = Finding("C-DM1", "screening.ketones")
        yield Part("urgent", session=False, findings=(ketones,))
    value = glucose_of(subject.person.get("glucose_mgdl"))
    if value is None:
        return
    numbers = {"glucose": round(value)}
    if value < HYPO:
        level: Level = "emergency" if "confused" in subject.signs else "urgent"
        hypo = Finding("X-HYPO", "screening.glucose_hypo", numbers)
        yield Part(level, plan=False, session=False, findings=(hypo,))
    elif value < LOW_GLUCOSE:
        yield Part(findings=(Finding("C-DM1", "screening.glucose_low", numbers),))
    elif value >= STOP_GLUCOSE:
        stop = Finding("C-DM1", "screening.glucose_stop", numbers)
        yield Part("urgent", session=False, findings=(stop,))
    elif value >= HIGH_GLUCOSE:
        yield Part(session="easy_only", findings=(Finding("C-DM1", "screening.glucose_high", numbers),))


def weight(subject: Subject) -> Iterator[Part]:
    """N-08 and X-ED: losing weight where it is not safe becomes another goal; nobody is told numbers."""
    if subject.person["age"] < ADULT_AGE or not _wants_loss(subject):
        return
    reason = _no_loss(subject)
    if not reason:
        return
    findings = [Finding("N-08", f"screening.goal.{reason}"), Finding("N-08", "screening.goal_changed")]
    if reason in ("underweight", "eating", "target"):
        findings.append(Finding("X-ED", "screening.X-ED"))
    yield Part("advise_clearance", findings=tuple(findings), goal="general_fitness")


def _wants_loss(subject: Subject) -> bool:
    target = subject.person.get("target_weight_kg")
    lighter = target is not None and target < subject.person["weight_kg"] - 0.5
    return subject.person["goal"] == "fat_loss" or (lighter and _target_too_low(subject))


def _no_loss(subject: Subject) -> str:
    """Why no deficit is allowed, as the sentence's name; nothing where it is."""
    codes, mass = set(subject.limits.codes), bmi(subject.person)
    weeks = postpartum_of(subject.person, subject.limits.read)
    eating = bool(_ED & codes) or "X-ED" in subject.rules or "eating_disorder" in subject.signs
    reasons = {
        "eating": eating,
        "underweight": mass < (UNDERWEIGHT_ED if eating else UNDERWEIGHT),
        "pregnant": bool(_EXPECTING & codes) or (subject.person.get("gestation_weeks") or 0) > 0,
        "postpartum": (weeks is not None and weeks < 6) or (weeks is None and bool(_AFTER_BIRTH & codes)),
        "low_energy": "low_energy" in codes or "N-05" in subject.rules,
        "target": _target_too_low(subject),
        "healing": subject.limits.no_deficit,
    }
    return next((name for name, holds in reasons.items() if holds), "")


def _target_too_low(subject: Subject) -> bool:
    target = subject.person.get("target_weight_kg")
    if target is None:
        return False
    return bmi({**subject.person, "weight_kg": target}) < UNDERWEIGHT


def pain(subject: Subject) -> Iterator[Part]:
    """C-PAINRULE: above 5 of 10 stop, and see a clinician; the painful pattern is left out anyway."""
    for area, severity in sorted(subject.pain.items()):
        numbers: dict[str, float | int | str] = {"area": area, "severity": severity}
        if severity > SEVERE_PAIN:
            finding = Finding("C-PAINRULE", "screening.pain_severe", numbers)
            yield Part("advise_clearance", findings=(finding,))
        else:
            finding = Finding("C-PAINRULE", "screening.pain", numbers)
            yield Part(findings=(finding,), questions=(ask("pain_now", "C-PAINRULE"),))


def illness(subject: Subject) -> Iterator[Part]:
    """O-02: rest until 24 hours without fever; with a cold above the neck an easy session."""
    if subject.illness in ("fever", "below_neck"):
        yield Part(session=False, findings=(Finding("O-02", "screening.fever"),))
    elif subject.illness:
        yield Part(session="easy_only", findings=(Finding("O-02", "screening.cold"),))


PARQ = ("heart", "chest_pain", "fainting", "chronic", "medication", "joints", "supervised_only")
"""Q-01: the seven questions, in order."""


def parq(subject: Subject) -> Iterator[Part]:
    """Q-01 and Q-02: symptoms stop and need clearance always; any other yes: light effort until cleared."""
    answers = subject.person.get("parq") or {}
    said = [name for name in PARQ if answers.get(name)]
    if "chest_pain" in said:
        yield Part(
            "emergency", plan=False, session=False, findings=(Finding("X-CARD", "screening.held.X-CARD"),)
        )
    elif said and not subject.cleared:
        stops = bool({"heart", "fainting", "supervised_only"} & set(said))
        yield Part(
            "advise_clearance",
            plan=not stops,
            session=False if stops else "easy_only",
            findings=(Finding("Q-01", "screening.parq", {"yes": len(said)}),),
            questions=(ask("clearance", "Q-01"),),
        )


CHECKS: tuple[Callable[[Subject], Iterable[Part]], ...] = (
    age, pressure, glucose, parq, conditions, activity, pregnancy, birth, weight, pain, illness,
)  # fmt: skip
