"""Every red flag of the published rules, through the triage of prompts, beside what only looks like one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fitsense.safety.triage import triage

PROMPTS: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "prompts.yaml").read_text(encoding="utf-8")
)


def allowed(value: Any, expected: Any) -> bool:
    return value in (expected if isinstance(expected, list) else [expected])


@pytest.mark.parametrize(
    "row", PROMPTS, ids=[f"{row['rule']}-{number}" for number, row in enumerate(PROMPTS)]
)
def test_red_flags_and_their_look_alikes(row: dict[str, Any]) -> None:
    found = triage(row["prompt"], row.get("context", {}))
    said = f"{row['prompt']!r}: {found.action}, {found.level}, {found.rule_ids}"
    assert allowed(found.action, row["action"]), said
    assert allowed(found.level, row["level"]), said
    assert row["rule"] is None or row["rule"] in found.rule_ids, said
    assert found.reply or found.action in ("answer", "conservative_answer"), said


def test_cli_answers_an_object_and_lines(tmp_path: Path) -> None:
    cases = [{"prompt": row["prompt"], "context": row.get("context", {})} for row in PROMPTS[:3]]
    one, many = tmp_path / "one.json", tmp_path / "many.jsonl"
    one.write_text(json.dumps(cases[0]), encoding="utf-8")
    many.write_text("\n".join(map(json.dumps, cases)), encoding="utf-8")
    said = [_triaged(path) for path in (one, many)]
    assert [row["action"] for row in said[1]] == ["escalate"] * 3
    assert said[0] == said[1][:1]
    assert set(said[0][0]) == {"action", "level", "rule_ids", "reply", "lang"}


def _triaged(path: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "fitsense.cli", "triage", "--case", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    try:
        return [json.loads(done.stdout)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
