"""The sample run's data is good, judged from the files themselves and not by our own reports."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from typing import Any

import pytest

from tests.factory import DATA, Factory

pytestmark = pytest.mark.xdist_group("e2e")
Splits = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def splits(factory: Factory) -> Splits:
    run_id = factory.submit(DATA, "quality")
    assert factory.wait(run_id).state == "completed", factory.logs()
    return {name: factory.lines(run_id, f"dataset/{name}.jsonl") for name in ("train", "val", "test")}


@pytest.fixture(scope="module")
def records(splits: Splits) -> list[dict[str, Any]]:
    return [record for split in splits.values() for record in split]


def test_nobody_is_lost_on_the_way(records: list[dict[str, Any]]) -> None:
    assert len(records) >= 7000
    assert len({record["metadata"]["user_id"] for record in records}) == 1500


def test_answers_differ_within_each_type(records: list[dict[str, Any]]) -> None:
    by_type = defaultdict(list)
    for record in records:
        by_type[record["metadata"]["type"]].append(record["response"])
    assert len(by_type) == 5
    assert all(len(set(answers)) >= 0.95 * len(answers) for answers in by_type.values())


def test_prompts_differ(records: list[dict[str, Any]]) -> None:
    assert len({record["instruction"] for record in records}) >= 0.97 * len(records)


@pytest.mark.parametrize("key", ["user_id", "cluster"])
def test_no_person_and_no_cluster_is_in_two_splits(splits: Splits, key: str) -> None:
    members = {name: {record["metadata"][key] for record in split} for name, split in splits.items()}
    assert all(members.values())
    assert not any(members[a] & members[b] for a, b in combinations(members, 2))


def test_no_answer_of_a_held_out_split_stands_in_train(splits: Splits) -> None:
    """The source project had 88 of 88."""
    train = {record["response"] for record in splits["train"]}
    held_out = [record["response"] for name in ("val", "test") for record in splits[name]]
    assert sum(answer in train for answer in held_out) <= 0.02 * len(held_out)


def test_near_duplicates_do_not_cross_splits(splits: Splits) -> None:
    """Shingles counted here anew: no held-out record is nearly a record of train."""
    train = [_shingles(record) for record in splits["train"]]
    holders = defaultdict(list)
    for number, shingles in enumerate(train):
        for shingle in shingles:
            holders[shingle].append(number)
    for record in splits["test"]:
        mine = _shingles(record)
        shared: Counter[int] = Counter()
        for shingle in mine:
            shared.update(holders.get(shingle, [])[:200])
        for number, common in shared.most_common(3):
            assert common / len(mine | train[number]) < 0.9, record["id"]


def _shingles(record: dict[str, Any]) -> set[tuple[str, ...]]:
    words = f"{record['instruction']} {record['response']}".lower().split()
    return set(zip(words, words[1:], words[2:], strict=False))


@pytest.mark.parametrize(
    ("slice_", "values", "least"),
    [
        ("age_band", 6, 0.05),
        ("sex", 3, 0.01),
        ("goal", 4, 0.1),
        ("activity", 5, 0.03),
        ("experience", 3, 0.1),
    ],
)
def test_every_slice_is_populated(
    records: list[dict[str, Any]], slice_: str, values: int, least: float
) -> None:
    counts = Counter(record["metadata"]["slices"][slice_] for record in records)
    assert len(counts) == values
    assert min(counts.values()) >= least * len(records), counts


def test_conditions_are_populated(records: list[dict[str, Any]]) -> None:
    counts = Counter(record["metadata"]["slices"]["condition"] for record in records)
    assert len(counts) >= 12
    assert 0.3 <= counts["none"] / len(records) <= 0.7


def test_sleep_calories_and_weight_reach_the_prompts(records: list[dict[str, Any]]) -> None:
    later = [record for record in records if "week0" not in record["metadata"]["tags"]]
    for word in ("Sleep", "kcal", "Weight"):
        assert sum(word in record["context"] for record in later) >= 0.95 * len(later), word


def test_red_flags_and_injections_are_among_them(records: list[dict[str, Any]]) -> None:
    tags = Counter(tag.split(":")[0] for record in records for tag in record["metadata"]["tags"])
    assert tags["red_flag"] >= 0.03 * len(records)
    assert tags["injection"] >= 0.02 * len(records)
    flagged = [r for r in records if any(t.startswith("red_flag") for t in r["metadata"]["tags"])]
    assert all(record["metadata"]["action"] in ("escalate", "refuse") for record in flagged)
