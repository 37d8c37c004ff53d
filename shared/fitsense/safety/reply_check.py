"""What an outgoing text may not say (rules §5, §8, §9), whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fitsense.safety.gate import possible
from fitsense.safety.language import looks_like
from fitsense.safety.rules import LEVELS, load_rules
from fitsense.safety.scan import Hit, Reading, scan
from fitsense.safety.text import read
from fitsense.safety.text_checks import kcal_below
from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.people.conditions import limits_for


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that forbids to send a text; ``key`` names it, ``numbers`` what was found and allowed."""

    rule_id: str
    key: str
    numbers: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Said:
    """A text with what it is held against."""

    text: str
    reading: Reading
    person: Mapping[str, Any]
    language: str
    pain: frozenset[str]
    flags: frozenset[str]


def check_reply(
    text: str,
    person: Mapping[str, Any],
    language: str,
    *,
    pain: Iterable[str] = (),
    flags: Iterable[str] = (),
) -> list[Fault]:
    """All faults of ``text`` for ``person`` (as a Context dict) in ``language`` (en, es, hi, hinglish).

    ``pain`` names painful areas, ``flags`` the red flags that the prompt raised. Empty when it may be sent.
    """
    said = _Said(
        text, _reading(text, language, bool(flags)), person, language, frozenset(pain), frozenset(flags)
    )
    return [fault for check in _CHECKS for fault in check(said)]


_TOGETHER = (
    {"diag_hard", "asserts"}, {"ped", "cycle_word"}, {"ped", "source"}, {"cut_method", "weigh_in"},
    {"through_pain"}, {"secrets"},
)  # fmt: skip
"""What must be named together for a check to find anything."""
_DRUGS = {"ped", "medicine", "painkiller"}
_NOTHING = Reading(read(""), "en", frozenset())
_SOUGHT = frozenset[str]().union(*_TOGETHER, _DRUGS, {"calms"})


def _reading(text: str, language: str, flagged: bool) -> Reading:
    """The text read closely only where a check can find something: most answers name nothing of it."""
    named = possible(text, _SOUGHT, hindi=language in ("hi", "hinglish"))
    dosed = not _DRUGS.isdisjoint(named) and _DOSE.search(text) is not None
    if dosed or (flagged and "calms" in named) or any(one <= named for one in _TOGETHER):
        return scan(text)
    return _NOTHING


def _language(said: _Said) -> Iterator[Fault]:
    if said.language == "hinglish":
        return
    if not looks_like(said.text, said.language):
        yield Fault("X-INJECT", "reply.language", {"allowed": said.language})


def _energy(said: _Said) -> Iterator[Fault]:
    """N-03 and N-04."""
    if "sex" in said.person:
        for kcal, floor in kcal_below(said.text, said.person):
            yield Fault("N-03", "reply.kcal", {"found": kcal, "allowed": floor})


_FOOD_NUMBER = re.compile(r"\d[\d.,]*\s*(?:k?cal\b|kg\b|lb\b|%|कैलोरी|किलो)", re.IGNORECASE)


def _numbers_in_ed(said: _Said) -> Iterator[Fault]:
    """X-ED: no number of food or weight."""
    if "X-ED" in said.flags and _FOOD_NUMBER.search(said.text):
        yield Fault("X-ED", "reply.numbers")


_SETS = re.compile(r"\d+\s*(?:x|\u00d7|sets|series|reps|सेट)\s*\d*", re.IGNORECASE)


def _workout_in_crisis(said: _Said) -> Iterator[Fault]:
    """X-SH: no workout content."""
    if "X-SH" in said.flags and _SETS.search(said.text):
        yield Fault("X-SH", "reply.workout")


def _diagnosis(said: _Said) -> Iterator[Fault]:
    """X-DX: no name of an illness is put on the person."""
    for name in _near(said.reading, "asserts", "diag_hard", 4):
        if not _beside(said.reading, name, "doubt") and not said.reading.text.asks[name.sentence]:
            yield Fault("X-DX", "reply.diagnosis", {"found": _words(said.reading, name)})
            return


_DOSE = re.compile(
    r"\d[\d.,]*\s*(?:mg|mcg|µg|iu|ui|units?|unidades|ml|cc|tablets?|pills?|pastillas?|capsules?)\b(?!\s*/\s*d)",
    re.IGNORECASE,
)


