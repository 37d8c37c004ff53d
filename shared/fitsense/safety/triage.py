"""What a prompt calls for, before anything else looks at it (rules §5, §7, §8, §9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fitsense.safety import numbers
from fitsense.safety.ages import ADULT_AGE
from fitsense.safety.care import care
from fitsense.safety.inject import injected as injections
from fitsense.safety.inject import without_injection
from fitsense.safety.opinion import second_opinion
from fitsense.safety.people import concepts_of, texts_in
from fitsense.safety.replies import reply_for, spoken
from fitsense.safety.rules import LEVELS, Action, Level, Match, load_rules, matches
from fitsense.safety.scan import Reading, scan_words
from fitsense.safety.text import read
from fitsense.safety.words import words

SIGN_RULES = words("triage.sign_rules")
"""Red flags: they count wherever they stand, in notes and in injected text too."""


@dataclass(frozen=True, slots=True)
class Triage:
    """``reply`` is told in place of an answer, or (conservative) beside it; ``lang`` is its language."""

    action: Action
    level: Level
    rule_ids: tuple[str, ...]
    reply: str | None
    lang: str


def triage(prompt: str, context: Mapping[str, Any] | None = None, lang: str | None = None) -> Triage:
    """Judge ``prompt`` of a person with ``context`` {age, sex, goal, conditions[], equipment[], recent{}, …}.

    ``lang`` (en, es, hi, hinglish) overrides the language that the reply would be in. Nothing is raised for
    odd values: what cannot be read is left out.
    """
    person = context or {}
    known = concepts_of(person)
    whole, rest, found = _judged(prompt, person, known)
    if rest is not None:
        found += _asked_again(rest, known, *_gravest(found))
    action, level = _gravest(found)
    rules = _ordered(found, action)
    tongue = lang or spoken(whole)
    reply = reply_for(action, level, rules, tongue, rest or whole)
    return Triage(action, level, rules, reply, tongue)


def by_rules(prompt: str, person: Mapping[str, Any]) -> tuple[Action, Level, tuple[str, ...]]:
    """What the rules alone come to: action, level, and their ids."""
    _, _, found = _judged(prompt, person, concepts_of(person))
    action, level = _gravest(found)
    return action, level, _ordered(found, action)


def _judged(
    prompt: str, person: Mapping[str, Any], known: frozenset[str]
) -> tuple[Reading, Reading | None, list[Match]]:
    """The prompt, what is left of it without injected instructions, and what the rules find."""
    whole = read_prompt(prompt, person)
    cleaned = without_injection(whole)
    rest = whole if not cleaned.injected else _reread(cleaned.rest, person)
    return whole, rest, list(_found(whole, rest, person, known, injected=cleaned.injected))


def _asked_again(reading: Reading, known: frozenset[str], action: Action, level: Level) -> Iterator[Match]:
    """The second opinion, where the rules see no red flag; it never softens what they say."""
    if LEVELS.index(level) >= LEVELS.index("urgent"):
        return
    for match in second_opinion(reading, known):
        if action in ("answer", "conservative_answer") or match.level in ("urgent", "emergency", "crisis"):
            yield match


def read_prompt(text: str, person: Mapping[str, Any]) -> Reading:
    """``text`` read with the figures that a rule asks for."""
    split = read(text)
    return scan_words(split, numbers.find(split, person))


def _reread(rest: Any, person: Mapping[str, Any]) -> Reading | None:
    return None if rest is None else scan_words(rest, numbers.find(rest, person))


def _found(
    whole: Reading, rest: Reading | None, person: Mapping[str, Any], known: frozenset[str], *, injected: bool
) -> Iterator[Match]:
    if injected:
        yield Match("X-INJECT", "answer", "none", 0, "instructions in the text")
        yield from (one for one in matches(whole, known) if one.rule_id in SIGN_RULES)
    if rest is None:
        yield Match("X-INJECT", "refuse", "none", 0, "nothing but instructions")
        if any(one.rule_id == "X-PRIV" for one in matches(whole, known)):
            yield Match("X-PRIV", "refuse", "none", 0, "nothing but instructions")
    else:
        yield from matches(rest, known)
        yield from care(rest, person, known)
    yield from _minor(person)
    for text in _data(person):
        yield from _of_data(text, person, known)


def _data(person: Mapping[str, Any]) -> Iterable[str]:
    yield from texts_in(person.get("recent"))
    yield from texts_in(person.get("notes"))
    yield from texts_in(person.get("history"))


def _of_data(text: str, person: Mapping[str, Any], known: frozenset[str]) -> Iterator[Match]:
    """Notes and imports: red flags count, what they ask for does not."""
    reading = read_prompt(text, person)
    yield from (one for one in matches(reading, known) if one.rule_id in SIGN_RULES)
    if injections(reading):
        yield Match("X-INJECT", "answer", "none", 0, "instructions in the data")


def _minor(person: Mapping[str, Any]) -> Iterator[Match]:
    age = person.get("age")
    if isinstance(age, int | float) and 0 < age < ADULT_AGE:
        yield Match("X-MIN", "refuse", "none", 0, "age in the context")


def _gravest(found: list[Match]) -> tuple[Action, Level]:
    """The firmest action and the highest level."""
    if not found:
        return "answer", "none"
    return max(found, key=_rank).action, max((one.level for one in found), key=LEVELS.index)


_FIRMNESS = ("answer", "conservative_answer", "escalate", "refuse")


def _rank(match: Match) -> tuple[int, int]:
    """A red flag beats any refusal; a refusal beats a missing clearance."""
    sign = match.rule_id in SIGN_RULES or match.rule_id == "N-04" or match.level == "emergency"
    grave = match.action == "escalate" and sign
    return LEVELS.index(match.level) if grave else -1, _FIRMNESS.index(match.action)


def _ordered(found: list[Match], action: Action) -> tuple[str, ...]:
    """Gravest first, once each; the rule that decided the action leads."""

    def key(one: Match) -> tuple[bool, int]:
        return (one.action != action, -LEVELS.index(one.level))

    return tuple(dict.fromkeys(one.rule_id for one in sorted(found, key=key)))


def warm_up() -> None:
    """Load the data now instead of on the first prompt."""
    load_rules()
    triage("warm up", {})
