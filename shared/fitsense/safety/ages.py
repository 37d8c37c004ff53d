"""Ages and weeks of pregnancy, as people write them (X-MIN, C-PREG-STOP)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fitsense.safety.figures import value_of, word_at
from fitsense.safety.words import spellings
from fitsense.safety.words import words as listed

Found = tuple[str, int]
Words = Sequence[str]

ADULT_AGE = 18
_YEARS = spellings("numbers.years")
_NO_AGE_AFTER = listed("numbers.no_age_after")
_AGE_BEFORE = listed("numbers.age_before")
_SELF_BEFORE = spellings("numbers.self_before")
_THEN = spellings("numbers.then")
_AFTER_YEARS_NO = listed("numbers.after_years_no")
_CHILD = listed("numbers.child")


def gestation(words: Words, at: int, value: float) -> Iterator[Found]:
    """``I'm 30 weeks``: a pregnancy, where a sign of one stands beside it."""
    says = bool({"im", "am", "estoy", "hoon", "at"}.intersection(words[max(0, at - 2) : at]))
    weeks = bool({"weeks", "wks", "semanas", "hafte", "week", "wk"}.intersection(words[at + 1 : at + 3]))
    if says and weeks and 4 <= value <= 42 and not _NOT_GESTATION.intersection(words[at + 2 : at + 5]):
        yield "n_gestation", at


_NOT_GESTATION = listed("numbers.not_gestation")


def age(words: Words, at: int, value: float) -> Iterator[Found]:
    """X-MIN: an age below 18, of the writer (``n_minor``) or of somebody else (``n_child``)."""
    if (
        not 4 <= value < ADULT_AGE
        or value != int(value)
        or word_at(words, at - 2) == "like"
        or not _is_age(words, at)
        or _ends_number(words, at, value)
    ):
        return
    before = words[max(0, at - 7) : at]
    nearest = next((one for one in reversed(before) if one in _CHILD or one in _SELF_BEFORE), "")
    other = nearest in _CHILD or (
        nearest in {"age", "tiene", "turning"} and bool(_CHILD.intersection(before))
    )
    other = other or before[-1:] in (("my",), ("our",), ("his",), ("her",), ("mi",))
    after = words[at + 1 : at + 5]
    other = other or (
        word_at(words, at + 2) == "old" and bool(_CHILD.intersection(after)) and nearest not in {"im", "am"}
    )
    other = other or (
        bool(_CHILD.intersection(before))
        and not {"im", "i", "tengo", "soy", "main", "meri"} & set(before[-4:])
    )
    yield ("n_child" if other else "n_minor"), at


def _ends_number(words: Words, at: int, value: float) -> bool:
    """``cuarenta y ocho``, ``forty eight``: the end of a greater number."""
    before = word_at(words, at - 1)
    tens = word_at(words, at - 2) if before == "y" else before
    return value < 10 and tens.endswith(("nta", "ty"))


_THINGS = frozenset(
    {
        "injury",
        "car",
        "program",
        "house",
        "dog",
        "cat",
        "shoes",
        "marriage",
        "plan",
        "log",
        "routine",
        "phone",
        "bike",
        "record",
        "app",
    }
)
_HINDI_OF = frozenset({"ka", "ki", "ke", "hai", "hoon", "hun", "hu", "ko"})
_SINCE = frozenset({"llevo", "lleva", "hace", "durante", "empece", "empezo", "started", "began"})
"""``Llevo quince años``, ``empecé a los quince``: how long, or when it began."""
_SAYS_AGE = frozenset({"im", "turning", "turned", "turn", "hes", "shes", "aged"})


def _is_age(words: Words, at: int) -> bool:
    before, after, later = word_at(words, at - 1), word_at(words, at + 1), word_at(words, at + 2)
    if before == "las" or _SINCE.intersection(words[max(0, at - 6) : at]):
        return False
    if _THEN.intersection(words[max(0, at - 3) : at]) or {"ago", "pehle"} & set(words[at + 1 : at + 4]):
        return False
    if after in _YEARS:
        if later == "old":
            return word_at(words, at + 3) not in _THINGS
        if later in _AFTER_YEARS_NO:
            return False
        told = bool(_AGE_BEFORE.intersection(words[max(0, at - 3) : at]))
        return told or after == "yo" or later in _HINDI_OF
    if after in {"yearold", "yrold"} or (before == "im" and after in {"m", "f"}):
        return True
    if {"umar", "umr", "age", "aayu", "edad"} & set(words[max(0, at - 3) : at]):
        return after not in _NO_AGE_AFTER
    myself = {"i", "im"}.intersection(words[max(0, at - 3) : at])
    if before in _SAYS_AGE or (before in {"am", "only", "just", "actually"} and myself):
        return after not in _NO_AGE_AFTER and not after.isdigit()
    if before == "tengo" and value_of(words[at]) in range(10, ADULT_AGE) and after in {"", "y", "pero"}:
        return True
    if before == "de" and word_at(words, at - 2) in _CHILD and after not in _NO_AGE_AFTER:
        return True
    if before in _CHILD and after not in _NO_AGE_AFTER - {"a", "for", "x", "in", "more"}:
        return True
    return (
        before == "is"
        and _CHILD.intersection(words[max(0, at - 4) : at]) != frozenset()
        and after not in _NO_AGE_AFTER
    )
