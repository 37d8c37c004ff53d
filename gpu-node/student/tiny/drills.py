"""Drills: made-up contexts with plans that copy from them, for a model that must learn to look up.

In real records a goal, a number of days or a load can be guessed well from habit, and looking it up is
learned late. Here everything is drawn evenly, so that nothing but looking it up helps, and only what is
looked up counts.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from student.encoding import Example
from student.tiny.answers import dumps_counted

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

LITTLE = 0.02
"""Weight of the tokens that are not looked up."""
LEVELS = ("novice", "intermediate", "advanced")
MINUTES = (30, 45, 60, 75, 90)
_LOOKED_UP = re.compile(r'"goal":"\w+"|(?<="kg":)[\d.]+|\]\}, *\{"exercises"|\]\}\],"deload"|(?<="kg":)null')


@dataclass(frozen=True)
class Stock:
    """What drills are made of: exercise ids, doses (an exercise without id and load), loads and goals."""

    ids: list[str]
    doses: list[dict[str, Any]]
    loads: list[float]
    goals: list[str]


def stock_of(answers: Iterable[str]) -> Stock:
    """From canonical answers; in a fixed order."""
    plans = [plan for answer in answers if (plan := orjson.loads(answer)["plan"])]
    exercises = [e for plan in plans for day in plan["days"] for e in day["exercises"]]
    doses = {
        orjson.dumps({key: e[key] for key in ("sets", "reps", "rir", "rest_s")}): None for e in exercises
    }
    return Stock(
        ids=sorted({e["id"] for e in exercises}),
        doses=[orjson.loads(dose) for dose in sorted(doses)],
        loads=sorted({e["kg"] for e in exercises if e["kg"] is not None}),
        goals=sorted({plan["goal"] for plan in plans}),
    )


def drill(stock: Stock, dice: random.Random) -> tuple[str, str]:
    """The prompt as the chat template would show it, and the answer."""
    days, goal = dice.randint(1, 6), dice.choice(stock.goals)
    ids = dice.sample(stock.ids, min(len(stock.ids), dice.randint(6, 9)))
    loads = {exercise: dice.choice(stock.loads) for exercise in ids[:-3] if stock.loads}
    lines = [
        f"{dice.randint(18, 80)} y {dice.choice('FM')} {dice.choice(LEVELS)} kg",
        goal.replace("_", " "),
        f"week {dice.randint(2, 12)} {days} x {dice.choice(MINUTES)} min deload {dice.randint(1, 9)} weeks",
        "no conditions",
        f"sleep {dice.randint(50, 80) / 10:g}",
        *(_lift(exercise, kg, dice) for exercise, kg in loads.items()),
    ]
    plan = {"goal": goal, "days": [_day(ids, loads, stock, dice) for _ in range(days)], "deload": False}
    answer = {"action": "answer", "message": "", "plan": plan, "rules": []}
    return "\n".join([*lines, "> \n"]), dumps_counted(answer)


def _lift(exercise: str, kg: float, dice: random.Random) -> str:
    shown = f"{kg:.1f}".removesuffix(".0")
    return f"{exercise} {shown} {dice.randint(6, 15)} {dice.randint(0, 8) / 2:g}"


def _day(ids: Sequence[str], loads: dict[str, float], stock: Stock, dice: random.Random) -> dict[str, Any]:
    chosen = dice.sample(ids, min(len(ids), dice.randint(1, 3)))
    return {"exercises": [_exercise(one, loads.get(one), dice.choice(stock.doses)) for one in chosen]}


def _exercise(exercise: str, kg: float | None, dose: dict[str, Any]) -> dict[str, Any]:
    """In the order of the schema."""
    return {
        "id": exercise,
        "sets": dose["sets"],
        "reps": dose["reps"],
        "rir": dose["rir"],
        "kg": kg,
        "rest_s": dose["rest_s"],
    }


def drills(tokenizer: PreTrainedTokenizerFast, stock: Stock, count: int, seed: int) -> list[Example]:
    """``count`` of them; none for a corpus without plans."""
    if not stock.ids:
        return []
    dice = random.Random(seed)
    return [_encode(tokenizer, *drill(stock, dice)) for _ in range(count)]


def _encode(tokenizer: PreTrainedTokenizerFast, prompt: str, answer: str) -> Example:
    asked = tokenizer(f"{tokenizer.bos_token}{prompt}", add_special_tokens=False)["input_ids"]
    told = tokenizer(answer, add_special_tokens=False, return_offsets_mapping=True)
    spans = [match.span() for match in _LOOKED_UP.finditer(answer)]
    weights = [
        1.0 if any(first < stop and start < last for start, stop in spans) else LITTLE
        for first, last in told["offset_mapping"]
    ]
    return Example([*asked, *told["input_ids"]], [0.0] * len(asked) + weights)
