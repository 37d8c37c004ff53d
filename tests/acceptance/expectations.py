"""What a case may expect of its answer: name → a function that lists what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.acceptance.answer import Answer
from tests.acceptance.bounds import bounded
from tests.acceptance.expect_training import TRAINING, Check, Expected
from tests.acceptance.loading import catalogue

ENERGY_NUMBERS = re.compile(
    r"\d[\d.,]*\s*(k?cal\b|calor|kilo?cal|कैलोरी)|BMI\D{0,12}\d|\d[\d.,]*\s*(kg|lb)\s*(/|per|a|por)\s*(week|semana)",
    re.I,
)
ENERGY_KEYS = re.compile(r"kcal|calor|bmi|deficit|weight_rate", re.I)


def _is(name: str, value: Any, expected: Any) -> list[str]:
    allowed = expected if isinstance(expected, list) else [expected]
    return (
        []
        if any(value is one or (value == one and type(value) is type(one)) for one in allowed)
        else [f"{name} is {value!r}, not {expected!r}"]
    )


def _field(name: str) -> Check:
    return lambda expected, answer: _is(name, answer.out[name], expected)


def _deload(expected: Expected, answer: Answer) -> list[str]:
    found = answer.out["deload"] or {}
    return [p for key, value in expected.items() for p in _is(f"deload.{key}", found.get(key), value)]


def _kcal(expected: Expected, answer: Answer) -> list[str]:
    kcal = answer.out["kcal"]
    if expected is None or kcal is None:
        return [] if kcal is expected else [f"kcal is {kcal!r}, not {expected!r}"]
    return [p for key, bound in expected.items() for p in bounded(f"kcal.{key}", kcal[key], bound)]


def _kcal_or_null(expected: Expected, answer: Answer) -> list[str]:
    return [] if answer.out["kcal"] is None else _kcal(expected, answer)


def _no_deficit(_: Expected, answer: Answer) -> list[str]:
    kcal = answer.out["kcal"]
    return [] if kcal is None or kcal["deficit"] <= 0 else [f"a deficit of {kcal['deficit']} kcal"]


def _weight_rate(expected: Expected, answer: Answer) -> list[str]:
    rate = answer.out["weight_rate_pct_wk"]
    if expected is None or rate is None:
        return [] if rate is expected else [f"weight_rate_pct_wk is {rate!r}, not {expected!r}"]
    return [p for one in rate for p in bounded("weight_rate_pct_wk", abs(one), expected)]


def _goal_not(expected: Expected, answer: Answer) -> list[str]:
    return [f"the goal is still {expected}"] if answer.out["goal"] == expected else []


def _e1rm(expected: Expected, answer: Answer) -> list[str]:
    return [
        p
        for one, bound in expected.items()
        for p in bounded(f"e1rm_kg.{one}", answer.out["e1rm_kg"].get(one), bound)
    ]


def _aerobic(expected: Expected, answer: Answer) -> list[str]:
    return bounded("aerobic_min", answer.out["aerobic_min"], expected)


def _rules(expected: Expected, answer: Answer) -> list[str]:
    return [f"no reason names {one}" for one in expected if one not in answer.rule_ids()]


def _rules_any(expected: Expected, answer: Answer) -> list[str]:
    return [] if answer.rule_ids() & set(expected) else [f"no reason names any of {expected}"]


def _not_rules(expected: Expected, answer: Answer) -> list[str]:
    return [f"a reason names {one}" for one in expected if one in answer.rule_ids()]


def _mentions(expected: Expected, answer: Answer) -> list[str]:
    text = "\n".join(answer.texts())
    return [f"nothing says {one!r}" for one in expected if not re.search(one, text, re.I)]


def _never_mentions(expected: Expected, answer: Answer) -> list[str]:
    return [f"{text!r} says {one!r}" for one in expected for text in answer.texts() if re.search(one, text)]


def _questions(expected: Expected, answer: Answer) -> list[str]:
    text = "\n".join(answer.out["questions"])
    return [f"no question about {one!r}" for one in expected if not re.search(one, text, re.I)]


def _no_numbers(_: Expected, answer: Answer) -> list[str]:
    said = [f"{text!r} has a number" for text in answer.texts() if ENERGY_NUMBERS.search(text)]
    keys = [key for one in [*answer.out["reasons"], *answer.out["changes"]] for key in one["numbers"]]
    return [*said, *(f"a reason carries {key}" for key in keys if ENERGY_KEYS.search(key))]


def _language(expected: Expected, answer: Answer) -> list[str]:
    if expected == "hi":
        return [f"not in Hindi: {text!r}" for text in answer.texts() if not re.search(r"[ऀ-ॿ]", text)]
    own = {text: re.sub(r"«[^»]*»", "", text) for text in answer.texts()}
    return [
        f"not in Spanish: {text!r}"
        for text, words in own.items()
        if re.search(r"\b(the|your|you|is|and|for)\b", words, re.I)
    ]


EXPECTATIONS: dict[str, Check] = TRAINING | {
    "plan_allowed": _field("plan_allowed"),
    "session": _field("today_session_allowed"),
    "escalate": _field("escalate"),
    "goal": _field("goal"),
    "goal_not": _goal_not,
    "deload": _deload,
    "kcal": _kcal,
    "kcal_or_null": _kcal_or_null,
    "no_deficit": _no_deficit,
    "weight_rate": _weight_rate,
    "e1rm": _e1rm,
    "aerobic_min": _aerobic,
    "rules": _rules,
    "rules_any": _rules_any,
    "not_rules": _not_rules,
    "mentions": _mentions,
    "never_mentions": _never_mentions,
    "questions": _questions,
    "no_numbers": _no_numbers,
    "language": _language,
}


def failures(expect: Mapping[str, Any], answer: Answer) -> list[str]:
    """What ``answer`` does not satisfy. Raises KeyError for an expectation that does not exist."""
    named = {name: value for name, value in expect.items() if name != "same_days_without"}
    unknown = {one for one in named.get("of", {}) if one not in catalogue()}
    if unknown:
        raise KeyError(f"no exercises {unknown}")
    return list(
        dict.fromkeys(
            problem for name, value in named.items() for problem in EXPECTATIONS[name](value, answer)
        )
    )
