"""A bucket with models that vLLM can serve, and real agents on it, each a process of its own."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import psutil
import requests

from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.events import ModelPromoted
from fitsense.events import publish as publish_event
from fitsense.manifest import OutputRef
from fitsense.models import channels
from fitsense.models.channels import Channels, Wanted
from fitsense.models.manifest import Base, model_name
from fitsense.settings import Settings
from student.bases import publish
from tests import models
from tests.cloud import LOCATION, PROJECT, ROOT, CloudProcess

READY_S = 150.0
MESSAGES: Any = [{"role": "system", "content": "You coach."}, {"role": "user", "content": "A plan, please."}]
ANSWER = (
    '{"action":"answer","message":"Two easy days.","plan":{"goal":"general_fitness","days":[{"exercises":'
    '[{"id":"sq03","sets":2,"reps":[8,12],"rir":3,"kg":null,"rest_s":90}]}],"deload":false},"rules":["F-01"]}'
)
"""What every sound model of these tests answers."""
_numbers = itertools.count()


class World:
    """One bucket: models land in it, the channels are changed, agents follow."""

    def __init__(self, process: CloudProcess, home: Path) -> None:
        self.home = home
        self.bucket = f"serving-{next(_numbers)}"
        place = {"FITSENSE_LOCATION": LOCATION, "FITSENSE_BUCKET": self.bucket}
        self.environment = {**process.environment, **place}
        os.environ.update(process.environment)
        self.cloud = Cloud(Settings(project=PROJECT, location=LOCATION, bucket=self.bucket))
        self.cloud.storage.create_bucket(self.bucket)
        self.cloud.publisher.create_topic(name=self.cloud.topic("models"))
        self.store = ArtifactStore(self.cloud.bucket)

    def land_base(self, name: str, folder: Path) -> Base:
        return publish(self.store, name, "given", {}, folder).base

    def land(self, version: str, base: Base, folder: Path, kind: str = "adapter", **changed: Any) -> None:
        """A version's files and its manifest; ``changed`` overrides fields of each file's entry."""
        outputs = []
        for path in sorted(folder.iterdir()):
            if path.is_file() and path.suffix != ".md":
                name = f"{kind}/{path.name}"
                made = self.store.create_same(f"models/{version}/{name}", path, "", rows=0)
                outputs.append(OutputRef(**{**made.model_dump(), "name": name, **changed}))
        made_manifest = models.manifest(self.store, version, base=base, outputs=outputs)
        self.store.create_model(model_name(version), made_manifest)

    def change(self, wanted: Wanted) -> Channels:
        return channels.change(self.store, wanted)

    def tell(self, now: Channels) -> None:
        """One CloudEvent about the last change, as the conductor sends it."""
        change = now.history[-1]
        told = change.model_dump(include={"version", "number", "champion", "challenger", "traffic"})
        event = ModelPromoted(run_id="run-1", by=change.by, reason=change.reason, **told)
        publish_event(self.cloud, "models", event)

    def promote(self, version: str) -> Channels:
        return self.change(channels.promote(version, "test", "because"))

    def roll_back(self) -> Channels:
        return self.change(channels.roll_back("test", "because"))

    def canary(self, version: str, traffic: int) -> Channels:
        return self.change(channels.canary(version, traffic, "test", "because"))

    def now(self) -> Channels:
        return channels.read(self.store)


class AgentProcess:
    """``python -m student agent`` on a free port."""

    def __init__(self, world: World, name: str, **environment: str) -> None:
        self.name = name
        self.log = world.home / f"{name}.log"
        settings = {
            "FITSENSE_MODEL_CACHE": str(world.home / "models"), "FITSENSE_NODE": name,
            "FITSENSE_FOLLOW_S": "0.2", "FITSENSE_SPARE_ENGINE": "0", "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "student", "agent", "--port", "0"],
                cwd=ROOT,
                env={**os.environ, **world.environment, **settings, **environment},
                stdout=output,
                stderr=output,
            )
        host, port = until(self._listening, 30)
        self.url = f"http://{host}:{port}"

    def _listening(self) -> Any:
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        return next((entry["address"] for entry in self.logged("agent.listening")), None)

    def logged(self, message: str) -> list[dict[str, Any]]:
        lines = [line for line in self.log.read_bytes().splitlines() if line.startswith(b"{")]
        return [entry for entry in map(orjson.loads, lines) if entry["message"] == message]

    def health(self) -> dict[str, Any]:
        """``/healthz`` with its status as ``code``."""
        answer = requests.get(f"{self.url}/healthz", timeout=15)
        return {**answer.json(), "code": answer.status_code}

    def serves(self, version: str) -> bool:
        found = self.health()
        return bool(found["code"] == 200 and found["version"] == version)

    def await_version(self, version: str) -> None:
        until(lambda: self.serves(version), READY_S, lambda: f"{self.health()}\n{self.tail()}")

    def ask(self, model: str = "student", **fields: Any) -> requests.Response:
        body = {"model": model, "messages": MESSAGES, "temperature": 0, "max_tokens": 400, **fields}
        return requests.post(f"{self.url}/v1/chat/completions", json=body, timeout=60)

    def tail(self) -> str:
        return self.log.read_text()[-4000:]

    @property
    def engines(self) -> list[psutil.Process]:
        """Everything that it has started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def until(
    found: Callable[[], Any], within_s: float = 60.0, told: Callable[[], str] = lambda: "not in time"
) -> Any:
    """What ``found`` gives once it gives something."""
    deadline = time.monotonic() + within_s
    while not (value := found()):
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)
    return value


def gone(process: psutil.Process) -> bool:
    """Whether it has ended, reaped or not."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
