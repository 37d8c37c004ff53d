"""``fitsense run`` before anything is started: what it refuses, and with which words."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fitsense import cli_run
from fitsense.cli import app
from tests.factory import SAMPLE


@pytest.mark.parametrize("command", ["run", "submit"])
def test_without_the_gpu_nodes_environment_a_training_is_refused_with_the_make_target(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "sample.yaml"
    config.write_text(SAMPLE)
    monkeypatch.setattr(cli_run, "gpu_node_ready", lambda root: False)
    monkeypatch.setenv("FITSENSE_HOME", str(tmp_path / "home"))
    for name in ("GOOGLE_CLOUD_PROJECT", "FITSENSE_LOCATION", "FITSENSE_BUCKET"):
        monkeypatch.setenv(name, "nowhere")
    monkeypatch.setenv("FITSENSE_BATCH_ENDPOINT", "http://127.0.0.1:1")
    done = CliRunner().invoke(app, [command, str(config)])
    assert done.exit_code == 65
    assert "gpu-node/.venv is not there" in done.output
    assert "make gpu-node/.venv/ready" in done.output
    assert not (tmp_path / "home").exists(), "nothing was started"
