"""Which concepts a text can hold at all, from its words alone: cheap, and no less than a scan would find.

Only what a scan does for disguised words (letters set apart, figures for letters across words) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from fitsense.safety.lexicon import load_lexicon
from fitsense.safety.text import read

_CHUNK = re.compile(r"[\u0900-\u097f\u200c\u200d]+|[^\W_]+(?:['\u2019][^\W_]+)*")
Terms = dict[str, list[frozenset[str]]]
"""The longest entry of a term → all entries of each such term."""


def possible(text: str, concepts: frozenset[str], *, hindi: bool) -> frozenset[str]:
    """Those of ``concepts`` of which a term has all of its words somewhere in ``text``."""
    entries: set[str] = set()
    for word in set(_CHUNK.findall(text)):
        entries |= _entries(word, hindi, concepts)
    return frozenset(_named(entries, concepts)) if entries else frozenset()


def _named(entries: set[str], concepts: frozenset[str]) -> Iterable[str]:
    for concept, terms in _terms(concepts).items():
        if any(needed <= entries for key in entries & terms.keys() for needed in terms[key]):
            yield concept


@cache
def _terms(concepts: frozenset[str]) -> dict[str, Terms]:
    found: dict[str, Terms] = {one: {} for one in concepts}
    for phrases in load_lexicon().by_first.values():
        for entries, concept, _ in phrases:
            if concept in found:
                found[concept].setdefault(max(entries, key=len), []).append(frozenset(entries))
    return found


@cache
def _sought(concepts: frozenset[str]) -> frozenset[str]:
    """Every entry of every term of ``concepts``."""
    every = (needed for terms in _terms(concepts).values() for many in terms.values() for needed in many)
    return frozenset[str]().union(*every)


@lru_cache(maxsize=65536)
def _entries(word: str, hindi: bool, concepts: frozenset[str]) -> frozenset[str]:
    """What ``word``, as it is typed, may stand for of what is sought."""
    lexicon = load_lexicon()
    parts = (part for one in read(word).words for part in lexicon.split(one))
    return frozenset(entry for part in parts for entry in lexicon.resolve(part, hindi)) & _sought(concepts)
