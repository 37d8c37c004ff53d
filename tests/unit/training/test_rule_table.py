"""The table in the engine's README: each published rule, the function that holds it, and its test."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from fitsense.training.rules import rules
from tests.acceptance.loading import acceptance_cases

ROOT = Path(__file__).parents[3]
README = ROOT / "shared" / "fitsense" / "training" / "README.md"
ROW = re.compile(r"^\| ([A-Z]-[A-Z0-9-]+) \|(.+)\|(.+)\|$", re.M)
QUOTED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Row:
    """``functions`` are dotted paths under ``fitsense``; ``tests`` are ``file::test`` or ids of cases."""

    rule_id: str
    functions: tuple[str, ...]
    tests: tuple[str, ...]


def table() -> list[Row]:
    rows = ROW.findall(README.read_text(encoding="utf-8"))
    return [Row(one, tuple(QUOTED.findall(code)), tuple(QUOTED.findall(shown))) for one, code, shown in rows]


def resolved(dotted: str) -> object:
    """What ``dotted`` names under ``fitsense``. Raises ImportError or AttributeError."""
    module, _, name = f"fitsense.{dotted}".rpartition(".")
    return getattr(importlib.import_module(module), name)


def exists(test: str) -> bool:
    """Whether ``tests/file.py::test_name`` is defined, or the id names a case of the acceptance tests."""
    path, _, name = test.partition("::")
    if not name:
        return any(case.id == test for case in acceptance_cases())
    return re.search(rf"^ *def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.M) is not None


def test_each_rule_has_one_row() -> None:
    assert [row.rule_id for row in table()] == list(rules())


@pytest.mark.parametrize("row", table(), ids=lambda row: row.rule_id)
def test_row_names_functions_and_tests_that_exist(row: Row) -> None:
    assert row.functions, "a rule without a function; say so in the list of rules that are not in code"
    assert all(callable(resolved(one)) or resolved(one) is not None for one in row.functions)
    assert row.tests
    assert [one for one in row.tests if not exists(one)] == []
