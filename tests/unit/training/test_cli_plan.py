from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.training.cases import case

FITSENSE = [sys.executable, "-m", "fitsense.cli", "plan", "--case"]


def run(source: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*FITSENSE, source], input=stdin, capture_output=True, check=False, timeout=60)


def test_a_case_in_a_file_and_on_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_text(json.dumps(case()), encoding="utf-8")
    from_file, from_stdin = run(str(path)), run("-", path.read_bytes())
    assert from_file.returncode == from_stdin.returncode == 0
    assert from_file.stdout == from_stdin.stdout
    found: dict[str, Any] = json.loads(from_file.stdout)
    assert found["plan_allowed"] is True
    assert len(found["days"]) == 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"{", "standard input"),
        (b"[]", "case"),
        (json.dumps({"request": "next_week_plan"}).encode(), "profile"),
        (json.dumps(case(age=-3, sex="Q")).encode(), "profile.age"),
        (json.dumps(case(request="yesterday")).encode(), "request"),
    ],
)
def test_a_bad_case_names_what_is_wrong(text: bytes, told: str) -> None:
    found = run("-", text)
    assert found.returncode == 65
    assert told in found.stderr.decode()
    assert b"Traceback" not in found.stderr
    assert found.stdout == b""


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    found = run(str(tmp_path / "nobody.json"))
    assert found.returncode == 65
    assert "nobody.json" in found.stderr.decode()


def test_no_cloud_is_loaded_for_a_plan() -> None:
    code = (
        "import sys; from fitsense.cli_engine import read_case;"
        "from fitsense.training.coach import plan_case;"
        "assert not [name for name in sys.modules if name.startswith(('google.api_core', 'google.auth'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
