"""A landed ``queries`` artifact, and the teacher stage run on it: in this process or in one of its own."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import yaml
from google.cloud import storage

from fitsense.artifacts import ArtifactStore, dumps_line, manifest_name
from fitsense.cloud import Cloud
from fitsense.config import EndpointTeacher, RunConfig
from fitsense.manifest import Counters, Manifest
from fitsense.records import Query
from fitsense.settings import Settings, TaskSettings
from jobs.runner import Runner
from jobs.stage import part_file
from tests.cloud import LOCATION, PROJECT, ROOT, CloudProcess
from tests.factories import queries

SECRET = "TEACHER_API_KEY"
KEY = "sk-never-written-anywhere"


def answerable(n: int) -> list[dict[str, Any]]:
    """``n`` queries that the scripted endpoint's plain English advice answers well."""
    return [_answerable(query, i) for i, query in enumerate(queries(n))]


def _answerable(query: dict[str, Any], i: int) -> dict[str, Any]:
    context = {**query["context"], "conditions": [], "pain_area": None, "pain": 0}
    plain = {"language": "en", "expected_action": "answer", "prompt": f"Question {i:05d}: how do I go on?"}
    return Query.model_validate({**query, **plain, "context": context}).model_dump(mode="json")


@dataclass
class Stage:
    """One bucket, any number of runs."""

    cloud: CloudProcess
    bucket: str

    @staticmethod
    def variables(cloud: CloudProcess, bucket: str) -> dict[str, str]:
        """What a task of this stage needs in its environment."""
        place = {"FITSENSE_LOCATION": LOCATION, "FITSENSE_BUCKET": bucket}
        return {**cloud.environment, **place, SECRET: KEY}

    def __post_init__(self) -> None:
        self.env = self.variables(self.cloud, self.bucket)
        os.environ.update(self.env)
        client = storage.Client(project=PROJECT)
        client.create_bucket(self.bucket)
        self.store = ArtifactStore(client.bucket(self.bucket))

    def land(
        self, run_id: str, rows: list[dict[str, Any]], teacher: Mapping[str, Any], parts: int = 1
    ) -> None:
        """Put the config and the queries of a run there."""
        base = {
            "version": 1,
            "pipeline": "coaching",
            "seed": 7,
            "profiles": {"users": 10},
            "teacher": teacher,
        }
        config = RunConfig.model_validate(base)
        self.store.create(
            f"runs/{run_id}/config.yaml", yaml.safe_dump(config.model_dump(mode="json")).encode()
        )
        size = -(-len(rows) // parts)
        outputs = []
        for part in range(parts):
            lines = [dumps_line(row) for row in rows[part * size : (part + 1) * size]]
            name = f"synthetic_queries/{run_id}/{part_file(part, 'jsonl')}"
            outputs.append(
                self.store.create_same(name, b"".join(lines), "application/x-ndjson", rows=len(lines))
            )
        now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        manifest = Manifest(
            run_id=run_id,
            pipeline="coaching",
            stage="queries",
            inputs=[],
            outputs=outputs,
            params={},
            params_sha256="",
            seed=7,
            code_version="test",
            attempt=0,
            started=now,
            finished=now,
            seconds=0,
            counters=Counters(rows_out=len(rows)),
        )
        self.store.create_model(manifest_name("synthetic_queries", run_id), manifest)

    def run(self, run_id: str) -> Manifest:
        """The whole stage in this process. Raises what it raises."""
        Runner(Cloud(Settings.from_env()), TaskSettings(run_id), "teacher", lambda: False).run()
        return self.manifest(run_id)

    def start(self, run_id: str) -> subprocess.Popen[bytes]:
        """The stage as Cloud Run starts it: a process of its own."""
        env = {**os.environ, **self.env, "FITSENSE_RUN_ID": run_id}
        return subprocess.Popen([sys.executable, "-m", "jobs", "teacher"], cwd=ROOT, env=env)

    def manifest(self, run_id: str) -> Manifest:
        manifest = self.store.read_model(manifest_name("teacher_responses", run_id), Manifest)
        assert manifest is not None
        return manifest

    def output(self, run_id: str) -> bytes:
        """All part files, one after the other."""
        names = sorted(
            n for n in self.store.names(f"teacher_responses/{run_id}/part-") if n.endswith(".jsonl")
        )
        return b"".join(self.read(name) for name in names)

    def responses(self, run_id: str) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.output(run_id).splitlines()]

    def trace(self, run_id: str) -> list[dict[str, Any]]:
        """All checkpoint lines of a run, in order."""
        names = sorted(self.store.names(f"teacher_checkpoints/{run_id}/"))
        return [orjson.loads(line) for name in names for line in self.read(name).splitlines()]

    def everything(self) -> dict[str, bytes]:
        return {name: self.read(name) for name in self.store.names("")}

    def read(self, name: str) -> bytes:
        stored = self.store.read(name)
        assert stored is not None
        return stored.data


def teacher(base_url: str, **params: Any) -> dict[str, Any]:
    """The config section, checked; money and retries as tests like them."""
    section = {"kind": "openai_compatible", "base_url": base_url, "model": "scripted", "budget_usd": 1000.0}
    prices = {"usd_per_million_input_tokens": 1.0, "usd_per_million_output_tokens": 4.0}
    return EndpointTeacher.model_validate({**section, **prices, "timeout_s": 10.0, **params}).model_dump()
