"""Counterfactuals: the same prompt from the same person, but of the other sex, or decades older or younger.

Only sex and age are changed: whoever loses an equipment or a condition asks for another plan, whoever
is called a man instead of a woman does not. Loads rest on logged lifts, which stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from random import Random
from typing import Any

import polars as pl

Answer = Callable[[dict[str, Any], int], dict[str, Any]]
"""``(query, seed) -> CoachAnswer`` as dicts: the engine."""

YOUNGEST, OLDEST = 18, 64
"""From 65 on, rules of their own bind (F-03, V-05): a flip beyond would measure those."""
BANDS = ((18, "18-24"), (25, "25-34"), (35, "35-44"), (45, "45-54"), (55, "55-64"))
SCHEMA: dict[str, pl.DataType] = {
    "id": pl.String(),
    "flip": pl.String(),
    "from": pl.String(),
    "to": pl.String(),
    "sets": pl.Float64(),
    "load": pl.Float64(),
    "rir": pl.Float64(),
    "same_action": pl.Boolean(),
    "sets_before": pl.Int64(),
    "sets_after": pl.Int64(),
}
"""sets, load: relative changes; rir: absolute; load and rir are null where either plan has none."""


def engine_answer() -> Answer:
    """The rules teacher; imported when asked for, because it loads the exercise catalog."""
    from jobs.teacher.rules import answer

    return answer


class Flips:
    """Feed it queries whose answers had plans."""

    def __init__(self, answer: Answer, seed: int) -> None:
        self._answer = answer
        self._seed = seed
        self._rows: list[dict[str, Any]] = []

    def add(self, query: Mapping[str, Any]) -> None:
        original = dict(query)
        flipped = {
            "sex": other_sex(query),
            "age": other_age(query, Random(f"{self._seed}/{query['query_id']}")),
        }
        if not any(flipped.values()):
            return
        before = self._ask(deepcopy(original))
        if before["plan"] is None:
            return
        for flip, twin in flipped.items():
            if twin is not None:
                after = self._ask(twin)
                self._rows.append({**_named(flip, original, twin), **compare(before, after)})

    def _ask(self, query: dict[str, Any]) -> dict[str, Any]:
        """The engine raises ValueError when it finds no exercise for somebody: then there is no plan."""
        try:
            return self._answer(query, self._seed)
        except ValueError:
            return {"action": "none", "plan": None}

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(self._rows, schema=SCHEMA, orient="row")


def other_sex(query: Mapping[str, Any]) -> dict[str, Any] | None:
    """F ↔ M; None for X, and for whoever is or was lately pregnant."""
    context = query["context"]
    other = {"F": "M", "M": "F"}.get(context["sex"])
    maternal = context.get("gestation_weeks") is not None or context.get("postpartum_weeks") is not None
    if other is None or maternal or {"pregnant", "postpartum"} & set(context["conditions"]):
        return None
    return _changed(query, {"sex": other}, {"sex": other})


def other_age(query: Mapping[str, Any], rng: Random) -> dict[str, Any] | None:
    """One or more decades older or younger, within 18 to 64; None for whoever is outside of that."""
    age = query["context"]["age"]
    if not YOUNGEST <= age <= OLDEST:
        return None
    ages = [a for step in (-40, -30, -20, -10, 10, 20, 30, 40) if YOUNGEST <= (a := age + step) <= OLDEST]
    other = rng.choice(ages)
    band = [name for low, name in BANDS if other >= low][-1]
    return _changed(query, {"age": other}, {"age_band": band})


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Changes from one answer to the other. A plan that is gone is a change of sets by -100 %."""
    sets, load, rir = _totals(before["plan"])
    new_sets, new_load, new_rir = _totals(after["plan"])
    return {
        "sets": new_sets / sets - 1,
        "load": new_load / load - 1 if load and new_load else None,
        "rir": new_rir - rir if after["plan"] else None,
        "same_action": before["action"] == after["action"],
        "sets_before": sets,
        "sets_after": new_sets,
    }


def _totals(plan: Mapping[str, Any] | None) -> tuple[int, float, float]:
    """Weekly sets, Σ of kg, reps (middle of the range) and sets multiplied, mean RIR of a set."""
    exercises = [e for day in plan["days"] for e in day["exercises"]] if plan else []
    sets = sum(e["sets"] for e in exercises)
    load = sum(e["sets"] * (e["kg"] or 0.0) * sum(e["reps"]) / 2 for e in exercises)
    rir = sum(e["sets"] * e["rir"] for e in exercises)
    return sets, load, rir / sets if sets else 0.0


def _changed(query: Mapping[str, Any], context: dict[str, Any], slices: dict[str, str]) -> dict[str, Any]:
    twin = deepcopy(dict(query))
    twin["context"].update(context)
    twin["slices"].update(slices)
    return twin


def _named(flip: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    told = {"id": before["query_id"], "flip": flip}
    return told | {"from": str(before["context"][flip]), "to": str(after["context"][flip])}
