"""Energy, fasts and rates of weight loss in figures (N-03, N-04, N-09, X-ED)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fitsense.safety.figures import number, word_at
from fitsense.safety.fuzzy import distance
from fitsense.safety.text import Text
from fitsense.safety.words import spellings
from fitsense.safety.words import words as listed

Found = tuple[str, int]
Words = Sequence[str]

VLCD_KCAL = 800
FLOOR_KCAL = {"F": 1200.0}
OTHER_FLOOR_KCAL = 1500.0
"""N-03, N-04."""
_KCAL = spellings("numbers.kcal")
_KCAL_OTHER = listed("numbers.kcal_other")
_KCAL_DAY = listed("numbers.kcal_day")


def _names_energy(words: Words) -> bool:
    return any(word in _KCAL or (len(word) >= 7 and distance(word, "calorias") <= 1) for word in words)


def energy(words: Words, at: int, value: float, person: Mapping[str, Any], text: Text) -> Iterator[Found]:
    """N-03 and N-04: a day's energy below the floor; no differences, meals or burnt energy."""
    floor = FLOOR_KCAL.get(str(person.get("sex")), OTHER_FLOOR_KCAL)
    if not 100 <= value < floor or word_at(words, at - 1) == "by":
        return
    if not _names_energy(words[max(0, at - 4) : at + 3]):
        if value >= 300 and _bare_energy(words, at):
            yield ("n_vlcd" if value < VLCD_KCAL else "n_below_floor"), at
        return
    unit_behind = _KCAL.intersection(words[at + 1 : at + 3])
    other = set(words[max(0, at - 4) : at + (6 if unit_behind else 4)])
    if "plan" in other:
        other -= {"meal", "comida", "comidas"}
    daily = _KCAL_DAY.intersection(words[max(0, at - 10) : at + 9])
    if other & _KCAL_OTHER and not (
        {"day", "dia", "roz", "din", "daily", "diarias"} & other
        and not other
        & {"deficit", "surplus", "burn", "burned", "quemo", "quemar", "ghata", "superavit", "watch"}
        and not {"more", "mas", "extra", "less", "menos", "zyada", "kam"} & other
    ):
        return
    if daily:
        yield ("n_vlcd" if value < VLCD_KCAL else "n_below_floor"), at


_EATS = spellings("numbers.eats")
_OTHER_UNIT = spellings("numbers.other_unit")


def _bare_energy(words: Words, at: int) -> bool:
    """``eating 1000 a day``, ``set my target to 1000``: energy without its unit."""
    before, after = words[max(0, at - 4) : at], words[at + 1 : at + 3]
    if _OTHER_UNIT.intersection(after):
        return False
    daily = "".join(after) in {"aday", "perday", "aldia"} or bool(
        {"daily", "roz", "diarias", "din"}.intersection(after)
    )
    aimed = bool({"target", "intake", "macros"}.intersection(before)) and word_at(words, at - 1) in {
        "to",
        "at",
        "of",
        "a",
        "en",
    }
    return bool(_EATS.intersection(before)) and (daily or aimed)


_FAST = listed("numbers.fast")
_NO_FOOD = spellings("numbers.no_food")
_DAY = spellings("numbers.day")
_HOUR = spellings("numbers.hour")


def fasting(words: Words, at: int, value: float) -> Iterator[Found]:
    """N-09: more than a day without food."""
    unit = word_at(words, at + 1)
    long = (unit in _DAY and value >= 2) or (unit in _HOUR and 24 < value <= 400)
    if not long or word_at(words, at + 2) in {"ago", "a", "per", "pehle"}:
        return
    before, after = words[max(0, at - 4) : at], words[at + 2 : at + 7]
    near = _FAST.intersection(words[max(0, at - 2) : at]) or _FAST.intersection(after[:3])
    named = near and not ({"lose", "perder", "kam"} & set(before[-2:]))
    without = {"no", "without", "sin", "bina", "only", "just", "solo", "sirf", "not"} & {
        *before,
        *after,
    } and _NO_FOOD.intersection({*before, *after})
    if named or without:
        yield "n_fast_long", at


_MASS_KG = spellings("numbers.mass_kg")
_MASS_LB = spellings("numbers.mass_lb")
_PERIOD = {
    **dict.fromkeys(["day", "days", "dia", "dias", "din"], 1.0),
    **dict.fromkeys(["week", "weeks", "semana", "semanas", "hafte", "hafta"], 7.0),
    **dict.fromkeys(["month", "months", "mes", "meses", "mahine", "mahina"], 30.0),
}
_ONE = spellings("numbers.one")
_LOSE = listed("numbers.lose")


def rate(words: Words, values: Sequence[float | None]) -> Iterator[Found]:
    """N-09: a loss of more than about 2.5 kg a week within three weeks; ``5 kg in 4 days``."""
    for at, value in enumerate(values):
        unit = word_at(words, at + 1)
        if value is None or unit not in _MASS_KG | _MASS_LB:
            continue
        kg = value * (0.4536 if unit in _MASS_LB else 1)
        days = next(_periods(words, values, at + 2, at + 9), None) or next(
            _periods(words, values, at - 7, at - 1), None
        )
        if days is None or days > 21 or not _LOSE.intersection(words[max(0, at - 6) : at + 9]):
            continue
        if 2 <= kg <= 30 and kg / days * 7 > 2.5:
            yield "n_fast_loss", at


def _periods(words: Words, values: Sequence[float | None], low: int, high: int) -> Iterator[float]:
    for at in range(max(0, low), min(high, len(words))):
        unit = _PERIOD.get(words[at])
        count = values[at - 1] if at else None
        if unit and count is None and word_at(words, at - 1) in _ONE:
            count = 1.0
        if unit and count:
            yield unit * count


_KG = re.compile(r"(?<![\d.])(\d{2,3}(?:[.,]\d)?)\s*(?:kg|kilos?)\b")
_CM = re.compile(r"(?<![\d.])(1\d{2})\s*(?:cm|centimetros)\b|(?<![\d.])1[.,](\d{2})\s*(?:m|metros?|mts?)\b")
_FEET = re.compile(r"(?<!\d)([45])\s*(?:'|ft|foot|feet)\s*(\d{1,2})?")
_LBS = re.compile(r"(?<![\d.])(\d{2,3})\s*(?:lbs?|pounds)\b")
UNDERWEIGHT = 18.5


def thin(text: Text, person: Mapping[str, Any]) -> Iterator[Found]:
    """X-ED: a BMI below 18.5, from the text or from what is known of the person."""
    kg = [float(one.replace(",", ".")) for one in _KG.findall(text.plain)]
    kg += [int(one) * 0.4536 for one in _LBS.findall(text.plain)]
    metres = [int(a) / 100 if a else 1 + int(b) / 100 for a, b in _CM.findall(text.plain)]
    metres += [int(a) * 0.3048 + int(b or 0) * 0.0254 for a, b in _FEET.findall(text.plain)]
    height = metres[0] if metres else number(person.get("height_cm")) / 100
    weight = kg[0] if kg and metres else number(person.get("weight_kg"))
    stated = re.search(r"\b(?:bmi|imc)\b\D{0,12}(1\d(?:[.,]\d)?)(?!\d)", text.plain)
    if (stated and float(stated[1].replace(",", ".")) < UNDERWEIGHT) or (
        height > 1.2 and weight >= 25 and weight / height**2 < UNDERWEIGHT
    ):
        yield "n_thin", 0
