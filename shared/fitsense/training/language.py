"""A cheap check that a text is in the language it should be in: script and function words."""

from __future__ import annotations

import re
from functools import lru_cache

_WORDS = {
    "en": frozenset({
        "the", "a", "an", "and", "or", "of", "to", "in", "is", "it", "you", "your", "this",
        "that", "with", "for", "on", "at", "so", "if", "not", "be", "are", "was", "have", "from",
        "as", "by", "week", "per", "each", "stay", "stop", "call", "now", "no", "keep", "do",
        "before", "until",
    }),
    "es": frozenset({
        "el", "la", "los", "las", "un", "una", "de", "del", "y", "o", "a", "en", "es", "que",
        "tu", "tus", "te", "con", "por", "para", "se", "si", "no", "su", "lo", "al", "más",
        "esta", "este", "como", "semana", "sin", "ya", "hoy", "está", "llama", "antes", "hasta",
    }),
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")
_DEVANAGARI = re.compile("[\u0900-\u097f]")
_LATIN = re.compile("[A-Za-z]")


def looks_like(text: str, language: str) -> bool:
    """True when ``text`` reads as ``language`` (en, es, hi). Hindi is Devanagari; loan words may be Latin."""
    devanagari = len(_DEVANAGARI.findall(text))
    latin = len(_LATIN.findall(text))
    if language == "hi":
        return devanagari > latin
    if devanagari > latin:
        return False
    scores = _scores(text[:600].lower())
    other = "es" if language == "en" else "en"
    return scores[language] > 0 and scores[language] >= scores[other]


@lru_cache(maxsize=1)
def _scores(text: str) -> dict[str, int]:
    words = _WORD.findall(text)
    return {language: sum(word in known for word in words) for language, known in _WORDS.items()}
