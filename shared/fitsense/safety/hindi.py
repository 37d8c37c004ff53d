"""Hindi in both of its scripts, brought to one spelling.

Devanagari is romanised, and romanised Hindi, which everybody spells their own way (``seene``, ``sine``;
``bhaari``, ``bhari``), is reduced to a key that keeps what most spellings share.
"""

from __future__ import annotations

import re
from functools import lru_cache

_CONSONANTS = dict(
    zip(
        "कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसहळ",
        [
            "k",
            "kh",
            "g",
            "gh",
            "n",
            "ch",
            "chh",
            "j",
            "jh",
            "n",
            "t",
            "th",
            "d",
            "dh",
            "n",
            "t",
            "th",
            "d",
            "dh",
            "n",
            "p",
            "ph",
            "b",
            "bh",
            "m",
            "y",
            "r",
            "l",
            "v",
            "sh",
            "sh",
            "s",
            "h",
            "l",
        ],
        strict=True,
    )
)
_VOWELS = dict(
    zip("अआइईउऊऋएऐओऔऑऍ", ["a", "aa", "i", "ee", "u", "oo", "ri", "e", "ai", "o", "au", "o", "e"], strict=True)
)
_SIGNS = dict(zip("ािीुूृेैोौॉॅ", ["aa", "i", "ee", "u", "oo", "ri", "e", "ai", "o", "au", "o", "e"], strict=True))
_NUKTA = {"क": "k", "ख": "kh", "ग": "g", "ज": "z", "ड": "d", "ढ": "dh", "फ": "f"}
_PRECOMPOSED = {"क़": "क़", "ख़": "ख़", "ग़": "ग़", "ज़": "ज़", "ड़": "ड़", "ढ़": "ढ़", "फ़": "फ़", "य़": "य"}
_COMPOSED = re.compile("|".join(_PRECOMPOSED))
_WORD = re.compile("[\u0900-\u0963\u0966-\u097f]+")
_DIGITS = str.maketrans("०१२३४५६७८९", "0123456789")


def romanise(text: str) -> str:
    """``text`` with each Devanagari word in Latin letters; danda and digits become their Latin kin."""
    if not _WORD.search(text):
        return text.replace("।", ".")
    composed = _COMPOSED.sub(lambda found: _PRECOMPOSED[found[0]], text.translate(_DIGITS))
    return _WORD.sub(lambda found: _romanise_word(found[0]), composed).replace("।", ".").replace("॥", ".")


@lru_cache(maxsize=8192)
def _romanise_word(word: str) -> str:
    out: list[str] = []
    for at, char in enumerate(word):
        after = word[at + 1] if at + 1 < len(word) else ""
        if char in _CONSONANTS:
            nukta = after == "़"
            follows = (word[at + 2] if at + 2 < len(word) else "") if nukta else after
            out.append(_NUKTA.get(char, _CONSONANTS[char]) if nukta else _CONSONANTS[char])
            if follows not in _SIGNS and follows != "्" and (follows or len(word) == 1):
                out.append("a")  # the inherent vowel; none at the end of a word, but for ``न``
        elif char in _VOWELS:
            out.append(_VOWELS[char])
        elif char in _SIGNS:
            out.append(_SIGNS[char])
        elif char in "ंँ" and (after or word[at - 1 : at] in ("ऊ", "ू")):
            out.append("n")
        elif char.isascii():
            out.append(char)
    return "".join(out)


_STEPS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("chh|ch", "c"),
        ("sh", "s"),
        ("ph", "f"),
        ("(?<=[kgtdbj])h", ""),
        ("ee|ii|ea", "i"),
        ("oo|uu|ou", "u"),
        ("au|ow", "o"),
        ("ai|ay|ei", "e"),
        ("w", "v"),
        ("z", "j"),
        ("q", "k"),
        ("x", "ks"),
        (r"(.)\1+", r"\1"),
        ("(?<=.)a", ""),
        (r"(.)\1+", r"\1"),
    )
)


@lru_cache(maxsize=32768)
def hindi_key(word: str) -> str:
    """What the spellings of one Hindi word have in common: ``seene``, ``sine`` → ``sine``."""
    for pattern, replacement in _STEPS:
        word = pattern.sub(replacement, word)
    return word


_SOFT: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("aa", "a"),
        ("ee", "i"),
        ("oo", "u"),
        ("ei|ai", "e"),
        ("(?<=[aeiou])n$", ""),
        ("(?<=[kgtdb])h", ""),
        ("w", "v"),
        ("z", "j"),
    )
)


@lru_cache(maxsize=8192)
def soft_key(word: str) -> str:
    """As ``hindi_key`` for words too short to lose their vowels: ``mein``, ``me`` and ``में`` → ``me``."""
    for pattern, replacement in _SOFT:
        word = pattern.sub(replacement, word)
    return f"~{word}"
