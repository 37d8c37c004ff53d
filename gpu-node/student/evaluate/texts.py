"""Measures of an answer's words: likeness to a reference, grounding, sameness. Pure.

chrF: Popović 2015, https://aclanthology.org/W15-3049 (characters to 6-grams, beta 2, spaces left out).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil, floor
from typing import Any

from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.load.rounding import KG_PER_LB
from fitsense.training.verify import session_minutes
from fitsense.training.week.volume import weekly_sets
from student.texts import NUMBER

ORDER = 6
BETA = 2.0
PHRASE = 4
"""Words of a phrase; four that are the same are seldom chance."""
_DIGITS = re.compile(r"\d+(?:[.,]\d+)?")


def chrf(text: str, reference: str) -> float:
    """Mean character n-gram F2 of ``text`` against ``reference``, 0 to 1."""
    one, other = "".join(text.split()), "".join(reference.split())
    scores = [score for n in range(1, ORDER + 1) if (score := _f_score(one, other, n)) is not None]
    return sum(scores) / len(scores) if scores else 0.0


def _f_score(one: str, other: str, n: int) -> float | None:
    found, wanted = _grams(one, n), _grams(other, n)
    if not found or not wanted:
        return 0.0 if found or wanted else None
    same = (found & wanted).total()
    if not same:
        return 0.0
    precision, recall = same / found.total(), same / wanted.total()
    return (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)


def _grams(text: str, n: int) -> Counter[str]:
    return Counter(text[at : at + n] for at in range(len(text) - n + 1))


def grounded(message: str, known: Iterable[str], answer: Mapping[str, Any]) -> float | None:
    """Share of the message's numbers that stand in ``known`` texts or in the answer's own plan.

    None for a message without numbers. Numbers in ids of rules and exercises are none. Either may be told in
    pounds. The plan's are also its days, its sums of sets and its minutes (T-01). What else is worked out (a
    change in percent) or belongs to a rule (a cap) does not count: the teacher's share is the measure.
    """
    said = [_value(number) for number in NUMBER.findall(message)]
    if not said:
        return None
    stood = {_value(number) for text in known for number in _DIGITS.findall(text)}
    allowed = {form for value in {*stood, *_of_plan(answer.get("plan"))} for form in _forms(value)}
    return sum(value in allowed for value in said) / len(said)


def _value(number: str) -> float:
    return round(float(number.replace(",", ".")), 1)


def _forms(value: float) -> Iterator[float]:
    """As it is, whole, and in pounds to 1, 0.5 and 0.1."""
    yield round(value, 1)
    yield float(round(value))
    pounds = value / KG_PER_LB
    yield from (round(pounds, 1), float(round(pounds)), round(2 * pounds) / 2)


def _of_plan(plan: Mapping[str, Any] | None) -> Iterator[float]:
    if plan is None:
        return
    yield from map(float, range(1, len(plan["days"]) + 1))
    for day in plan["days"]:
        minutes = session_minutes(day)
        yield from (floor(minutes), ceil(minutes), len(day["exercises"]))
        yield sum(one["sets"] for one in day["exercises"])
        for one in day["exercises"]:
            yield from (one["sets"], *one["reps"], one["rir"], one["rest_s"], one["rest_s"] / 60)
            if one["kg"] is not None:
                yield one["kg"]
    known = load_catalog()
    if all(one["id"] in known for day in plan["days"] for one in day["exercises"]):
        yield from weekly_sets(plan["days"]).values()


def novelty(messages: Sequence[str]) -> list[float | None]:
    """For each message the share of its four-word phrases that no other message has (1 - Self-BLEU's idea).

    None for a message shorter than that. A mean over messages has an interval; distinct-n has none.
    """
    phrases = [set(_phrases(message)) for message in messages]
    counts = Counter(phrase for own in phrases for phrase in own)
    return [sum(counts[one] == 1 for one in own) / len(own) if own else None for own in phrases]


def distinct(messages: Sequence[str], n: int = 2) -> float:
    """distinct-n (Li et al. 2016): different n-word phrases among all; 0 of nothing."""
    found = [phrase for message in messages for phrase in _phrases(message, n)]
    return len(set(found)) / len(found) if found else 0.0


def _phrases(message: str, n: int = PHRASE) -> list[tuple[str, ...]]:
    words = message.casefold().split()
    return [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]
