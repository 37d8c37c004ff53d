"""The published rules by id: ``schema/catalog/rules.yaml``, read once a process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fitsense.errors import Misconfigured
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.findings import LANGUAGES

RULE_ID = re.compile(r"^[A-Z]-(\d{2}|[A-Z]{2,}[A-Z0-9]*(-[A-Z]+)?)$")
EVIDENCE = re.compile(r"^[VSKH](/[VSKH])?$")
"""V read in the source, S in a secondary source, K well known but not read again, H the house's choice."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: a short ``title`` in each language, its ``statement`` in English, its ground."""

    id: str
    title: Mapping[str, str]
    statement: str
    source: str
    evidence: str


@cache
def rules(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> dict[str, Rule]:
    """Rule id → rule. Raises Misconfigured, naming every row that is not whole."""
    path = schema_dir / "catalog" / "rules.yaml"
    rows: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    problems = [
        f"{rule_id}: {problem}" for rule_id, row in rows.items() for problem in _problems(rule_id, row)
    ]
    if problems:
        raise Misconfigured(f"{path.name}: {'; '.join(problems)}")
    return {rule_id: Rule(id=rule_id, **row) for rule_id, row in rows.items()}


def _problems(rule_id: str, row: Mapping[str, Any]) -> list[str]:
    problems = [] if RULE_ID.match(str(rule_id)) else ["is not an id of a rule"]
    if set(row) != {"title", "statement", "source", "evidence"}:
        return [*problems, f"has the keys {sorted(row)}"]
    problems += [] if set(row["title"]) == set(LANGUAGES) else [f"needs a title in {', '.join(LANGUAGES)}"]
    texts = [*row["title"].values(), row["statement"], row["source"]]
    problems += [] if all(isinstance(text, str) and text.strip() for text in texts) else ["has an empty text"]
    return problems + (
        [] if EVIDENCE.match(str(row["evidence"])) else [f"has the evidence {row['evidence']!r}"]
    )