def _dose(said: _Said) -> Iterator[Fault]:
    """X-MED and X-PED: no dose of a medicine or of doping."""
    if not _DOSE.search(said.text):
        return
    for concept, rule in (("ped", "X-PED"), ("medicine", "X-MED"), ("painkiller", "X-MED")):
        for drug in said.reading.hits.get(concept, ()):
            if drug.negated or (
                concept == "medicine" and _words(said.reading, drug) in {"tablet", "tablets", "pill"}
            ):
                continue
            yield Fault(rule, "reply.dose", {"found": _words(said.reading, drug)})
            return


def _protocol(said: _Said) -> Iterator[Fault]:
    """X-PED and N-09: no cycle, source or dehydration is taught."""
    for concept, beside, rule in (
        ("ped", "cycle_word", "X-PED"),
        ("ped", "source", "X-PED"),
        ("cut_method", "weigh_in", "N-09"),
    ):
        for hit in _near(said.reading, concept, beside, 8):
            if not _beside(said.reading, hit, "refuses") and not said.reading.text.asks[hit.sentence]:
                yield Fault(rule, "reply.protocol", {"found": _words(said.reading, hit)})
                return


_GRAVE = frozenset(
    rule.id
    for rule in load_rules()
    if LEVELS.index(rule.level) >= LEVELS.index("urgent")
    and (rule.id[:2] == "X-" or rule.id == "C-PREG-STOP")
)
"""Red flags of a prompt; that a person has a condition is none."""


def _calming(said: _Said) -> Iterator[Fault]:
    """§9: no false comfort where a red flag stands."""
    flags = sorted(said.flags & _GRAVE)
    if not flags:
        return
    for hit in said.reading.hits.get("calms", ()):
        if not hit.negated and not hit.supposed:
            yield Fault(flags[0], "reply.reassurance", {"found": _words(said.reading, hit)})
            return


def _through_pain(said: _Said) -> Iterator[Fault]:
    """C-PAINRULE: nobody is told to train through pain, nor to load what hurts."""
    for hit in said.reading.hits.get("through_pain", ()):
        if not hit.negated and not _beside(said.reading, hit, "refuses"):
            yield Fault("C-PAINRULE", "reply.through_pain")
            return
    if said.pain and said.person.get("conditions") is not None:
        yield from _painful_lift(said)


def _painful_lift(said: _Said) -> Iterator[Fault]:
    """An exercise of the painful pattern with sets to do."""
    limits = limits_for(said.person, said.pain)
    catalog = load_catalog()
    lowered = said.text.casefold()
    for exercise in catalog.by_id.values():
        excluded = exercise.pattern in limits.patterns or not exercise.contra_tags.isdisjoint(limits.tags)
        name = catalog.name(exercise.id, "en" if said.language == "hinglish" else said.language).casefold()
        if excluded and name in lowered and _SETS.search(lowered[lowered.index(name) :][: len(name) + 40]):
            yield Fault("C-PAINRULE", "reply.painful_lift", {"found": exercise.id})
            return


_KEY = re.compile(r"\b(?:sk|pk|key|AKIA)[-_]?[A-Za-z0-9]{12,}\b|\bu\d{8}\b")
_ADDRESS = re.compile(r"[\w+-]@[\w-]+\.[a-z]{2,}")


def _secrets(said: _Said) -> Iterator[Fault]:
    """X-PRIV: no prompt, key, account or address."""
    shown = _KEY.search(said.text) or _ADDRESS.search(said.text)
    if shown or any(not hit.negated for hit in said.reading.hits.get("secrets", ())):
        yield Fault("X-PRIV", "reply.secret")


_CHECKS: tuple[Callable[[_Said], Iterator[Fault]], ...] = (
    _language, _energy, _numbers_in_ed, _workout_in_crisis, _diagnosis, _dose, _protocol, _calming,
    _through_pain, _secrets,
)  # fmt: skip


def _near(reading: Reading, first: str, second: str, words: int) -> Iterator[Hit]:
    """Hits of ``second`` close behind or before one of ``first``, in its sentence."""
    for hit in reading.hits.get(second, ()):
        for other in reading.hits.get(first, ()):
            if other.sentence == hit.sentence and abs(other.start - hit.start) <= words:
                yield hit
                break


def _beside(reading: Reading, hit: Hit, concept: str) -> bool:
    return any(one.sentence == hit.sentence for one in reading.hits.get(concept, ()))


def _words(reading: Reading, hit: Hit) -> str:
    return " ".join(reading.text.words[hit.start : hit.end])
