"""A text as tokens, clauses and sentences, with what typing does to words undone where that is safe."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from fitsense.safety.hindi import romanise
from fitsense.safety.words import words

MAX_CHARS = 6000
"""Longer texts are read at both ends: a red flag may stand in the last line of a long story."""
_INVISIBLE = dict.fromkeys([0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD, *range(0xFE00, 0xFE10)])
_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "`": "'", "\u00b4": "'", "\u201c": '"', "\u201d": '"'})
_APOSTROPHE = re.compile(r"(?<=[a-z])'(?=[a-z])")
_LEET = re.compile(r"(?<=[a-z])[013457@$](?=[a-z@$])|(?<![a-z0-9@])[@$](?=[a-z]{2})")
_LEET_MAP = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"}
_SPACED = re.compile(r"(?<![a-z])(?:[a-z][ .\-*_]){3,}[a-z](?![a-z])")
_STARS = re.compile(r"(?<=[a-z])[*_](?=[a-z])")
_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)*|[^\W\d_]+|[\u2600-\u27bf\U0001f300-\U0001faff]|[.?!;\n,:()\"\u2026\u2014\u2013/<>\[\]|]"
)
_SENTENCE_END = frozenset(".?!;\n\u2026|[]")
_CLAUSE_END = frozenset(',:()\u2014\u2013"<>[]')
_BREAKS = words("text.breaks")


@dataclass(frozen=True, slots=True)
class Text:
    """Words in order; ``clause`` and ``sentence`` hold a number a word, ``asks`` a flag a sentence."""

    words: tuple[str, ...]
    clause: tuple[int, ...]
    sentence: tuple[int, ...]
    asks: tuple[bool, ...]
    devanagari: bool
    plain: str
    """The folded text, for patterns that need signs and numbers."""


def fold(text: str) -> str:
    """Lower case without accents, in Latin letters, without invisible signs, leetspeak and s p a c i n g."""
    text = text if len(text) <= MAX_CHARS else text[: MAX_CHARS // 2] + "\n" + text[-MAX_CHARS // 2 :]
    text = unicodedata.normalize("NFKC", text).translate(_INVISIBLE).translate(_QUOTES)
    text = romanise(text).casefold()
    if not text.isascii():
        apart = unicodedata.normalize("NFD", text)
        text = "".join(char for char in apart if unicodedata.category(char) != "Mn")
    text = _APOSTROPHE.sub("", text)
    text = _LEET.sub(lambda found: _LEET_MAP[found[0]], text)
    text = _STARS.sub("", text)
    return _SPACED.sub(lambda found: re.sub(r"[^a-z]", "", found[0]), text)


def read(text: str) -> Text:
    """Split ``text``; a sentence's clauses end at commas, brackets and words such as ``but``."""
    plain = fold(text)
    found: list[str] = []
    clauses: list[int] = []
    sentences: list[int] = []
    asks: list[bool] = [False]
    clause = 0
    for mark in _TOKEN.findall(plain):
        if mark in _SENTENCE_END:
            asks[-1] = asks[-1] or mark == "?"
            if sentences and sentences[-1] == len(asks) - 1:
                asks.append(False)
            clause += 1
        elif mark in _CLAUSE_END:
            clause += 1
        elif mark != "/":
            clause += mark in _BREAKS
            found.append(mark)
            clauses.append(clause)
            sentences.append(len(asks) - 1)
    return Text(
        words=tuple(found),
        clause=tuple(clauses),
        sentence=tuple(sentences),
        asks=tuple(asks),
        devanagari=bool(re.search("[\u0900-\u097f]", text)),
        plain=plain,
    )
