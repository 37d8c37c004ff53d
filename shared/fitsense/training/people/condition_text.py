"""Health conditions from a person's own words: codes, free text in en, es, hi and Hinglish, typing errors.

What nobody recognises becomes ``unknown``: a reason for caution, never ignored (Q-01).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from fitsense.training.people.bounds import UNKNOWN, load_conditions
from fitsense.training.people.condition_words import BREAK, load_words, phrases, plain, stems, vocabulary
from fitsense.training.people.typos import errors

HEALED_WEEKS = 12
"""C-SURG: before that the treating team decides."""
LONGEST_TOKENS = 80
"""Of one entry; what stands beyond is not read, and so a reason for caution."""
OF_THE_FAMILY = "family_history"
_WIDEST = 4
"""Words that may stand between the words of one phrase."""
_YEAR = re.compile(r"(?:19|20)\d\d")


class Read(NamedTuple):
    """Codes in alphabetical order, the texts that nobody recognised, and weeks that the texts tell."""

    codes: tuple[str, ...]
    unknown: tuple[str, ...]
    gestation_weeks: float | None = None
    postpartum_weeks: float | None = None


class _Hit(NamedTuple):
    """A phrase found at ``spots``; the natural order is: more words first, then the closer together."""

    missing: int
    span: int
    spots: tuple[int, ...]
    codes: tuple[str, ...]


@lru_cache(maxsize=4096)
def read_conditions(conditions: tuple[str, ...], surgery_weeks: float | None = None) -> Read:
    """The codes of a list of conditions; what was operated twelve weeks ago counts as healed (C-SURG)."""
    codes: set[str] = set()
    unknown: list[str] = []
    for text in conditions:
        found = codes_of(text, surgery_weeks)
        codes.update(found)
        unknown += [text] if UNKNOWN in found else []
    expecting, after = _weeks_of(conditions, "pregnant"), _weeks_of(conditions, "postpartum")
    return Read(tuple(sorted(codes)), tuple(unknown), expecting, after)


def _weeks_of(conditions: tuple[str, ...], code: str) -> float | None:
    """The weeks in an entry that says this one thing, such as "20 weeks pregnant"."""
    found = [weeks_ago(plain(text)) for text in conditions if codes_of(text) == (code,)]
    return min((weeks for weeks in found if weeks is not None), default=None)


@lru_cache(maxsize=4096)
def codes_of(text: str, surgery_weeks: float | None = None) -> tuple[str, ...]:
    """The codes that one entry names; () when it says that there is nothing, else ``unknown``."""
    data, tokens = load_conditions(), plain(text)
    joined = "_".join(token for token in tokens if token != BREAK)
    if joined in data.conditions:
        found: tuple[str, ...] = (data.aliases.get(joined, joined),)
        weeks = surgery_weeks
    elif not text.strip() or _says_none(tokens):
        return ()
    else:
        found = _found(_without_ago(tokens[:LONGEST_TOKENS]))
        found += (UNKNOWN,) if len(tokens) > LONGEST_TOKENS and UNKNOWN not in found else ()
        weeks = weeks_ago(tokens) if surgery_weeks is None else surgery_weeks
    if weeks is None or weeks < HEALED_WEEKS:
        return found
    return tuple(dict.fromkeys(later for code in found for later in data.healing.get(code, (code,))))


def _says_none(tokens: Sequence[str]) -> bool:
    text = " ".join(token for token in tokens if token != BREAK)
    return any(_matches_none(text, " ".join(plain(one.rstrip("*"))), one) for one in load_words().none)


def _matches_none(text: str, word: str, entry: str) -> bool:
    return text == word or (entry.endswith("*") and " " not in text and text.startswith(word))


def _without_ago(tokens: Sequence[str]) -> list[str]:
    """``8 weeks back`` tells a time and names no part of the body."""
    units, _ = _measures()
    ago = load_words().ago
    return [
        BREAK if token in ago and index and tokens[index - 1] in units else token
        for index, token in enumerate(tokens)
    ]


def _found(tokens: Sequence[str]) -> tuple[str, ...]:
    used: set[int] = set()
    codes: list[str] = []
    negated = False
    for hit in sorted(_hits(tokens)):
        if used.isdisjoint(hit.spots):
            used.update(_clause(tokens, hit) if hit.codes == (OF_THE_FAMILY,) else hit.spots)
            if _negated(tokens, hit.spots):
                negated = True
            else:
                codes += hit.codes
    return tuple(dict.fromkeys(codes)) or (() if negated else (UNKNOWN,))


def _clause(tokens: Sequence[str], hit: _Hit) -> range:
    """The words between two stops around a hit: what they name is somebody else's."""
    stops = [-1, *(index for index, token in enumerate(tokens) if token == BREAK), len(tokens)]
    return range(
        max(one for one in stops if one < hit.spots[0]) + 1, min(one for one in stops if one > hit.spots[-1])
    )


