"""Reasons for caution that are no red flag: conditions, pain, illness, short nights, breaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fitsense.safety import numbers
from fitsense.safety.notes import illness_of, quality_of
from fitsense.safety.people import CONDITIONS, RULE_OF
from fitsense.safety.rules import Level, Match
from fitsense.safety.scan import Hit, Reading
from fitsense.safety.words import words

_HOLDS_PLAN = frozenset({"c_pregnant", "c_cardiac", "c_hernia", "c_surgery"})
"""No plan before a clinician has cleared it (C-PREG, C-CARD, C-HERN, C-SURG)."""
_NO_DEFICIT = frozenset({"c_pregnant", "c_ed", "ed_history", "c_postpartum"})
SEVERE_PAIN = 5


def care(reading: Reading, person: Mapping[str, Any], known: frozenset[str]) -> Iterator[Match]:
    """Cautions for a prompt read as ``reading`` of a person with the condition concepts ``known``."""
    yield from _conditions(reading, known, person)
    yield from _pain(reading)
    yield from _illness(reading)
    if reading.has("short_sleep"):
        yield Match("S-02", "conservative_answer", "none", 0, "a short night")
    if reading.has("time_off") and reading.has("plan_request"):
        yield Match("P-06", "conservative_answer", "none", 0, "back after a break")
    if reading.has("careful") and not reading.has("mood_low"):
        yield Match("Q-01", "conservative_answer", "none", 0, "asks for caution")
    if reading.has("dizzy"):
        yield Match("Q-01", "conservative_answer", "advise_clearance", 0, "dizziness")
    if reading.has("mood_low"):
        yield Match("O-01", "conservative_answer", "advise_clearance", 0, "low mood")


def _conditions(reading: Reading, known: frozenset[str], person: Mapping[str, Any]) -> Iterator[Match]:
    told = {one for one in CONDITIONS if _told(reading, one)}
    every = ((told | known) - {"c_clearance", "ed_history"}) & RULE_OF.keys()
    cleared = "c_clearance" in known or reading.has("c_clearance")
    for one in sorted(every):
        wants = reading.has("plan_ask") or (one in told and reading.has("plan_request", "exercise"))
        if one in _HOLDS_PLAN and wants and not cleared and reading.has("request", "plan_ask", "asks"):
            yield Match(RULE_OF[one], "escalate", "advise_clearance", 0, f"{one} without clearance")
        else:
            level: Level = "advise_clearance" if one in told and one not in _MILD else "none"
            yield Match(RULE_OF[one], "conservative_answer", level, 0, one)
    if every & _NO_DEFICIT and (reading.has("lose_weight") or person.get("goal") == "fat_loss"):
        yield Match("N-08", "conservative_answer", "advise_clearance" if told else "none", 0, "weight loss")
    age = person.get("age")
    if isinstance(age, int | float) and age >= OLDER_AGE:
        yield Match("C-65", "conservative_answer", "none", 0, "age")


OLDER_AGE = 65
_MILD = frozenset({"c_asthma", "c_obesity", "c_htn", "c_dm2", "pain_condition", "c_ost"})


def _told(reading: Reading, concept: str) -> bool:
    """Told of the writer's own body, here and now or as something that stays."""
    return any(
        not (
            hit.negated
            or hit.general
            or hit.supposed
            or (hit.past and concept in _PASSES)
            or _of_family(reading, hit)
        )
        for hit in reading.hits.get(concept, ())
    )


def _of_family(reading: Reading, told: Hit) -> bool:
    """``My mum had a stroke``: somebody is named earlier in the clause."""
    clause = reading.text.clause
    return any(
        hit.start < told.start and clause[hit.start] == clause[told.start]
        for hit in reading.hits.get("named_person", ())
    )


_PASSES = frozenset({"c_surgery", "c_pregnant", "c_postpartum", "c_hernia"})
"""Conditions that are over after years."""


_JOINTS = ("knee", "shoulder", "low_back", "wrist", "elbow", "hip", "ankle", "neck")
_AREAS = tuple(sorted(words("care.areas")))


def _pain(reading: Reading) -> Iterator[Match]:
    """C-PAINRULE: pain, or what should hold a person back without pain, in a named area."""
    pains = [hit for hit in reading.live("pain") if _located(reading, hit, 9)]
    pains += [hit for hit in reading.live("sore") if _located(reading, hit, 3, _JOINTS)]
    worrying = [hit for hit in reading.live("locking", "swell", "numb", "pinch") if _located(reading, hit, 6)]
    if reading.has("grip_word"):
        worrying = [hit for hit in worrying if hit.concept != "locking"]
    if not pains and not worrying:
        return
    scores = [score for _, score in numbers.pain_scores(reading.text)]
    bad = bool(worrying) or max(scores, default=0) > SEVERE_PAIN
    bad = bad or any(quality_of(reading, pain) for pain in pains)
    yield Match("C-PAINRULE", "conservative_answer", "advise_clearance" if bad else "none", 0, "pain")


def _located(reading: Reading, sign: Hit, words: int, areas: tuple[str, ...] = _AREAS) -> bool:
    return any(
        abs(hit.start - sign.start) <= words and abs(hit.sentence - sign.sentence) <= 1
        for area in areas
        for hit in reading.hits.get(area, ())
        if (hit.start, hit.end) != (sign.start, sign.end)
    )


def _illness(reading: Reading) -> Iterator[Match]:
    if illness_of(reading):
        yield Match("O-02", "conservative_answer", "none", 0, illness_of(reading))
