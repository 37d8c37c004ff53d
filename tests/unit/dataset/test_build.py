from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fitsense.errors import BadArtifact, GateFailed, Interrupted
from fitsense.prompting import context_of
from fitsense.records import CoachAnswer, DatasetRecord
from tests.factories import responses
from tests.unit.dataset.building import Built, Row, asked_by, built, decided, drained, good, make


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return responses(600, seed=7)


@pytest.fixture(scope="module")
def plain(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(rows, tmp_path_factory.mktemp("plain"))


def test_every_row_is_kept_or_rejected_with_its_reason(plain: Built, rows: list[Row]) -> None:
    expected = {
        row["query"]["query_id"]: row["rejected"] for row in rows if row["rejected"] or not row["answer"]
    }
    assert len(expected) > 10
    assert {identity: reason for identity, (reason, _) in plain.rejected.items()} == expected
    assert plain.kept.keys() == {row["query"]["query_id"] for row in rows} - expected.keys()
    assert plain.outcome.rejected() == plain.reasons
    assert sum(plain.rows[f"{name}.jsonl"] for name in ("train", "val", "test", "rejected")) == len(rows)
    assert plain.rejected[next(iter(expected))][1] == "broke N-03"


def test_records_hold_what_the_contract_says(plain: Built, rows: list[Row]) -> None:
    kept = plain.kept
    for row in good(rows):
        query, record = row["query"], kept[row["query"]["query_id"]]
        DatasetRecord.model_validate({key: record[key] for key in record if key != "split"})
        assert record["instruction"] == query["prompt"]
        assert record["context"] == context_of(query)
        answer = CoachAnswer.model_validate_json(record["response"])
        assert answer == CoachAnswer.model_validate(row["answer"])
        assert record["response"].startswith('{"action":"')
        for key in ("user_id", "type", "language", "slices", "tags", "safety"):
            assert record["metadata"][key] == query[key]
        assert record["metadata"]["action"] == row["answer"]["action"]
        assert record["metadata"]["cluster"] == record["id"]


def test_every_file_has_the_rows_it_was_announced_with(plain: Built) -> None:
    for name in ("train", "val", "test", "rejected"):
        assert len(lines_of(plain, name)) == plain.rows[f"{name}.jsonl"]


def test_lines_keep_the_order_of_the_input(plain: Built) -> None:
    for name in ("train", "val", "test", "rejected"):
        ids = [row["id"] for row in plain.records(name)]
        assert ids == sorted(ids)


def test_the_index_has_a_row_a_record(plain: Built, rows: list[Row]) -> None:
    index = pl.read_parquet(plain.files["index.parquet"]).to_dicts()
    kept = plain.kept
    assert [row["id"] for row in index] == sorted(kept)
    source = {row["query"]["query_id"]: row for row in rows}
    for row in index:
        record, answer = kept[row["id"]], source[row["id"]]["answer"]
        plan = answer["plan"]
        assert row["split"] == record["split"]
        assert row["cluster"] == record["metadata"]["cluster"]
        assert {key: row[key] for key in record["metadata"]["slices"]} == record["metadata"]["slices"]
        assert row["tags"] == record["metadata"]["tags"]
        assert [row["prompt_chars"], row["context_chars"], row["response_chars"]] == [
            len(record[key]) for key in ("instruction", "context", "response")
        ]
        sets = sum(e["sets"] for day in plan["days"] for e in day["exercises"]) if plan else 0
        assert (row["has_plan"], row["plan_sets"]) == (plan is not None, sets)
        assert row["plan_days"] == (len(plan["days"]) if plan else 0)
        assert (row["has_sleep"], row["has_kcal"], row["has_weight"]) == (True, True, True)


def test_hard_sets_leave_out_easy_ones_and_empty_logs_show(tmp_path: Path, rows: list[Row]) -> None:
    changed = copy.deepcopy(good(rows)[:80])
    first = next(row for row in changed if row["answer"]["plan"])
    for day in first["answer"]["plan"]["days"]:
        for exercise in day["exercises"]:
            exercise["rir"] = 5.0
    first["query"]["context"] |= {"sleep_h": [], "kcal": []}
    index = pl.read_parquet(built(changed, tmp_path).files["index.parquet"])
    found = index.row(by_predicate=pl.col("id") == first["query"]["query_id"], named=True)
    assert (found["has_plan"], found["plan_sets"]) == (True, 0)
    assert (found["has_sleep"], found["has_kcal"], found["has_weight"]) == (False, False, True)


def test_planted_exact_duplicates_go_and_name_their_original(tmp_path: Path, rows: list[Row]) -> None:
    own = good(rows)[:300]
    copies = [asked_by(row, 900 + k, 0) for k, row in enumerate(own[::10])]
    for k, row in enumerate(copies):
        prompt = row["query"]["prompt"]
        row["query"]["prompt"] = [prompt, f"  {prompt.upper()}\n"][k % 2]
    found = built([*own, *copies], tmp_path)
    assert found.rejected == {
        made["query"]["query_id"]: ("exact_duplicate", f"of {row['query']['query_id']}")
        for row, made in zip(own[::10], copies, strict=True)
    }


def test_planted_near_duplicates_go_whoever_asked(tmp_path: Path, rows: list[Row]) -> None:
    planned = [row for row in good(rows) if row["answer"]["plan"]][:60]
    copies = [asked_by(row, 900 + k, 0) for k, row in enumerate(planned)]
    for k, row in enumerate(copies):
        row["query"]["context"]["age"] = 33
        if k % 2:  # the last word changed: 3 of more than 100 shingles
            row["answer"]["message"] = row["answer"]["message"].rsplit(" ", 1)[0] + " changed."
    others = [row for row in good(rows) if not row["answer"]["plan"]]
    found = built([*planned, *others, *copies], tmp_path)
    assert len(found.rejected) == 60
    for k, (row, made) in enumerate(zip(planned, copies, strict=True)):
        reason, detail = found.rejected[made["query"]["query_id"]]
        name, value = detail.split(", similarity ")
        assert (reason, name) == ("near_duplicate", f"of {row['query']['query_id']}")
        assert float(value) == 1.0 if k % 2 == 0 else 0.9 <= float(value) < 1


def test_the_smaller_id_stays_wherever_it_stands(tmp_path: Path, rows: list[Row]) -> None:
    own = good(rows)[:200]
    later = asked_by(own[0], 900, 0)
    found = built([later, *own], tmp_path)
    assert found.rejected == {
        "q00000900-00": ("exact_duplicate", f"of {own[0]['query']['query_id']}"),
    }


def alike_in_answer(rows: list[Row], people: int) -> list[Row]:
    """Copies of one long answer to questions that differ by their last word."""
    base = next(row for row in good(rows) if row["answer"]["plan"])
    copies = [asked_by(base, 900 + k, 0) for k in range(people)]
    for k, row in enumerate(copies):
        row["query"]["prompt"] = f"What now, coach, number{k}?"
    return copies


def test_alike_in_the_answer_alone_stay_together_in_one_split(tmp_path: Path, rows: list[Row]) -> None:
    copies = alike_in_answer(rows, 12)
    kept = built([*good(rows), *copies], tmp_path).kept
    records = [kept[row["query"]["query_id"]] for row in copies]
    assert {record["metadata"]["cluster"] for record in records} == {"q00000900-00"}
    assert len({record["split"] for record in records}) == 1


def test_a_cluster_is_named_by_a_record_that_is_there(tmp_path: Path, rows: list[Row]) -> None:
    copies = alike_in_answer(rows, 3)
    twin = asked_by(copies[0], 800, 0)  # the smallest id of the cluster, and gone: its id comes twice
    found = built([*good(rows)[:300], copies[2], twin, twin, *copies[:2]], tmp_path)
    clusters = {record["metadata"]["cluster"] for record in found.kept.values()}
    assert clusters <= found.kept.keys()
    assert found.reasons == {"duplicate_id": 1, "exact_duplicate": 1}


def test_one_answer_for_everybody_fails_with_a_reason(tmp_path: Path, rows: list[Row]) -> None:
    with pytest.raises(GateFailed, match="into one component"):
        built(alike_in_answer(rows, 100), tmp_path)


def test_one_question_and_answer_for_everybody_leaves_nothing_to_split(
    tmp_path: Path, rows: list[Row]
) -> None:
    copies = [asked_by(good(rows)[0], k, 0) for k in range(30)]
    with pytest.raises(GateFailed, match="nothing is left for val and test"):
        built(copies, tmp_path)


def test_too_long_and_empty_prompts_are_rejected(tmp_path: Path, rows: list[Row]) -> None:
    changed = copy.deepcopy(good(rows)[:120])
    changed[5]["answer"]["message"] = "x" * 3900
    changed[6]["query"]["prompt"] = " \n"
    found = built(changed, tmp_path, max_characters=4000)
    assert found.reasons == {"too_long": 1, "empty_prompt": 1}
    _, detail = found.rejected[changed[5]["query"]["query_id"]]
    assert detail.endswith("characters, 4000 are allowed")


def test_answers_that_are_flagged_or_missing_do_not_pass(tmp_path: Path, rows: list[Row]) -> None:
    changed = copy.deepcopy(good(rows)[:120])
    changed[5]["violations"] = ["N-03", "E-01"]
    changed[6]["answer"] = None
    rejected = built(changed, tmp_path).rejected
    assert rejected[changed[5]["query"]["query_id"]] == ("rule_violation", "broke N-03, E-01")
    assert rejected[changed[6]["query"]["query_id"]][0] == "no_answer"


def test_unicode_comes_through_whole(tmp_path: Path, rows: list[Row]) -> None:
    changed = copy.deepcopy(good(rows)[:120])
    changed[3]["query"]["prompt"] = "हफ़्ते में ३ दिन 🏋️ ¿qué hago? \u2028 fin"
    changed[3]["answer"]["message"] = "ठीक है — dormí “bien”\n\t🙂 " + "\ud83d\ude00".encode(
        "utf-16", "surrogatepass"
    ).decode("utf-16")
    found = built(changed, tmp_path)
    record = next(
        row
        for name in ("train", "val", "test")
        for row in lines_of(found, name)
        if row["id"] == changed[3]["query"]["query_id"]
    )
    assert record["instruction"] == changed[3]["query"]["prompt"]
    assert CoachAnswer.model_validate_json(record["response"]).message == changed[3]["answer"]["message"]


def lines_of(found: Built, name: str) -> list[dict[str, Any]]:
    """JSON lines as a reader takes them that knows line feeds alone."""
    import orjson

    return [orjson.loads(line) for line in found.files[f"{name}.jsonl"].split(b"\n") if line]


def test_workers_change_no_byte(
    tmp_path: Path, plain: Built, rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.dataset.build.BATCH", 37)
    assert built(rows, tmp_path, workers=2).files == plain.files


def test_the_seed_moves_people_between_splits(tmp_path: Path, plain: Built, rows: list[Row]) -> None:
    other = built(rows, tmp_path, seed=2)
    assert other.kept.keys() == plain.kept.keys()
    assert other.files["train.jsonl"] != plain.files["train.jsonl"]


def test_a_leaking_build_fails(tmp_path: Path, rows: list[Row]) -> None:
    build = make(rows, tmp_path)
    outcome = decided(build)
    split = outcome.split.copy()
    victim = int(np.flatnonzero(split == 2)[0])
    split[victim] = 0
    with pytest.raises(GateFailed, match="1 user_id in test and train"):
        drained(build, dataclasses.replace(outcome, split=split))


def test_no_rows_and_no_good_rows_fail_clearly(tmp_path: Path, rows: list[Row]) -> None:
    with pytest.raises(BadArtifact, match="files are empty"):
        built([], tmp_path)
    bad = [row for row in rows if row["rejected"]]
    with pytest.raises(GateFailed, match=f"none of {len(bad)} responses is good: .*timeout"):
        built(bad, tmp_path)


def test_a_torn_line_and_a_missing_one_fail(tmp_path: Path, rows: list[Row]) -> None:
    with pytest.raises(BadArtifact, match="no teacher response: query"):
        built([*rows[:50], {"query": 3}], tmp_path)
    build = make(rows[:50], tmp_path)
    build._rows = 51
    with pytest.raises(BadArtifact, match="hold 50 lines, its manifest says 51"):
        decided(build)


class _Stop:
    """Raises Interrupted at the ``at``th question."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.asked = 0

    def __call__(self) -> None:
        self.asked += 1
        if self.asked == self.at:
            raise Interrupted("told to stop")


def test_the_wish_to_stop_is_noticed_in_every_phase(tmp_path: Path, rows: list[Row]) -> None:
    def run(stop: _Stop) -> None:
        build = make(rows, tmp_path, pause=stop)
        drained(build, decided(build))

    never = _Stop(0)
    build = make(rows, tmp_path, pause=never)
    outcome = decided(build)
    while_deciding = never.asked
    drained(build, outcome)
    assert while_deciding > 10  # the bands of the search
    assert never.asked >= while_deciding + 4  # each file that is written
    for at in (1, never.asked // 2, never.asked):
        with pytest.raises(Interrupted):
            run(_Stop(at))
