"""The lifts that hurt: from the set that a pain note hangs on, or the lift that a note names (C-PAINRULE).

A painful area takes out what commonly loads it; the pattern that did hurt goes too, whatever it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from fitsense.errors import Misconfigured
from fitsense.safety.notes import read_notes
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.case import CaseSet
from fitsense.training.catalog.data_file import load_file
from fitsense.training.catalog.exercises import PATTERNS, load_catalog


class LiftWords(BaseModel):
    """The file: what people call the patterns, and which half of the body loads which areas."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    words: dict[str, tuple[str, ...]]
    upper: frozenset[str]
    lower: frozenset[str]
    upper_areas: frozenset[str]
    lower_areas: frozenset[str]


@cache
def load_lift_words(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> LiftWords:
    """Read and check once a process. Raises Misconfigured."""
    path = schema_dir / "catalog" / "lift_words.yaml"
    found = load_file(path, LiftWords)
    if unknown := (found.words.keys() | found.upper | found.lower) - PATTERNS:
        raise Misconfigured(f"{path.name}: unknown patterns {sorted(unknown)}")
    return found


@cache
def _named() -> re.Pattern[str]:
    words = [re.escape(word) for ones in load_lift_words().words.values() for word in ones]
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(sorted(words, key=len, reverse=True))})(?![^\W_])")


def painful_exercises(
    sets: Iterable[CaseSet], notes: Sequence[str], person: Mapping[str, Any]
) -> frozenset[str]:
    """Ids of every exercise of a pattern that hurt; empty when nothing did."""
    patterns = {*_of_sets(sets, person), *_of_notes(notes, person)}
    if not patterns:
        return frozenset()
    return frozenset(one.id for one in load_catalog().by_id.values() if one.pattern in patterns)


def _of_sets(sets: Iterable[CaseSet], person: Mapping[str, Any]) -> Iterator[str]:
    catalog = load_catalog()
    for exercise, note in {(one.exercise, one.note) for one in sets if one.note}:
        if exercise in catalog and _hurts(note, catalog[exercise].pattern, person):
            yield catalog[exercise].pattern


def _of_notes(notes: Sequence[str], person: Mapping[str, Any]) -> Iterator[str]:
    pattern_of = {word: pattern for pattern, words in load_lift_words().words.items() for word in words}
    for note in notes:
        for word in set(_named().findall(note.lower().replace("-", " "))):
            if _hurts(note, pattern_of[word], person):
                yield pattern_of[word]


def _hurts(note: str, pattern: str, person: Mapping[str, Any]) -> bool:
    """Whether the note tells of pain in an area that the pattern can load."""
    halves = load_lift_words()
    other = (
        halves.lower_areas
        if pattern in halves.upper
        else halves.upper_areas
        if pattern in halves.lower
        else frozenset()
    )
    return not read_notes([note], person).pain.keys() <= other
