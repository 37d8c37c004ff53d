"""Validation: clean data are green, and each check has a dataset that turns it red."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import polars as pl
import pytest

from jobs.validation.checks import Declared
from tests.unit.quality.judging import names, red, validation
from tests.unit.quality.samples import Run

Break = Callable[[Run], Declared | None]


def first(run: Run, split: str = "train") -> dict[str, Any]:
    return run.records[split][0]


def too_few(run: Run) -> None:
    for split in run.records:
        run.records[split] = run.records[split][:20]


def unknown_field(run: Run) -> None:
    first(run)["comment"] = "an extra key"


def empty_prompt(run: Run) -> None:
    first(run)["instruction"] = "  "


def no_user(run: Run) -> None:
    del first(run)["metadata"]["user_id"]


def null_context(run: Run) -> None:
    first(run)["context"] = None


def unknown_language(run: Run) -> None:
    first(run)["metadata"]["language"] = "fr"


def unknown_slice(run: Run) -> None:
    first(run)["metadata"]["slices"]["sex"] = "female"


def wrong_type(run: Run) -> None:
    first(run)["metadata"]["tags"] = "pain"


def torn_response(run: Run) -> None:
    first(run)["response"] = first(run)["response"][:-9]


def prose_response(run: Run) -> None:
    first(run)["response"] = '"Just train, it will be fine, whatever your log may say."'


def other_action(run: Run) -> None:
    first(run)["metadata"]["action"] = "refuse"


def short(run: Run) -> None:
    first(run)["response"] = '{"action":"answer","message":"ok"}'


def long(run: Run) -> None:
    first(run)["context"] += " x" * 12_000


def same_id(run: Run) -> None:
    run.records["train"][1]["id"] = first(run)["id"]


def same_content(run: Run) -> None:
    for field in ("instruction", "context", "response"):
        run.records["train"][1][field] = first(run)[field]
    run.records["train"][1]["metadata"]["action"] = first(run)["metadata"]["action"]


def unbalanced(run: Run) -> None:
    half = len(run.records["train"]) // 2
    run.records["val"] += run.records["train"][half:]
    del run.records["train"][half:]


def user_in_two(run: Run) -> None:
    first(run, "test")["metadata"]["user_id"] = first(run)["metadata"]["user_id"]


def cluster_in_two(run: Run) -> None:
    first(run, "test")["metadata"]["cluster"] = first(run)["metadata"]["cluster"]


def memorised(run: Run) -> None:
    """The defect of a dataset whose every test response stood in train."""
    by_action = {r["metadata"]["action"]: r["response"] for r in run.records["train"]}
    for record in run.records["test"]:
        record["response"] = by_action[record["metadata"]["action"]]


def miscounted_manifest(run: Run) -> Declared:
    declared = run.declared()
    return replace(declared, manifest_rows={**declared.manifest_rows, "val": 1})


def miscounted_summary(run: Run) -> Declared:
    declared = run.declared()
    return replace(declared, summary_rows={**declared.summary_rows, "val": 1})


def index_lies(run: Run) -> Declared:
    declared = run.declared()
    other = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("val")).otherwise("split")
    return replace(declared, index=declared.index.with_columns(other.alias("split")))


def index_lacks(run: Run) -> Declared:
    declared = run.declared()
    return replace(declared, index=declared.index.tail(-1))


BREAKS: list[tuple[str, Break]] = [
    ("records", too_few),
    ("schema", unknown_field),
    ("schema", wrong_type),
    ("missing", empty_prompt),
    ("missing", no_user),
    ("missing", null_context),
    ("vocabulary", unknown_language),
    ("vocabulary", unknown_slice),
    ("response_format", torn_response),
    ("response_format", prose_response),
    ("actions", other_action),
    ("short_responses", short),
    ("long_records", long),
    ("duplicate_ids", same_id),
    ("duplicates", same_content),
    ("split_balance", unbalanced),
    ("user_overlap", user_in_two),
    ("cluster_overlap", cluster_in_two),
    ("response_leak", memorised),
    ("row_counts", miscounted_manifest),
    ("row_counts", miscounted_summary),
    ("index", index_lies),
    ("index", index_lacks),
]


def test_clean_data_are_green(run: Run) -> None:
    report, tables = validation(run)
    assert report.passed
    assert red(report) == set()
    assert all(frame.is_empty() for frame in tables.values())


def test_every_check_has_a_breakage(run: Run) -> None:
    assert names(validation(run)[0]) == {name for name, _ in BREAKS}


@pytest.mark.parametrize(("name", "break_"), BREAKS, ids=[b.__name__ for _, b in BREAKS])
def test_a_broken_dataset_turns_its_check_red(run: Run, name: str, break_: Break) -> None:
    clean = run.declared()
    report, _ = validation(run, break_(run) or clean)
    assert name in red(report)
    assert not report.passed


def test_the_report_names_line_field_and_value(run: Run) -> None:
    unknown_language(run)
    report, _ = validation(run)
    example = report.facts["examples"][0]
    assert (example["split"], example["line"], example["where"]) == ("train", 1, "metadata.language")
    assert "'fr'" in example["what"]


def test_a_line_that_is_no_json_counts_as_a_broken_record(run: Run) -> None:
    lines = run.lines()
    lines["train"][0] = b'{"id": "q0000\n'
    run.lines = lambda: lines  # type: ignore[method-assign]
    report, _ = validation(run)
    assert "schema" in red(report)
    assert report.facts["records"] == sum(len(rows) for rows in lines.values())


def test_offenders_are_named(run: Run) -> None:
    user_in_two(run)
    report, tables = validation(run)
    user = first(run)["metadata"]["user_id"]
    assert tables["users"].row(0)[:2] == (user, ["test", "train"])
    assert any(user in check.detail for check in report.checks if check.name == "user_overlap")


def test_cluster_may_be_text_or_number(run: Run) -> None:
    for rows in run.records.values():
        for record in rows:
            record["metadata"]["cluster"] = f"q{record['metadata']['cluster']:08d}-00"
    assert red(validation(run)[0]) == set()


def test_the_same_lines_give_the_same_facts(run: Run) -> None:
    assert orjson.dumps(validation(run)[0].facts) == orjson.dumps(validation(run)[0].facts)
