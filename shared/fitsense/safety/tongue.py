"""Which languages a text is written in, from its function words; people mix them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fitsense.safety.words import words

Tongue = Literal["en", "es", "hi"]

_SPANISH = words("tongue.spanish") | words("tongue.spanish_terms")
_SPANISH_WEAK = words("tongue.spanish_weak")
_HINDI = words("tongue.hindi") | words("tongue.hindi_terms")
_HINDI_WEAK = words("tongue.hindi_weak")
_ENGLISH = words("tongue.english")


def tongues(words: Sequence[str], devanagari: bool) -> tuple[Tongue, frozenset[Tongue]]:
    """The main language, and all that are in use; English words are understood in any text."""
    strong = {"en": _count(words, _ENGLISH), "es": _count(words, _SPANISH), "hi": _count(words, _HINDI)}
    weak = {"en": 0, "es": _count(words, _SPANISH_WEAK), "hi": _count(words, _HINDI_WEAK)}
    counts: dict[Tongue, float] = {one: strong[one] + 0.5 * weak[one] for one in ("en", "es", "hi")}
    used: set[Tongue] = {"en"}
    for one in ("es", "hi"):
        if strong[one] or weak[one] >= 2 + strong["en"]:
            used.add(one)
    if not devanagari and {"es", "hi"} <= used and strong["es"] != strong["hi"]:
        used.discard("es" if strong["es"] < strong["hi"] else "hi")  # nobody mixes the two
    main: Tongue = max(("en", "es", "hi"), key=lambda one: counts[one])
    if devanagari:
        return "hi", frozenset(used | {"hi"})
    return main, frozenset(used)


def _count(words: Sequence[str], known: frozenset[str]) -> int:
    return sum(map(known.__contains__, words))
