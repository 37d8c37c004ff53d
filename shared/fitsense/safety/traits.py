"""What a text looks like to the second opinion: pieces of its words, and what the scan made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from zlib import crc32

from fitsense.safety.scan import Hit, Reading
from fitsense.safety.words import words

BUCKETS = 1 << 17
"""Places that traits are hashed to."""
PIECES = (3, 4, 5)
"""Letters of a piece of a word; a word's ends count as letters."""
MOST_WORDS = 300
MOST_TOGETHER = 14
"""Findings of one sentence that are put in pairs."""
_GRAMMAR = words("scan.grammar")
Traits = Mapping[str, tuple[int, ...]]
"""Kind → the places of what was found of it, each once."""


def traits(reading: Reading, known: frozenset[str]) -> Traits:
    """The traits of ``reading`` of a person with the condition concepts ``known``."""
    found = _bounded(reading.text.words)
    return {
        "pieces": _once(place for word in found for place in _pieces(word)),
        "words": _once(_sequences(found)),
        "findings": _once(_findings(reading, known)),
        "pairs": _once(_pairs(reading)),
    }


def _once(places: Iterator[int]) -> tuple[int, ...]:
    return tuple(sorted(set(places)))


def _place(name: str) -> int:
    return crc32(name.encode()) % BUCKETS


def _bounded(words: tuple[str, ...]) -> tuple[str, ...]:
    half = MOST_WORDS // 2
    return words if len(words) <= MOST_WORDS else (*words[:half], *words[-half:])


@lru_cache(maxsize=32768)
def _pieces(word: str) -> tuple[int, ...]:
    if word.isdigit():
        return ()
    ends = f"<{word}>".encode()
    cuts = (ends[at : at + size] for size in PIECES for at in range(len(ends) - size + 1))
    return tuple(crc32(cut) % BUCKETS for cut in cuts)


def _sequences(words: tuple[str, ...]) -> Iterator[int]:
    """Words, words next to each other, and words with one between."""
    before, last = "", ""
    for word in ("0" if one.isdigit() else one for one in words):
        yield _place(f"w {word}")
        yield _place(f"w {last} {word}")
        yield _place(f"w {before} . {word}")
        before, last = last, word


def _state(hit: Hit) -> str:
    marks = (hit.negated, hit.past, hit.supposed, hit.general)
    return "npsg"[marks.index(True)] if any(marks) else "l"


def _findings(reading: Reading, known: frozenset[str]) -> Iterator[int]:
    for concept, hits in reading.hits.items():
        for state in {_state(hit) for hit in hits}:
            yield _place(f"c {concept} {state}")
    for concept in known:
        yield _place(f"k {concept}")
    yield _place(f"t {reading.tongue}")


def _pairs(reading: Reading) -> Iterator[int]:
    """Two findings in one sentence."""
    sentences: dict[int, set[str]] = {}
    for concept, hits in reading.hits.items():
        for hit in hits:
            if concept not in _GRAMMAR and not hit.negated:
                sentences.setdefault(hit.sentence, set()).add(concept)
    for together in sentences.values():
        for one, other in combinations(sorted(together)[:MOST_TOGETHER], 2):
            yield _place(f"p {one} {other}")