def _hits(tokens: Sequence[str]) -> Iterator[_Hit]:
    readings = [_readings(token) for token in tokens]
    for phrase in phrases():
        spots = [
            [index for index, words in enumerate(readings) if any(slot.fits(word) for word in words)]
            for slot in phrase.slots
        ]
        if all(spots):
            best = _closest(spots)
            if best and best[-1] - best[0] < len(spots) + _WIDEST:
                yield _Hit(-len(spots), best[-1] - best[0], best, phrase.codes)


def _closest(spots: Sequence[Sequence[int]]) -> tuple[int, ...] | None:
    """The places of a phrase's words with the least between the first and the last."""
    reach = len(spots) + _WIDEST
    ways = (
        tuple(sorted((first, *others)))
        for first in spots[0]
        for others in itertools.product(
            *([at for at in all_ if abs(at - first) < reach] for all_ in spots[1:])
        )
        if len({first, *others}) == len(spots)
    )
    return min(ways, key=lambda way: (way[-1] - way[0], way), default=None)


@lru_cache(maxsize=8192)
def _readings(token: str) -> tuple[str, ...]:
    """The token itself if the file knows it, else what it may have meant."""
    if token == BREAK or any(slot.fits(token) for phrase in phrases() for slot in phrase.slots):
        return (token,)
    if token in load_words().fillers or token.isdigit():
        return (token,)
    beginnings = stems()
    near = {word: errors(token, word, stem=word in beginnings) for word in vocabulary()}
    least = min((count for count in near.values() if count is not None), default=None)
    return (token, *(word for word, count in near.items() if count is not None and count == least))


def _negated(tokens: Sequence[str], spots: Sequence[int]) -> bool:
    words = load_words()
    before = spots[0] - 1
    while before >= 0 and tokens[before] in words.fillers and tokens[before] not in words.negators:
        before -= 1
    if before >= 0 and tokens[before] in words.negators:
        return tokens[before + 1] not in words.not_negating
    after = [token for token in tokens[spots[-1] + 1 : spots[-1] + 3] if token not in words.fillers]
    return bool(after) and after[0] in words.negators_after


@cache
def _measures() -> tuple[Mapping[str, float], Mapping[str, float]]:
    words = load_words()
    units = {"".join(plain(one)): weeks for weeks, all_ in words.units_weeks.items() for one in all_}
    numbers = {"".join(plain(one)): float(number) for number, all_ in words.numbers.items() for one in all_}
    return units, numbers


def weeks_ago(tokens: Sequence[str]) -> float | None:
    """How long ago the text says it was; None when it does not say. The shortest time that it names."""
    units, numbers = _measures()
    found: list[float] = []
    for number, unit in itertools.pairwise(tokens):
        weeks = units.get(unit)
        if weeks is not None:
            count = float(number) if number.isdigit() else numbers.get(number)
            found += [] if count is None else [count * weeks]
    for token in tokens:
        if _YEAR.fullmatch(token) and int(token) <= load_words().long_past_year:
            found.append(52.0)
    return min(found, default=None)
