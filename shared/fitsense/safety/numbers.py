"""Figures that decide: ages, energy, blood pressure, glucose, temperature, fasts, rates of weight loss."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fitsense.safety.ages import age, gestation
from fitsense.safety.figures import value_of, word_at
from fitsense.safety.food_figures import energy, fasting, rate, thin
from fitsense.safety.hindi import soft_key
from fitsense.safety.text import Text
from fitsense.safety.words import words as listed

Found = tuple[str, int]
"""A concept and the word where it stands."""
Words = Sequence[str]


def find(text: Text, person: Mapping[str, Any]) -> list[Found]:
    """All figures of ``text`` that a rule asks for. ``person`` holds ``sex`` where it is known."""
    words = tuple(soft_key(word)[1:] for word in text.words) if text.devanagari else text.words
    values = [value_of(word) for word in words]
    found: list[Found] = []
    for at, value in enumerate(values):
        if value is not None:
            found += gestation(words, at, value)
            found += age(words, at, value)
            found += energy(words, at, value, person, text)
            found += _glucose(words, at, value)
            found += _temperature(words, at, value)
            found += fasting(words, at, value)
    found += rate(words, values)
    found += _pressure(text)
    found += thin(text, person)
    found += [("n_user", at) for at in _accounts(text)]
    found += [("n_pain_high", at) for at in _severe(text)]
    return found


_SUGAR = listed("numbers.sugar")
_NOT_GLUCOSE = listed("numbers.not_glucose")


def _glucose(words: Words, at: int, value: float) -> Iterator[Found]:
    """X-HYPO and C-DM1, mg/dL or mmol/L."""
    around = words[max(0, at - 5) : at + 4]
    if not _SUGAR.intersection(around) or "normal" in around or word_at(words, at + 1) in _NOT_GLUCOSE:
        return
    sugar = bool(_SUGAR.difference({"mg"}).intersection(around))
    if (word_at(words, at + 1) == "mg" and word_at(words, at + 2) != "dl") or not sugar:
        return
    mmol = "mmol" in around or (value < 25 and value != int(value))
    mgdl = value * 18 if mmol else value
    if 20 <= mgdl < 70 and (mmol or value >= 25):
        yield "n_glucose_low", at
    elif 250 <= mgdl < 350:
        yield "n_glucose_high", at
    elif 350 <= mgdl <= 1000:
        yield "n_glucose_very_high", at


def _temperature(words: Words, at: int, value: float) -> Iterator[Found]:
    body = {
        "temp",
        "temperature",
        "fever",
        "fiebre",
        "temperatura",
        "bukhar",
        "thermometer",
        "core",
        "bukhaar",
    }
    near = bool(body.intersection(words[max(0, at - 5) : at + 5]))
    if near and (40 <= value <= 44 or 104 <= value <= 111) and word_at(words, at + 1) not in _NOT_GLUCOSE:
        yield "n_core_temp", at


_PRESSURE = re.compile(r"(?<![\d.])(\d{2,3})\s*(?:/|over|sobre|por|by|bata|-)\s*(\d{2,3})(?![\d.])")


def _pressure(text: Text) -> Iterator[Found]:
    """C-HTN: a reading of 180/110 or more; from 180 or 120 on it is a crisis where there are symptoms."""
    for match in _PRESSURE.finditer(text.plain):
        high, low = int(match[1]), int(match[2])
        if not (90 <= high <= 280 and 50 <= low <= 190 and high > low) or match[1] not in text.words:
            continue
        at = text.words.index(match[1])
        if high >= 180 or low >= 120:
            yield "n_bp_crisis", at
        elif low >= 110:
            yield "n_bp_high", at


_ACCOUNT = re.compile(
    r"\b(?:user|usuario|usuaria|account|member|yoozar|id|cuenta)\s+(?:#\s*)?(?:[a-z]+_?)?\d{2,}"
)


def _accounts(text: Text) -> Iterator[int]:
    """X-PRIV: an account named by its number or handle."""
    for match in _ACCOUNT.finditer(text.plain):
        word = match[0].split()[0]
        if word in text.words:
            yield text.words.index(word)


_TEN = re.compile(r"(?<!\d)(\d{1,2})\s*(?:/|out of|de|von)\s*10(?!\d)")


def _severe(text: Text) -> Iterator[int]:
    for match in _TEN.finditer(text.plain):
        if 5 < int(match[1]) <= 10 and match[1] in text.words:
            yield text.words.index(match[1])


def pain_scores(text: Text) -> list[tuple[int, int]]:
    """(word, score of 10) for each ``7/10`` in the text."""
    found = [(match[1], int(match[1])) for match in _TEN.finditer(text.plain)]
    return [(text.words.index(word), score) for word, score in found if word in text.words and score <= 10]
