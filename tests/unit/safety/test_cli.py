from __future__ import annotations

from pathlib import Path

import orjson
from typer.testing import CliRunner

from fitsense.cli import app

RUN = CliRunner()


def test_one_object_over_lines(tmp_path: Path) -> None:
    case = tmp_path / "case.json"
    case.write_bytes(orjson.dumps({"prompt": "chest pain", "context": {}}, option=orjson.OPT_INDENT_2))
    found = RUN.invoke(app, ["triage", "--case", str(case)])
    answer = orjson.loads(found.stdout)
    assert found.exit_code == 0
    assert list(answer) == ["action", "level", "rule_ids", "reply", "lang"]
    assert (answer["action"], answer["level"], answer["rule_ids"][0]) == ("escalate", "emergency", "X-CARD")


def test_lines_from_standard_input() -> None:
    lines = b'{"prompt": "plan my week"}\n\n{"prompt": "hola", "lang": "es"}\n'
    found = RUN.invoke(app, ["triage", "--case", "-"], input=lines)
    answers = [orjson.loads(line) for line in found.stdout.splitlines()]
    assert [one["reply"] for one in answers] == [None, None]
    assert answers[1]["lang"] == "es"


def test_a_bad_line_is_named() -> None:
    for bad in ('{"prompt": 3}', "{", '{"prompt": "x", "context": 4}', '{"prompt": "x", "lang": "fr"}', "[]"):
        found = RUN.invoke(app, ["triage", "--case", "-"], input='{"prompt": "x"}\n' + bad + "\n")
        assert found.exit_code == 65
        assert "line 2" in found.stderr


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    found = RUN.invoke(app, ["triage", "--case", str(tmp_path / "none.json")])
    assert (found.exit_code, "none.json" in found.stderr) == (65, True)
