"""A whole factory of a test's own: local cloud, conductor, jobs, on free ports, in a folder of its own."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import psutil
import requests
import yaml

from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.local import Local
from fitsense.local_settings import read_json, write_json
from fitsense.manifest import OutputRef
from fitsense.pipeline import load_pipelines
from fitsense.runs import RunReader, RunView
from fitsense.settings import Settings
from fitsense.submit import upload
from tests.cloud import ROOT

SMALL = """\
version: 1
pipeline: coaching
seed: 11
profiles: {users: 48, part_users: 16}
workouts: {weeks: 4}
queries: {per_user: 5}
validation: {min_records: 1, split_tolerance: 0.2}
statistics: {min_slice_records: 0}
"""
"""Three parts, 240 prompts: small enough for a few seconds, large enough for shards to matter.

Five prompts of a person stay in one split, so that shares of so few are coarse.
"""
SAMPLE = (ROOT / "schema/configs/coaching-small.yaml").read_text()
DATA = "".join(part for part in re.split(r"(?m)^(?=\S)", SAMPLE) if not part.startswith("training:"))
"""The sample config without its training: minutes that a test of the data need not spend."""
GATED = SMALL.replace("min_records: 1", "min_records: 1000000")
"""The same with a threshold that no dataset of this size can meet."""


def small_recipes(folder: Path, **tiny: Any) -> Path:
    """The GPU node's recipe of ``fitsense-tiny``, made so small that a training takes seconds."""
    recipe = yaml.safe_load((ROOT / "gpu-node/configs/fitsense-tiny.yaml").read_text())
    # vLLM's attention on CPUs wants heads of 32.
    sizes = {"hidden": 96, "intermediate": 192, "layers": 2, "heads": 3, "head_size": 32}
    recipe["tiny"] |= sizes | {"tokens": 300_000, "warmup_steps": 5} | tiny
    recipe["tuning"] |= {"epoch_steps": 6, "evaluations": 1, "validation_records": 8}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fitsense-tiny.yaml").write_text(yaml.safe_dump(recipe))
    return folder


class Factory:
    """Starts on construction of ``running``; the test process' own Google clients are pointed at it.

    ``options`` are those of ``Local``. Models are not served unless ``student`` says so: it takes 2 GB. What
    is trained, is trained in seconds.
    """

    def __init__(self, home: Path, **options: Any) -> None:
        recipes = small_recipes(home.with_name(f"{home.name}-recipes"))
        usual: dict[str, Any] = {"student": False, "gpu_configs": str(recipes)}
        self.local = Local(home=home, **(usual | options))
        self.url = self.local.up()
        os.environ.update(self.environment)
        self.cloud = Cloud(Settings.from_env())
        self.store = ArtifactStore(self.cloud.bucket)

    @property
    def environment(self) -> dict[str, str]:
        told = {"FITSENSE_HOME": str(self.local.home), "FITSENSE_GPU_CONFIGS": self.local.gpu_configs}
        told |= {"FITSENSE_STUDENT": "on" if self.local.student else "off"}
        return self.local.environment(self.url) | told

    def reader(self) -> RunReader:
        return RunReader(self.store, load_pipelines())

    def submit(self, text: str, name: str = "small") -> str:
        return upload(self.store, name, text.encode())

    def wait(self, run_id: str, timeout_s: float = 240) -> RunView:
        """The run as it ended. A timeout fails the test with the logs: it is a guard, not an assertion."""
        deadline = time.monotonic() + timeout_s
        while True:
            view = self.reader().observe(run_id, claims=True)
            if view is not None and view.state != "running":
                return view
            if time.monotonic() > deadline:
                raise TimeoutError(f"{run_id}: {view.summary() if view else 'not admitted'}\n{self.logs()}")
            time.sleep(0.1)

    def until(self, condition: Any, timeout_s: float = 60) -> Any:
        """Poll ``condition`` until it is true; its value."""
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise TimeoutError(self.logs())
            time.sleep(0.05)
        return value

    def outputs(self, run_id: str) -> dict[str, OutputRef]:
        """``stage/file`` → what the manifests say of it."""
        view = self.reader().observe(run_id)
        assert view is not None
        return {
            f"{stage}/{output.name}": output
            for stage, seen in view.stages.items()
            if seen.manifest
            for output in seen.manifest.outputs
        }

    def checksums(self, run_id: str) -> dict[str, str]:
        return {name: output.sha256 for name, output in self.outputs(run_id).items()}

    def lines(self, run_id: str, name: str) -> list[dict[str, Any]]:
        stored = self.store.read(self.store.name(self.outputs(run_id)[name].uri))
        assert stored is not None
        return [orjson.loads(line) for line in stored.data.splitlines()]

    def faults(self, *rules: dict[str, Any]) -> None:
        requests.put(f"{self.url}/_localcloud/faults", json=list(rules), timeout=10).raise_for_status()

    def struck(self) -> list[int]:
        """How often each of the faults in force has struck."""
        rules = requests.get(f"{self.url}/_localcloud/faults", timeout=10).json()
        return [rule["struck"] for rule in rules]

    def task_counts(self, run_id: str) -> dict[str, list[int]]:
        """Stage → the number of tasks of each execution that was started for this run."""
        counts = {}
        for stage, spec in load_pipelines().stages.items():
            if spec.runner == "run_job":
                there = self.cloud.executions.list_executions(parent=self.cloud.job(stage))
                counts[stage] = [found.task_count for found in there if _run_id(found) == run_id]
        return counts

    def checkpoints(self, run_id: str) -> dict[str, list[dict[str, Any]]]:
        """The teacher's checkpoint objects of a run, by name, as they are now."""
        names = sorted(self.store.names(f"teacher_checkpoints/{run_id}/"))
        stored = {name: self.store.read(name) for name in names}
        return {n: [orjson.loads(line) for line in s.data.splitlines()] for n, s in stored.items() if s}

    def processes(self) -> dict[str, psutil.Process]:
        """The supervised processes that run now, by name."""
        status = orjson.loads(self.local.supervisor_file.with_suffix(".status.json").read_bytes())
        running = {name: process["pid"] for name, process in status["processes"].items() if process["pid"]}
        return {name: psutil.Process(pid) for name, pid in running.items()}

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace")[-3000:] for path in self.local.logs.glob("*.log"))


def _run_id(execution: Any) -> str:
    variables = [variable for container in execution.template.containers for variable in container.env]
    return next((v.value for v in variables if v.name == "FITSENSE_RUN_ID"), "")


@contextmanager
def running(home: Path, **options: Any) -> Iterator[Factory]:
    """A factory that is stopped, and an environment that is as before, whatever the test does."""
    before = dict(os.environ)
    factory = None
    try:
        factory = Factory(home, **options)
        yield factory
    finally:
        os.environ.clear()
        os.environ.update(before)
        Local(home=home).down()


def train_by_script(factory: Factory) -> None:
    """Make the scripted trainer the GPU node's image; the cloud is started anew with it."""
    file = factory.local.home / "cloud.json"
    settings = read_json(file)
    settings["images"]["gpu-node"] |= {
        "argv": [sys.executable, "-m", "tests.scripted_trainer"],
        "cwd": str(ROOT),
    }
    write_json(file, settings)
    before = factory.processes()["cloud"]
    before.kill()
    factory.until(lambda: _restarted(factory, before.pid))


def _restarted(factory: Factory, pid: int) -> bool:
    cloud = factory.processes().get("cloud")
    return cloud is not None and cloud.pid != pid and factory.local.ready_file.exists()
