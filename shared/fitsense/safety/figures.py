"""Numbers in a text, written as figures or as words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fitsense.safety.hindi import soft_key
from fitsense.safety.words import words as listed

_SPELLED = {
    word: float(value) for word, _, value in (one.partition("=") for one in listed("numbers.spelled"))
}
_ENGLISH = frozenset({"at", "do"})
"""What some Hindi numbers would look like."""
_SPELLED |= {
    soft_key(word)[1:]: value for word, value in _SPELLED.items() if soft_key(word)[1:] not in _ENGLISH
}


def value_of(word: str) -> float | None:
    """The number that ``word`` is; ``1,200`` and ``1.200`` are thousands, ``3,5`` and ``3.5`` are not."""
    if word in _SPELLED:
        return _SPELLED[word]
    if not word[:1].isdigit() or not word.isascii():
        return None
    grouped = re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", word)
    try:
        return float(re.sub(r"[.,]", "", word) if grouped else word.replace(",", "."))
    except ValueError:
        return None


def word_at(words: Sequence[str], at: int) -> str:
    """The word at ``at``; empty outside of the text."""
    return words[at] if 0 <= at < len(words) else ""


def number(value: Any) -> float:
    """A number out of a context; 0 for whatever is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
