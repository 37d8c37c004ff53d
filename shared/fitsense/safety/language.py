"""A cheap check that a text is in the language it should be in: script and function words."""

from __future__ import annotations

import re
from string import ascii_letters

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
_WORD = re.compile("[a-záéíóúüñ]+")
_DEVANAGARI = (b"\xe0\xa4", b"\xe0\xa5")
"""How UTF-8 begins each character of the block U+0900 to U+097F."""
_LATIN = ascii_letters.encode()


def looks_like(text: str, language: str) -> bool:
    """True when ``text`` reads as ``language`` (en, es, hi). Hindi is Devanagari; loan words may be Latin."""
    raw = text.encode("utf-8", "replace")
    devanagari = sum(map(raw.count, _DEVANAGARI))
    latin = len(raw) - len(raw.translate(None, _LATIN))
    if language == "hi":
        return devanagari > latin
    if devanagari > latin:
        return False
    words = _WORD.findall(text[:600].lower())
    own, other = (_score(words, one) for one in (language, "es" if language == "en" else "en"))
    return own > 0 and own >= other


def _score(words: list[str], language: str) -> int:
    return sum(map(_WORDS[language].__contains__, words))
