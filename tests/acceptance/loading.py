"""Cases from ``cases/*.yaml``: a base person, what differs, and what a right answer must satisfy."""

from __future__ import annotations

import copy
import csv
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
CATALOG = HERE.parents[1] / "schema" / "catalog" / "exercises.csv"
LOGGED = re.compile(r"^(\d{4}-\d{2}-\d{2}) (.+?) ([\d.]+)((?: \d+(?:@[\d.]+)?)+)(?: \| (.+))?$")


@dataclass(frozen=True)
class Entry:
    """A row of the catalogue, as the published table has it."""

    id: str
    pattern: str
    primary: str
    secondary: tuple[str, ...]
    equipment: frozenset[str]
    unilateral: bool
    tags: frozenset[str]


@dataclass(frozen=True)
class Acceptance:
    """``case`` in the format of ``fitsense plan``, ``expect`` by the names in ``expectations.py``."""

    id: str
    case: dict[str, Any]
    expect: dict[str, Any]


@cache
def catalogue() -> dict[str, Entry]:
    """Exercise id → entry."""
    with CATALOG.open(encoding="utf-8", newline="") as file:
        return {row["id"]: _entry(row) for row in csv.DictReader(file)}


def _entry(row: Mapping[str, str]) -> Entry:
    return Entry(
        id=row["id"],
        pattern=row["pattern"],
        primary=row["primary"],
        secondary=tuple(filter(None, row["secondary"].split(";"))),
        equipment=frozenset(filter(None, row["equipment"].split(";"))) - {"bodyweight", "wall"},
        unilateral=row["unilateral"] == "1",
        tags=frozenset(filter(None, row["contra_tags"].split(";"))),
    )


@cache
def acceptance_cases() -> tuple[Acceptance, ...]:
    """All cases, in the order of the files. Raises ValueError for an id that stands twice."""
    bases = yaml.safe_load((HERE / "bases.yaml").read_text(encoding="utf-8"))
    rows = [
        row
        for path in sorted((HERE / "cases").glob("*.yaml"))
        for row in yaml.safe_load(path.read_text("utf-8"))
    ]
    cases = tuple(_acceptance(row, bases) for row in rows)
    twice = {case.id for case in cases if sum(case.id == other.id for other in cases) > 1}
    if twice:
        raise ValueError(f"cases stand twice: {sorted(twice)}")
    return cases


def _acceptance(row: Mapping[str, Any], bases: Mapping[str, Any]) -> Acceptance:
    unknown = set(row) - {"id", "base", "request", "profile", "history", "log", "expect"}
    if unknown:
        raise ValueError(f"{row['id']}: unknown keys {sorted(unknown)}")
    case = copy.deepcopy(bases[row["base"]])
    case["request"] = row.get("request", case["request"])
    case["profile"] |= row.get("profile", {})
    case["history"] |= row.get("history", {})
    case["history"].setdefault("sets", [])
    case["history"]["sets"] = case["history"]["sets"] + [
        one for line in row.get("log", []) for one in logged(line)
    ]
    return Acceptance(row["id"], _plain(case), row["expect"])


def logged(line: str) -> list[dict[str, Any]]:
    """Sets of one line ``date exercise kg reps@rir reps@rir | note``; the note stands with the last set."""
    match = LOGGED.match(line)
    if match is None:
        raise ValueError(f"not a line of a log: {line!r}")
    date, exercise, kg, sets, note = match.groups()
    found = [_set(date, exercise, float(kg), one) for one in sets.split()]
    if note:
        found[-1]["note"] = note
    return found


def _set(date: str, exercise: str, kg: float, one: str) -> dict[str, Any]:
    reps, _, rir = one.partition("@")
    row: dict[str, Any] = {"date": date, "exercise": exercise, "weight_kg": kg or None, "reps": int(reps)}
    return row | ({"rir": float(rir)} if rir else {})


def _plain(value: Any) -> Any:
    """The case as JSON would carry it: dates as text, nothing that is unknown."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, dt.date) else value
