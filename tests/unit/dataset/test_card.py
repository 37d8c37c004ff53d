from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from fitsense.config import Dataset
from jobs.dataset.card import card
from jobs.dataset.facts import Ingredient, facts
from tests.factories import responses
from tests.unit.dataset.building import Built, asked_by, built, good

RECIPE = [
    Ingredient("queries", {"per_user": 4, "mix": {"a|b": 1.0}}, "a" * 64, 7, 600),
    Ingredient("teacher", {"kind": "rules"}, "b" * 64, 7, 600),
]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Built:
    rows = responses(600, seed=7)
    copies = [asked_by(row, 900 + k, 0) for k, row in enumerate(good(rows)[:9])]
    return built([*rows, *copies], tmp_path_factory.mktemp("card"))


@pytest.fixture(scope="module")
def told(sample: Built) -> dict[str, Any]:
    return facts(sample.outcome, RECIPE, Dataset(), seed=7)


def test_facts_add_up(sample: Built, told: dict[str, Any]) -> None:
    kept = sample.kept
    assert told["rows_in"] == 609 == told["records"] + sum(told["rejected"].values())
    assert told["rejected"] == sample.reasons
    assert told["duplicates"]["exact_duplicates"] == 9
    assert sum(split["records"] for split in told["splits"].values()) == told["records"] == len(kept)
    assert sum(split["users"] for split in told["splits"].values()) == told["users"]
    for name, values in told["values"].items():
        assert sum(values.values()) == told["records"]
        for value, n in values.items():
            assert n == sum(split["values"][name].get(value, 0) for split in told["splits"].values())
    tagged = [tag for record in kept.values() for tag in record["metadata"]["tags"]]
    assert told["tags"] == {tag: tagged.count(tag) for tag in sorted(set(tagged))}
    assert told["context_carries"] == dict.fromkeys(("sleep", "kcal", "weight"), told["records"])


def test_repeated_responses_are_told_per_type(tmp_path: Path) -> None:
    rows = [row for row in good(responses(600, seed=7)) if row["query"]["type"] == "free_coaching"]
    for k, row in enumerate(rows[:20]):
        row["answer"]["message"] = "Sleep, eat, come back tomorrow."
        row["query"]["prompt"] = f"thing{k} what{k} how{k} why{k} when{k}?"
    found = facts(built(rows, tmp_path).outcome, RECIPE, Dataset(), seed=7)
    type_facts = found["responses"]["free_coaching"]
    actions = {row["query"]["expected_action"] for row in rows[:20]}
    assert actions == {"answer"}
    assert type_facts["records"] == len(rows)
    assert type_facts["unique"] == len(rows) - 19
    assert found["held_out_with_a_response_of_train"] > 0


def test_the_recipe_is_identified_by_every_stage_and_the_seed(sample: Built, told: dict[str, Any]) -> None:
    changed = [RECIPE[0], Ingredient("teacher", {"kind": "rules"}, "c" * 64, 7, 600)]
    others = [
        facts(sample.outcome, changed, Dataset(), 7),
        facts(sample.outcome, RECIPE, Dataset(), 8),
        facts(sample.outcome, RECIPE, Dataset(max_characters=9000), 7),
    ]
    assert len({told["recipe_sha256"], *(other["recipe_sha256"] for other in others)}) == 4


def test_the_card_tells_the_facts(told: dict[str, Any]) -> None:
    text = card(told)
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["language"] == ["en", "es", "hi"]
    train = told["splits"]["train"]
    assert f"| train | {train['records']} | {100 * train['share']:.1f} % | 80.0 % |" in text
    assert f"| exact_duplicate | {told['rejected']['exact_duplicate']} |" in text
    assert f"| plan_creation | {told['values']['type']['plan_creation']} |" in text
    assert told["recipe_sha256"] in text
    assert "not medical advice" in text
    assert "FitSense's own rules" in text


def test_the_card_says_whose_terms_bind(told: dict[str, Any]) -> None:
    teacher = {"stage": "teacher", "params": {"kind": "openai_compatible", "model": "big-1"}}
    foreign = {**told, "recipe": [told["recipe"][0], {**told["recipe"][1], **teacher}]}
    assert "a model of another provider (big-1)" in card(foreign)


def test_tables_are_whole_whatever_stands_in_them(told: dict[str, Any]) -> None:
    nasty = {**told, "tags": {"a|b\n`c` <script>": 3}}
    text = card(nasty)
    assert r"| a\|b \`c\` \<script\> | 3 |" in text
    columns = 0
    for line in text.splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1 if line.startswith("|") else 0
        assert not (cells and columns) or cells == columns, line
        columns = cells
    assert "\n\n\n" not in text


def test_card_and_summary_are_plain_data(told: dict[str, Any]) -> None:
    assert card(orjson.loads(orjson.dumps(told))) == card(told)
