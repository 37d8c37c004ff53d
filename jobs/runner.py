"""Runs one task of one stage: which parts are its own, what is there already, who commits."""

from __future__ import annotations

import datetime as dt
import importlib
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import structlog

from fitsense.artifacts import ArtifactStore, failure_name, manifest_name
from fitsense.cloud import Cloud
from fitsense.config import params_sha256
from fitsense.errors import BadArtifact, FitSenseError, Permanent
from fitsense.manifest import Claim, Counters, Failure, InputRef, Manifest, Part
from fitsense.models.manifest import manifest_model
from fitsense.pipeline import Graph, load_pipelines
from fitsense.progress import ProgressReporter
from fitsense.runs import admitted_config, claim_name
from fitsense.settings import TaskSettings
from jobs.stage import Input, Job, Stage

log = structlog.get_logger(__name__)


class AlreadyFailed(Permanent):
    """``failure.json`` is there already."""


class Runner:
    """One task of ``stage`` for the run that ``task`` names."""

    def __init__(self, cloud: Cloud, task: TaskSettings, stage: str, interrupted: Callable[[], bool]) -> None:
        self.cloud = cloud
        self.task = task
        self.stage = stage
        self.interrupted = interrupted
        self.store = ArtifactStore(cloud.bucket)
        self.config = admitted_config(self.store, self.task.run_id)
        self.graph: Graph = load_pipelines(cloud.settings.schema_dir).graph(self.config.pipeline)
        self.folder = f"{self.graph.artifact(stage)}/{task.run_id}"
        self.input_refs: list[InputRef] = []

    def run(self) -> None:
        """Make this task's share of the parts; commit if all are there. Raises FitSenseError."""
        if self.store.exists(self._manifest_name):
            log.info("stage.already_landed")
            return
        if self._superseded():
            log.warning("task.superseded", claim=self.task.claim)
            return
        self._refuse_if_failed()
        started = dt.datetime.now(dt.UTC)
        module = cast(Stage, importlib.import_module(f"jobs.{self.stage}"))
        with tempfile.TemporaryDirectory(prefix="fitsense-") as scratch:
            job = self._job(Path(scratch))
            total = module.parts(job)
            mine = range(self.task.index, total, self.task.count)
            made = self._made()
            for part in mine:
                if part not in made:
                    self._refuse_if_failed()
                    self._make(module, job, part)
        self._commit(total, started)

    def fail(self, error: FitSenseError) -> None:
        """Record that the stage gave up: ``failure.json``, create-only."""
        failure = Failure(
            run_id=self.task.run_id,
            stage=self.stage,
            error=type(error).__name__,
            message=error.message,
            hint=error.hint,
            attempts=self.task.attempt + 1,
            log=self.task.execution,
        )
        self.store.create_model(self._failure_name, failure)

    def _superseded(self) -> bool:
        """Whether another execution has taken the stage over: then this one must not run beside it."""
        claim = self.store.read_model(claim_name(self.task.run_id, self.stage), Claim)
        return bool(self.task.claim and claim and claim.token != self.task.claim)

    def _refuse_if_failed(self) -> None:
        """Cloud Run retries whatever is not 0, and siblings do not know of each other's end."""
        if self.store.exists(self._failure_name):
            raise AlreadyFailed(f"{self.stage} of {self.task.run_id} has given up before")

    @property
    def _failure_name(self) -> str:
        return failure_name(self.graph.artifact(self.stage), self.task.run_id)

    @property
    def _manifest_name(self) -> str:
        return manifest_name(self.graph.artifact(self.stage), self.task.run_id)

    def _job(self, scratch: Path) -> Job:
        inputs = {read: self._input(read) for read in self.graph.inputs[self.stage]}
        return Job(
            stage=self.stage,
            config=self.config,
            store=self.store,
            folder=self.folder,
            inputs=inputs,
            scratch=scratch,
            interrupted=self.interrupted,
            report_progress=ProgressReporter(self.cloud, self.task, self.stage),
        )

    def _input(self, stage: str) -> Input:
        name = manifest_name(self.graph.artifact(stage), self.task.run_id)
        stored = self.store.read(name)
        if stored is None:
            raise BadArtifact(f"{self.stage} needs {name}, which has not landed")
        uri = self.store.uri(name)
        self.input_refs.append(
            InputRef(stage=stage, uri=uri, generation=stored.generation, crc32c=stored.crc32c)
        )
        return Input(self.store, manifest_model(stage).model_validate_json(stored.data))

    def _made(self) -> set[int]:
        names = self.store.names(f"{self.folder}/parts/")
        return {int(Path(name).stem) for name in names}

    def _make(self, module: Stage, job: Job, number: int) -> None:
        begun = time.monotonic()
        module.run_part(job, number)
        part = job.finish_part(number)
        self.store.create_model(f"{self.folder}/parts/{number:05d}.json", part)
        log.info("part.made", part=number, rows=part.counters.rows_out, seconds=time.monotonic() - begun)

    def _commit(self, total: int, started: dt.datetime) -> None:
        """Write the manifest if every part is there; any number of tasks may try."""
        if len(self._made()) < total:
            return
        parts = self._read_parts(total)
        counters = sum((part.counters for part in parts), Counters())
        section = self.config.params(self.stage)
        manifest = Manifest(
            run_id=self.task.run_id,
            pipeline=self.config.pipeline,
            stage=self.stage,
            inputs=self.input_refs,
            outputs=[output for part in parts for output in part.outputs],
            params=section.model_dump(mode="json"),
            params_sha256=params_sha256(section, self.config.seed),
            seed=self.config.seed,
            code_version=self.cloud.settings.code_version,
            attempt=self.task.attempt,
            started=started,
            finished=dt.datetime.now(dt.UTC),
            seconds=round(sum(part.seconds for part in parts), 4),
            counters=counters,
        )
        won = self.store.create_model(self._manifest_name, manifest)
        log.info("stage.landed" if won else "stage.landed_elsewhere", rows=counters.rows_out)

    def _read_parts(self, total: int) -> list[Part]:
        names = [f"{self.folder}/parts/{number:05d}.json" for number in range(total)]
        if total == 1:
            return [self._read_part(names[0])]
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(self._read_part, names))

    def _read_part(self, name: str) -> Part:
        part = self.store.read_model(name, Part)
        if part is None:
            raise BadArtifact(f"{name} was there and is gone")
        return part
