"""Drills: everything that counts can be looked up in the prompt."""

from __future__ import annotations

import random

import orjson
import pytest
from transformers import PreTrainedTokenizerFast

from student.texts import conversations
from student.tiny.answers import brief
from student.tiny.drills import LITTLE, Stock, drill, drills, stock_of
from student.tiny.tokenizer import shown, train_tokenizer
from tests.gpu.corpus import record

TOLD = conversations([record(number) for number in range(40)], brief)
STOCK = Stock(
    ids=[f"sq{number:02d}" for number in range(12)],
    doses=[{"sets": 3, "reps": [8, 12], "rir": 2, "rest_s": 90}],
    loads=[10, 12.5, 20],
    goals=["fat_loss", "strength"],
)


@pytest.mark.parametrize("seed", range(20))
def test_goal_days_and_loads_stand_in_the_prompt(seed: int) -> None:
    prompt, answer = drill(STOCK, random.Random(seed))
    lines, plan = prompt.splitlines(), orjson.loads(answer)["plan"]

    assert lines[1] == plan["goal"].replace("_", " ")
    assert f" {len(plan['days'])} x " in lines[2]
    listed = {line.split()[0]: float(line.split()[1]) for line in lines if line.startswith("sq")}
    for exercise in (e for day in plan["days"] for e in day["exercises"]):
        assert exercise["kg"] == listed.get(exercise["id"])


def test_only_what_is_looked_up_counts() -> None:
    tokenizer: PreTrainedTokenizerFast = train_tokenizer(
        shown(TOLD), vocabulary=400, merges=300, positions=512
    )
    example = drills(tokenizer, STOCK, 1, 3)[0]

    full = [i for i, weight in zip(example.ids, example.weights, strict=True) if weight == 1]
    assert set(example.weights) == {0.0, LITTLE, 1.0}
    assert 0 < len(full) < len(example) / 2


def test_the_stock_comes_from_the_corpus_alone() -> None:
    stock = stock_of(told[-1]["content"] for told in TOLD)

    assert stock.ids == ["sq03"]
    assert stock.goals == ["fat_loss"]
    assert set(stock.loads) <= {10, 12.5, 20}
    assert drills(None, stock_of(['{"plan":null}']), 5, 0) == []  # type: ignore[arg-type]
