"""The README's commands do what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cloud import ROOT
from tests.factory import SMALL, Factory

pytestmark = pytest.mark.xdist_group("e2e")
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"<!-- tested:[^>]*-->\n```sh\n(.*?)```", README, flags=re.S)


def shell(factory: Factory, lines: str) -> subprocess.CompletedProcess[str]:
    """Run a block as a person would, but stop at the first command that fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | factory.environment | {"PATH": path}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def run_id(factory: Factory) -> str:
    run_id = factory.submit(SMALL.replace("seed: 11", "seed: 31"), "readme")
    assert factory.wait(run_id).state == "completed"
    return run_id


def test_there_are_commands_to_test() -> None:
    assert len(BLOCKS) == 3


def test_the_runs_commands_work(factory: Factory, run_id: str) -> None:
    done = shell(factory, BLOCKS[0].replace("RUN", run_id))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "reproduced" in done.stdout


def test_the_engines_commands_work(factory: Factory) -> None:
    done = shell(factory, BLOCKS[2])
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"plan_allowed": true' in done.stdout
    assert '"action":"escalate"' in done.stdout


@pytest.mark.gcloud
@pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")
def test_the_gcloud_commands_work(factory: Factory, run_id: str) -> None:
    done = shell(factory, BLOCKS[1].replace("RUN", run_id))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"runs/{run_id}/" in done.stdout


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`?make ([a-z-]+)`?", README))
    assert named
    assert all(f"\n{target}:" in makefile for target in named), named


def test_every_folder_and_file_that_is_named_exists() -> None:
    named = re.findall(r"\]\(([\w./]+)\)", README) + re.findall(r"^\| `([\w./]+)` \|", README, flags=re.M)
    assert len(named) >= 8
    assert all((ROOT / name).exists() for name in named), named
