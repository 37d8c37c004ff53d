"""The README's commands do what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fitsense.admission import parse_config
from fitsense.config import Retraining, Training
from fitsense.models import channels
from fitsense.models.manifest import requested_version
from tests.cloud import ROOT
from tests.factory import SMALL, Factory
from tests.models import land, registered, report

pytestmark = pytest.mark.xdist_group("e2e")
README = (ROOT / "README.md").read_text()
SERVED = "FITSENSE_STUDENT_URL"
"""The block that needs a served model is run where there is one: tests/e2e/test_student.py."""
BLOCKS = re.findall(r"<!-- tested:[^>]*-->\n```sh\n(.*?)```", README, flags=re.S)


def block(words: str) -> str:
    """The one block of commands that holds ``words``."""
    (found,) = [commands for commands in BLOCKS if words in commands]
    return str(found)


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


@pytest.fixture(scope="module")
def versions(factory: Factory) -> tuple[str, str]:
    """A champion, and a challenger that came after it."""
    for version, decision in (("readme-old", "champion"), ("readme-new", "challenger")):
        land(factory.store, report(version))
        registered(factory.store, version, decision, "verified is as good")
    channels.change(factory.store, channels.promote("readme-old", "a test", "the first"))
    return "readme-old", "readme-new"


def test_all_commands_are_tested() -> None:
    tested = [block("fitsense runs"), block("gcloud storage"), block("models list"), block(SERVED)]
    tested += [block("gcloud pubsub"), block("fitsense plan")]
    assert sorted(tested) == sorted(BLOCKS)


def test_the_runs_commands_work(factory: Factory, run_id: str) -> None:
    done = shell(factory, block("fitsense runs").replace("RUN", run_id))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "reproduced" in done.stdout


def test_the_models_commands_work(factory: Factory, versions: tuple[str, str]) -> None:
    old, new = versions
    done = shell(factory, block("models list").replace("VERSION", new).replace("OTHER", old))
    assert done.returncode == 0, done.stdout + done.stderr
    now = channels.read(factory.store)
    assert (now.champion, now.challenger, now.traffic) == (old, new, 10)


def test_the_engines_commands_work(factory: Factory) -> None:
    done = shell(factory, block("fitsense plan"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"plan_allowed": true' in done.stdout
    assert '"action":"escalate"' in done.stdout


@pytest.mark.gcloud
@pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")
def test_the_gcloud_commands_work(factory: Factory, run_id: str) -> None:
    done = shell(factory, block("gcloud storage") + block("gcloud pubsub").replace("RUN", run_id))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"runs/{run_id}/" in done.stdout
    asked = [Training(), Training(epochs=2)]
    for version in [requested_version(run_id, training, seed=31) for training in asked]:
        factory.until(lambda version=version: factory.store.exists(f"runs/{version}/config.yaml"))


def test_the_retraining_section_is_a_valid_one() -> None:
    (section,) = re.findall(r"```yaml\n(.*?)```", README, flags=re.S)
    assert parse_config((SMALL + section).encode()).retraining == Retraining(
        every_hours=168, max_psi=0.25, training=Training(epochs=2)
    )


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`?make ([a-z-]+)`?", README))
    assert named
    assert all(f"\n{target}:" in makefile for target in named), named


def test_every_folder_and_file_that_is_named_exists() -> None:
    named = re.findall(r"\]\(([\w./]+)\)", README) + re.findall(r"^\| `([\w./]+)` \|", README, flags=re.M)
    assert len(named) >= 8
    assert all((ROOT / name).exists() for name in named), named
