"""Rules over concepts, as ``schema/catalog/safety/rules.yaml`` writes them.

A line such as ``6: chest & pain|tight ! musc_context`` holds when each group between ``&`` has one of its
concepts within 6 words of the first group's. Scopes: a number of words, ``s`` (same sentence), ``n`` (same or
next to it), ``t`` (anywhere). ``^concept`` counts even when it is denied; ``@concept`` asks the whole text
and the context. ``!`` names concepts that must be absent from the sentence, ``!!`` from the whole text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import yaml

from fitsense.errors import Misconfigured
from fitsense.safety.lexicon import load_lexicon
from fitsense.safety.scan import Hit, Reading
from fitsense.safety.words import words
from fitsense.settings import DEFAULT_SCHEMA_DIR

Action = Literal["answer", "conservative_answer", "escalate", "refuse"]
Level = Literal["none", "advise_clearance", "urgent", "emergency", "crisis"]
LEVELS: tuple[Level, ...] = ("none", "advise_clearance", "urgent", "emergency", "crisis")
ACTIONS: tuple[Action, ...] = ("answer", "conservative_answer", "refuse", "escalate")


@dataclass(frozen=True, slots=True)
class Line:
    """One way in which a rule can hold."""

    scope: str
    groups: tuple[tuple[str, ...], ...]
    not_in_sentence: tuple[str, ...]
    not_in_text: tuple[str, ...]
    needs: tuple[frozenset[str], ...]
    """The groups as bare concepts: without one of each there is no need to look closer."""
    source: str


@dataclass(frozen=True, slots=True)
class Rule:
    """``sign`` rules look at what holds now; ``ask`` rules at what is wanted, whenever and by whom."""

    id: str
    action: Action
    level: Level
    kind: Literal["sign", "ask"]
    lines: tuple[Line, ...]
    soft: bool
    """Whether a past or supposed sign still asks for caution."""
    ifs: bool
    """Whether what is only feared or supposed counts in full."""


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that holds; ``at`` is the word where its first group stands."""

    rule_id: str
    action: Action
    level: Level
    at: int
    why: str
    soft: bool = False


@cache
def load_rules(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> tuple[Rule, ...]:
    """Read once a process. Raises Misconfigured for an unknown concept."""
    path = schema_dir / "catalog" / "safety" / "rules.yaml"
    return tuple(
        _rule(entry) for entry in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    )


def _rule(entry: Mapping[str, Any]) -> Rule:
    return Rule(
        id=entry["id"],
        action=entry["action"],
        level=entry["level"],
        kind=entry.get("kind", "sign"),
        lines=tuple(_line(line) for line in entry["when"]),
        soft=entry.get("soft", True),
        ifs=entry.get("ifs", False),
    )


def _line(source: str) -> Line:
    scope, _, rest = source.partition(":")
    rest, _, never = rest.partition("!!")
    rest, _, absent = rest.partition("!")
    groups = tuple(tuple(one.strip() for one in group.split("|")) for group in rest.split("&"))
    needs = tuple(frozenset(one.lstrip("^@") for one in group) for group in groups)
    line = Line(scope.strip(), groups, _names(absent), _names(never), needs, source)
    unknown = (
        {*(one for group in needs for one in group), *line.not_in_sentence, *line.not_in_text}
        - load_lexicon().concepts
        - VIRTUAL
    )
    if unknown:
        raise Misconfigured(f"rules.yaml: unknown concepts {sorted(unknown)} in {source!r}")
    return line


def _names(part: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in part.split("|") if one.strip())


VIRTUAL = words("rules.virtual")
"""Concepts that ``numbers.py`` reads from figures."""


def matches(reading: Reading, context: frozenset[str]) -> Iterator[Match]:
    """Every rule that holds, once each, with what makes it hold."""
    present = context | reading.hits.keys()
    for rule in load_rules():
        lines = [line for line in rule.lines if not any(map(present.isdisjoint, line.needs))]
        for line in lines:
            at = _holds(line, reading, context, strict=rule.kind == "sign", ifs=rule.ifs)
            if at is not None:
                yield Match(rule.id, rule.action, rule.level, at, line.source)
                break
        else:
            if rule.kind == "sign" and rule.soft and rule.action == "escalate":
                yield from _softened(rule, lines, reading, context)


def _softened(
    rule: Rule, lines: Iterable[Line], reading: Reading, context: frozenset[str]
) -> Iterator[Match]:
    """A sign that is over, or only thought of: caution, no alarm."""
    for line in lines:
        at = _holds(line, reading, context, strict=False, ifs=True, no_general=True)
        if at is not None:
            yield Match(rule.id, "conservative_answer", "advise_clearance", at, line.source, soft=True)
            return


def _holds(
    line: Line,
    reading: Reading,
    context: frozenset[str],
    *,
    strict: bool,
    ifs: bool,
    no_general: bool = False,
) -> int | None:
    """The first word of a place where ``line`` holds."""
    found: list[list[Hit]] = []
    for group in line.groups:
        hits = list(islice(_group(group, reading, context, (strict, ifs, no_general)), MOST_HITS))
        if not hits:
            return None
        found.append(hits)
    if line.not_in_text and (reading.has(*line.not_in_text) or context & set(line.not_in_text)):
        return None
    for anchor in found[0]:
        chosen = _around(anchor, found[1:], line.scope)
        if chosen is not None and not _spoiled(
            line, reading, {anchor.sentence, *(hit.sentence for hit in chosen)}
        ):
            return anchor.start
    return None


MOST_HITS = 20
"""Of one group: a text that says a word a thousand times says it once."""
_ANYWHERE = Hit("", -1, -1, -1)


def _group(
    group: Iterable[str], reading: Reading, context: frozenset[str], mode: tuple[bool, bool, bool]
) -> Iterator[Hit]:
    strict, ifs, no_general = mode
    for name in group:
        concept = name.lstrip("^@")
        if name[0] == "@":
            if concept in context or reading.has(concept):
                yield _ANYWHERE
            continue
        for hit in reading.hits.get(concept, ()):
            if hit.negated and name[0] != "^":
                continue
            if hit.general and (strict or no_general):
                continue
            if strict and (hit.past or (hit.supposed and not ifs)):
                continue
            yield hit


def _around(anchor: Hit, groups: list[list[Hit]], scope: str) -> list[Hit] | None:
    chosen: list[Hit] = []
    for group in groups:
        near = [hit for hit in group if _within(anchor, hit, scope)]
        if not near:
            return None
        chosen.append(min(near, key=lambda hit: abs(hit.start - anchor.start)))
    return chosen


def _within(anchor: Hit, hit: Hit, scope: str) -> bool:
    if hit is _ANYWHERE or anchor is _ANYWHERE:
        return True
    if (hit.start, hit.end) == (anchor.start, anchor.end) and hit.concept != "asks":
        return False
    if scope == "t":
        return True
    if scope == "s":
        return hit.sentence == anchor.sentence
    if scope == "n":
        return abs(hit.sentence - anchor.sentence) <= 1
    gap = max(hit.start - anchor.end, anchor.start - hit.end)
    return gap <= int(scope) and abs(hit.sentence - anchor.sentence) <= 1


def _spoiled(line: Line, reading: Reading, sentences: set[int]) -> bool:
    """Whether a sentence of the match names something that takes the sign away."""
    return any(
        hit.sentence in sentences and not hit.negated
        for concept in line.not_in_sentence
        for hit in reading.hits.get(concept, ())
    )
