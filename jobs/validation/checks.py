"""The judgements of the validation report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import polars as pl

from fitsense.config import Splits, Validation
from fitsense.manifest import Check, Report
from fitsense.reporting.checks import at_least, at_most, none_of, report, share
from fitsense.reporting.text import count, named, percent
from jobs.stage import Input
from jobs.validation.scan import SPLITS, Scanned

MAX_LEAK = 0.05
"""Held-out records whose very answer stands in train: above this, a test measures memory."""
COMPARED = (
    "split",
    "user_id",
    "cluster",
    "type",
    "language",
    "action",
    "prompt_chars",
    "context_chars",
    "response_chars",
)
"""Columns of the index that must say what the lines say."""


@dataclass(frozen=True)
class Declared:
    """What the dataset says of itself beside its lines: manifest, summary, index, and its own params."""

    manifest_rows: Mapping[str, int]
    summary_rows: Mapping[str, int]
    index: pl.DataFrame
    splits: Splits
    max_characters: int

    @classmethod
    def read(cls, dataset: Input) -> Declared:
        params = dataset.manifest.params
        return cls(
            manifest_rows={s: dataset.manifest.output(f"{s}.jsonl").rows for s in SPLITS},
            summary_rows=summary_rows(orjson.loads(dataset.read("summary.json"))),
            index=dataset.parquet("index.parquet").select("id", *COMPARED),
            splits=Splits.model_validate(params["splits"]),
            max_characters=int(params["max_characters"]),
        )


def summary_rows(summary: dict[str, Any]) -> dict[str, int]:
    """Records per split that the summary declares."""
    return {split: int(summary["splits"][split]["records"]) for split in SPLITS}


def judge(scan: Scanned, declared: Declared, params: Validation) -> tuple[Report, dict[str, pl.DataFrame]]:
    """The report, and the tables of offenders that its page shows."""
    tables = {
        "users": _across(scan.keys, "user_id"),
        "clusters": _across(scan.keys, "cluster"),
        "duplicates": _twice(scan.keys),
        "index": _disagreeing(scan.keys, declared.index),
    }
    checks = [
        *_record_checks(scan, params),
        *_length_checks(scan.keys, declared, params),
        *_duplicate_checks(scan.keys, tables["duplicates"], params),
        *_split_checks(scan, declared, params, tables),
        *_agreement_checks(scan, declared, tables["index"]),
    ]
    return report("validation", checks, _facts(scan, declared)), tables


def _record_checks(scan: Scanned, params: Validation) -> list[Check]:
    total, broken = sum(scan.rows.values()), scan.broken
    missing = share(broken["missing"], total)
    return [
        at_least("records", total, params.min_records, "records in all three splits"),
        none_of(
            "schema",
            broken["schema"],
            f"records with a field of a wrong type or name: {_where(scan, 'schema')}",
        ),
        at_most(
            "missing",
            missing,
            params.max_missing_share,
            f"records with a missing or empty field: {_where(scan, 'missing')}",
        ),
        none_of(
            "vocabulary",
            broken["enum"],
            f"records with a value outside its vocabulary: {_where(scan, 'enum')}",
        ),
        none_of(
            "response_format",
            broken["response"],
            f"responses that are no coach's answer in JSON: {_where(scan, 'response')}",
        ),
        none_of(
            "actions",
            _count(scan.keys, pl.col("action") != pl.col("said_action")),
            "metadata names another action than the response",
        ),
    ]


def _length_checks(keys: pl.DataFrame, declared: Declared, params: Validation) -> list[Check]:
    size = pl.col("prompt_chars") + pl.col("context_chars") + pl.col("response_chars")
    short = _count(keys, pl.col("response_chars") < params.min_response_characters)
    long = _count(keys, size > declared.max_characters)
    return [
        none_of("short_responses", short, f"responses under {params.min_response_characters} characters"),
        none_of(
            "long_records", long, f"records over the dataset's {count(declared.max_characters)} characters"
        ),
    ]


def _duplicate_checks(keys: pl.DataFrame, twice: pl.DataFrame, params: Validation) -> list[Check]:
    surplus = keys.height - keys["content"].n_unique()
    ids = keys.height - keys["id"].n_unique()
    example = f", as {named(twice['ids'][0].to_list())}" if twice.height else ""
    return [
        none_of("duplicate_ids", ids, "records whose id another one has"),
        at_most(
            "duplicates",
            share(surplus, keys.height),
            params.max_duplicate_share,
            f"{count(surplus)} records repeat another's prompt, context and response{example}",
        ),
    ]


def _split_checks(
    scan: Scanned, declared: Declared, params: Validation, tables: dict[str, pl.DataFrame]
) -> list[Check]:
    total = sum(scan.rows.values())
    off = {s: abs(share(scan.rows[s], total) - getattr(declared.splits, s)) for s in SPLITS}
    worst = max(SPLITS, key=off.__getitem__)
    held, wanted = share(scan.rows[worst], total), getattr(declared.splits, worst)
    found = f"{worst} holds {percent(held)} of the records, {percent(wanted)} were asked for"
    users, clusters = tables["users"], tables["clusters"]
    leaked, held_out = leaks(scan.keys)
    return [
        at_most("split_balance", off[worst], params.split_tolerance, found),
        none_of(
            "user_overlap",
            users.height,
            f"people with records in two splits: {named(users['user_id'].to_list()) or 'none'}",
        ),
        none_of(
            "cluster_overlap",
            clusters.height,
            f"near-duplicate clusters in two splits: {named(clusters['cluster'].to_list()) or 'none'}",
        ),
        at_most(
            "response_leak",
            share(leaked, held_out),
            MAX_LEAK,
            f"{count(leaked)} of {count(held_out)} held-out records have an answer that stands in train",
        ),
    ]


def _agreement_checks(scan: Scanned, declared: Declared, index: pl.DataFrame) -> list[Check]:
    told = {"manifest": declared.manifest_rows, "summary": declared.summary_rows}
    wrong = [
        f"{who} says {rows[s]} in {s}, {scan.rows[s]} are there"
        for who, rows in told.items()
        for s in SPLITS
        if rows[s] != scan.rows[s]
    ]
    return [
        none_of("row_counts", len(wrong), "; ".join(wrong) or "manifest and summary count what is there"),
        none_of(
            "index",
            index.height,
            f"records that index.parquet lacks or tells otherwise: {named(index['id'].to_list()) or 'none'}",
        ),
    ]


def leaks(keys: pl.DataFrame) -> tuple[int, int]:
    """Held-out records whose response stands in train, and all held-out records."""
    held_out = keys.filter(pl.col("split") != "train")
    train = keys.filter(pl.col("split") == "train").select("response").unique()
    return held_out.join(train, on="response", how="semi").height, held_out.height


def _across(keys: pl.DataFrame, column: str) -> pl.DataFrame:
    """Values of ``column`` in more than one split: column, splits, records."""
    grouped = keys.group_by(column).agg(
        pl.col("split").unique().sort().alias("splits"), pl.len().alias("records")
    )
    return grouped.filter(pl.col("splits").list.len() > 1).sort(column)


def _twice(keys: pl.DataFrame) -> pl.DataFrame:
    """Records of one content: ids, records; most first."""
    repeated = keys.filter(pl.col("content").is_duplicated())
    grouped = repeated.group_by("content").agg(pl.col("id").sort().alias("ids"), pl.len().alias("records"))
    return grouped.drop("content").sort(
        [pl.col("records"), pl.col("ids").list.first()], descending=[True, False]
    )


def _disagreeing(keys: pl.DataFrame, index: pl.DataFrame) -> pl.DataFrame:
    """Ids on one side alone, or with other values there: id, what."""
    ours = keys.select("id", *(pl.col(c).cast(pl.String) for c in COMPARED)).unique("id")
    theirs = index.select("id", *(pl.col(c).cast(pl.String) for c in COMPARED)).unique("id")
    both = ours.join(theirs, on="id", how="full", suffix="_index", coalesce=True)
    other = [pl.when(pl.col(c).ne_missing(pl.col(f"{c}_index"))).then(pl.lit(c)) for c in COMPARED]
    told = both.select("id", pl.concat_list(other).list.drop_nulls().list.join(", ").alias("what"))
    return told.filter(pl.col("what") != "").sort("id")


def _facts(scan: Scanned, declared: Declared) -> dict[str, Any]:
    keys, total = scan.keys, sum(scan.rows.values())
    leaked, held_out = leaks(keys)
    return {
        "records": total,
        "splits": {
            split: {
                "records": scan.rows[split],
                "share": share(scan.rows[split], total),
                "wanted": getattr(declared.splits, split),
                "users": keys.filter(pl.col("split") == split)["user_id"].n_unique(),
                "clusters": keys.filter(pl.col("split") == split)["cluster"].n_unique(),
            }
            for split in SPLITS
        },
        "broken": {kind: scan.broken[kind] for kind in ("schema", "missing", "enum", "response")},
        "unique": {
            c: share(keys[c].n_unique(), keys.height) for c in ("id", "content", "prompt", "response")
        },
        "held_out_answers_in_train": {"records": leaked, "of": held_out},
        "examples": [vars(example) for example in scan.examples],
        "types": _by_split(keys, "type"),
        "languages": _by_split(keys, "language"),
    }


def _by_split(keys: pl.DataFrame, column: str) -> dict[str, dict[str, int]]:
    counted = keys.group_by("split", column).len().sort("split", column)
    found: dict[str, dict[str, int]] = {split: {} for split in SPLITS}
    for split, value, rows in counted.iter_rows():
        found[split][value] = rows
    return found


def _where(scan: Scanned, kind: str) -> str:
    fields = sorted(((n, f) for (k, f), n in scan.fields.items() if k == kind), key=lambda x: (-x[0], x[1]))
    return named([f"{field} ({n})" for n, field in fields]) or "none"


def _count(keys: pl.DataFrame, condition: pl.Expr) -> int:
    return int(keys.select(condition.sum()).item() or 0)
