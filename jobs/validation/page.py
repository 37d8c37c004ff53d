"""The validation report as a page."""

from __future__ import annotations

from typing import Any

import polars as pl

from fitsense.manifest import Report
from fitsense.reporting import charts
from fitsense.reporting.elements import Chart, Page, Section, Table, Tile
from fitsense.reporting.text import count, named, percent, words
from jobs.validation.scan import SPLITS

SHOWN = 15
"""Rows of a table of offenders."""


def build(report: Report, tables: dict[str, pl.DataFrame]) -> Page:
    facts = report.facts
    return Page(
        title="Validation",
        purpose="Is every record of the distillation dataset whole, well formed and counted once, "
        "and do the three splits hold nobody and nothing in common?",
        report=report,
        tiles=_tiles(facts),
        sections=[_splits(facts, tables), _records(facts), _offenders(tables)],
        notes=[
            "Every line of train, val and test was read and held against the record models, field by field; "
            "a line that breaks one counts once for each kind of problem and is left out of "
            "the checks across lines.",
            "A near-duplicate cluster is a group of records that the dataset stage found alike; it must stay "
            "in one split.",
            "Held-out means val and test.",
        ],
    )


def _tiles(facts: dict[str, Any]) -> list[Tile]:
    leak = facts["held_out_answers_in_train"]
    users = sum(split["users"] for split in facts["splits"].values())
    return [
        Tile("Records", count(facts["records"])),
        Tile("People", count(users), "counted per split"),
        Tile("Broken records", count(sum(facts["broken"].values()))),
        Tile("Unique responses", percent(facts["unique"]["response"])),
        Tile("Held-out answers in train", count(leak["records"]), f"of {count(leak['of'])}"),
    ]


def _splits(facts: dict[str, Any], tables: dict[str, pl.DataFrame]) -> Section:
    splits = facts["splits"]
    balance = [(s, splits[s]["share"], splits[s]["wanted"]) for s in SPLITS]
    rows = [
        [s, *(splits[s][k] for k in ("records", "users", "clusters")), percent(splits[s]["share"])]
        for s in SPLITS
    ]
    return Section(
        "Splits",
        f"{tables['users'].height} people and {tables['clusters'].height} near-duplicate clusters stand in "
        "more than one split.",
        charts=[
            charts.against("Records per split", balance, ("found", "asked for")),
            *(
                _mix(f"{title} per split", facts[key])
                for title, key in (("Prompt types", "types"), ("Languages", "languages"))
            ),
        ],
        tables=[Table("Splits in numbers", ["Split", "Records", "People", "Clusters", "Share"], rows)],
    )


def _mix(title: str, counts: dict[str, dict[str, int]]) -> Chart:
    names = sorted({name for split in counts.values() for name in split})
    totals = {split: sum(counts[split].values()) or 1 for split in SPLITS}
    rows = [(s, {words(n): counts[s].get(n, 0) / totals[s] for n in names}) for s in SPLITS]
    return charts.stacked(title, rows, [words(name) for name in names])


def _records(facts: dict[str, Any]) -> Section:
    labels = {
        "schema": "wrong type or name",
        "missing": "missing or empty",
        "enum": "unknown value",
        "response": "response is no answer",
    }
    broken = [(labels[kind], float(found)) for kind, found in facts["broken"].items()]
    unique = [(words(name), value) for name, value in facts["unique"].items()]
    examples = [
        [e["split"], str(e["line"]), labels[e["kind"]], e["where"], e["what"]] for e in facts["examples"]
    ]
    return Section(
        "Records",
        charts=[
            charts.bars("Broken records by kind of problem", broken, count),
            charts.bars("Unique values", unique, note="content: prompt, context and response together"),
        ],
        tables=[
            Table(
                "Broken lines",
                ["Split", "Line", "Problem", "Field", "What is wrong"],
                examples,
                empty="No line breaks the schema.",
            )
        ],
    )


def _offenders(tables: dict[str, pl.DataFrame]) -> Section:
    users = [[u, ", ".join(s), n] for u, s, n in tables["users"].head(SHOWN).iter_rows()]
    clusters = [[c, ", ".join(s), n] for c, s, n in tables["clusters"].head(SHOWN).iter_rows()]
    twice = [[named(ids), n] for ids, n in tables["duplicates"].head(SHOWN).iter_rows()]
    index = [list(row) for row in tables["index"].head(SHOWN).iter_rows()]
    return Section(
        "Who and what",
        f"At most {SHOWN} rows each.",
        tables=[
            Table("People in two splits", ["Person", "Splits", "Records"], users, empty="Nobody."),
            Table("Clusters in two splits", ["Cluster", "Splits", "Records"], clusters, empty="None."),
            Table("Exact duplicates", ["Records", "How many"], twice, empty="None."),
            Table("Index against lines", ["Record", "Columns that differ"], index, empty="They agree."),
        ],
    )
