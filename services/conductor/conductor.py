"""The conductor: what each kind of message means."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import structlog
import yaml

from fitsense.admission import check_name, parse_config
from fitsense.artifacts import FAILURE, MANIFEST, ArtifactStore, manifest_name, to_json
from fitsense.cloud import Cloud
from fitsense.config import RunConfig, params_sha256
from fitsense.errors import BadConfig, Problem, Unavailable
from fitsense.events import ConfigRejected, Event, ModelEvent, Topic, TrainingRequested, publish
from fitsense.manifest import ProblemModel, Rejection
from fitsense.models.channels import CHANNELS
from fitsense.models.manifest import manifest_model
from fitsense.pipeline import Pipelines, load_pipelines
from fitsense.runs import RunReader, active_name, config_name, run_id_of, status_name
from services.conductor.advance import Advancer, reused
from services.conductor.channels import ChannelTeller
from services.conductor.launch import Launcher
from services.conductor.messages import Message, parse_notification, parse_training
from services.conductor.requests import TrainingRequests
from services.conductor.retraining import Retrainer
from services.conductor.tell import Teller

log = structlog.get_logger(__name__)

CONFIGS = "configs/"
REMEMBERED_CONFIGS = 10_000
ABANDONED_AFTER_S = 300.0
"""An admission takes milliseconds; one that has not opened its run by then never will."""


class Conductor:
    """Admits configs, advances runs, asks for training. Holds nothing that a restart could lose."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.pipelines: Pipelines = load_pipelines(cloud.settings.schema_dir)
        self.store = ArtifactStore(cloud.bucket)
        self.reader = RunReader(self.store, self.pipelines)
        self.launcher = Launcher(cloud)
        self.channels = ChannelTeller(self.store, self._emit)
        self.retrainer = Retrainer(self.store, self._emit)
        teller = Teller(self.store, self._emit)
        self.advancer = Advancer(self.store, self.reader, self.launcher, teller, self.retrainer)
        grace_s = cloud.settings.claim_grace_s
        self.requests = TrainingRequests(self.store, self.reader, self.advancer, grace_s)
        self._artifacts = {spec.artifact for spec in self.pipelines.stages.values()}
        self._handled: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._sweeping = threading.Lock()

    def on_artifact(self, message: Message) -> None:
        """The bucket says that an object was written."""
        written = parse_notification(message)
        if written is None or written.bucket != self.cloud.settings.bucket:
            return
        folder, _, file = written.name.rpartition("/")
        if written.name.startswith(CONFIGS):
            self._on_config(written.name, written.generation)
        elif written.name == CHANNELS:
            self.channels.tell()
        elif file in (MANIFEST, FAILURE):
            artifact, _, run_id = folder.rpartition("/")
            if artifact in self._artifacts:
                self.advancer.advance(run_id)

    def on_tick(self, _: Message | None = None) -> None:
        """Make good what events did not bring: configs not yet judged, runs under way. One at a time."""
        if not self._sweeping.acquire(blocking=False):
            return
        try:
            self._sweep_runs()
            self._sweep_configs()
            self._sweep_models()
        finally:
            self._sweeping.release()

    def _sweep_configs(self) -> None:
        for blob in self.cloud.storage.list_blobs(self.cloud.bucket, prefix=CONFIGS):
            with _alone(config=blob.name):
                self._on_config(blob.name, int(blob.generation))

    def _sweep_runs(self) -> None:
        for name in self.store.names("active/"):
            with _alone(active=name):
                self._sweep_run(name)

    def _sweep_models(self) -> None:
        with _alone(channels=CHANNELS):
            self.channels.tell()
        for name in self.retrainer.schedules():
            with _alone(schedule=name):
                self.retrainer.ask_if_due(name)

    def _sweep_run(self, name: str) -> None:
        stored = self.store.read(name)
        if stored is None:
            return
        run_id, grace_s = stored.data.decode(), self.cloud.settings.claim_grace_s
        if self.reader.config(run_id) is not None:
            self.advancer.advance(run_id, look_after=grace_s)
        elif self.store.age_s(name) > ABANDONED_AFTER_S:
            # Its config was replaced between the two writes of admission: nothing will ever open it.
            self.store.delete(name, stored.generation)

    def on_training(self, message: Message) -> None:
        """Someone asks for training on a run's dataset, beside or after the run's own."""
        self.requests.handle(parse_training(message))

    def _on_config(self, name: str, generation: int) -> None:
        if name.endswith(".rejected.json") or name == CONFIGS or (name, generation) in self._handled:
            return
        try:
            self._admit(name, generation)
        except BadConfig as error:
            self._reject(name, generation, error)
        self._handled[name, generation] = None
        while len(self._handled) > REMEMBERED_CONFIGS:
            self._handled.popitem(last=False)

    def _admit(self, name: str, generation: int) -> None:
        """Make the config a run, unless it is one or was rejected already. Raises BadConfig."""
        file = name.removeprefix(CONFIGS)
        run_id = run_id_of(file.rpartition(".")[0].replace("/", "-"), generation)
        if self.store.exists(config_name(run_id)):
            self._resume(name, run_id, generation)
            return
        if self._rejected_already(name, generation):
            return
        blob = self.cloud.bucket.get_blob(name)
        if blob is None or int(blob.generation) != generation:
            log.info("config.superseded", config=name, generation=generation)
            return
        check_name(file, int(blob.size))
        stored = self.store.read(name, generation)
        if stored is None:
            return
        config = parse_config(stored.data)
        self._check_against_bucket(config)
        self._claim_name(file.rpartition(".")[0], run_id)
        self._open(name, run_id, config)
        self._forget_rejection(name, generation)

    def _resume(self, name: str, run_id: str, generation: int) -> None:
        """A config that is open already: make good what a crash may have left undone."""
        self._forget_rejection(name, generation)
        status = self.store.read(status_name(run_id))
        if status is None or orjson.loads(status.data)["state"] == "running":
            self.advancer.advance(run_id, look_after=self.cloud.settings.claim_grace_s)

    def _check_against_bucket(self, config: RunConfig) -> None:
        """What only the graphs and other runs can tell. Raises BadConfig."""
        graph = self.pipelines.graph(config.pipeline)
        sharded = [s for s in graph.order if graph.spec(s).sharded]
        if unknown := sorted(set(config.execution.tasks) - set(sharded)):
            raise BadConfig(
                [Problem(f"execution.tasks.{unknown[0]}", "not a sharded stage", ", ".join(sharded))]
            )
        self._check_backend(config)
        if config.reuse is None:
            return
        if config.reuse.from_stage not in graph.order:
            raise BadConfig([Problem("reuse.from_stage", "not a stage", ", ".join(graph.order))])
        for stage in reused(config, graph):
            self._check_reused(config, graph.artifact(stage), stage)

    def _check_backend(self, config: RunConfig) -> None:
        why = config.training and self.launcher.backend(config.training).unavailable(config.pipeline)
        if why:
            raise BadConfig([Problem("training.backend", why, "batch")])

    def _check_reused(self, config: RunConfig, artifact: str, stage: str) -> None:
        run_id = config.reuse.run_id if config.reuse else ""
        manifest = self.store.read_model(manifest_name(artifact, run_id), manifest_model(stage))
        if manifest is None:
            raise BadConfig([Problem("reuse.run_id", f"{run_id} has not landed {stage}", "a run that has")])
        if manifest.params_sha256 != params_sha256(config.params(stage), config.seed):
            message = f"{stage} of {run_id} was made with other parameters or another seed"
            raise BadConfig([Problem(stage, message, f"the same as in runs/{run_id}/config.yaml")])

    def _claim_name(self, name: str, run_id: str) -> None:
        """One run of a name at a time. Raises BadConfig while another is under way."""
        active = active_name(name)
        if self.store.create(active, run_id.encode(), "text/plain"):
            return
        stored = self.store.read(active)
        if stored is None:
            self._claim_name(name, run_id)
        elif stored.data.decode() != run_id:
            other = stored.data.decode()
            message = f"a run of this name is under way: {other}"
            raise BadConfig(
                [Problem("(file)", message, f"another name, or wait: fitsense runs show {other}")]
            )

    def _open(self, name: str, run_id: str, config: RunConfig) -> None:
        dump = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        self.store.create(config_name(run_id), dump.encode(), "application/yaml")
        log.info("run.admitted", run_id=run_id, config=name)
        self.advancer.advance(run_id)

    def _forget_rejection(self, name: str, generation: int) -> None:
        """The file is mended: its earlier version's rejection goes, a later version's stays."""
        rejection = self.store.read(_rejection_name(name))
        if rejection and Rejection.model_validate_json(rejection.data).generation < generation:
            self.store.delete(_rejection_name(name), rejection.generation)

    def _rejected_already(self, name: str, generation: int) -> bool:
        rejection = self.store.read_model(_rejection_name(name), Rejection)
        return rejection is not None and rejection.generation >= generation

    def _reject(self, name: str, generation: int, error: BadConfig) -> None:
        problems = [ProblemModel(path=p.path, message=p.message, allowed=p.allowed) for p in error.problems]
        rejection = Rejection(config=self.store.uri(name), generation=generation, problems=problems)
        stored = self.store.read(_rejection_name(name))
        if stored and Rejection.model_validate_json(stored.data).generation > generation:
            return  # a later version of the file was judged meanwhile
        if not self.store.replace(
            _rejection_name(name), to_json(rejection), stored.generation if stored else 0
        ):
            raise Unavailable(f"{_rejection_name(name)} was written by another at the same moment")
        log.warning("config.rejected", config=name, problems=error.message)
        run_id = run_id_of(name.removeprefix(CONFIGS).rpartition(".")[0].replace("/", "-"), generation)
        texts = [f"{p.path}: {p.message}" for p in problems]
        self._emit(ConfigRejected(run_id=run_id, config=name, problems=texts))

    def _emit(self, event: Event) -> None:
        topic: Topic = "models" if isinstance(event, ModelEvent) else "runs"
        publish(self.cloud, "training" if isinstance(event, TrainingRequested) else topic, event)


@contextmanager
def _alone(**what: str) -> Iterator[None]:
    """One config or run that cannot be handled must not keep the sweep from the others.

    The next tick tries it again; events for it are retried, and buried, on their own.
    """
    try:
        yield
    except Exception:
        log.exception("sweep.skipped", **what)


def _rejection_name(config: str) -> str:
    """``configs/<name>.rejected.json``; a file that is no .yaml keeps its own ending before it."""
    return f"{config.removesuffix('.yaml')}.rejected.json"
