"""``python -m student train``: from a run's dataset to ``models/<version>/manifest.json``, written last.

Reads downward: dataset, base, fine-tuning, files, evaluation, manifest. Whatever is there already is not
made again; a kill at any moment costs at most the time since the last checkpoint.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from fitsense.artifacts import ArtifactStore, manifest_name
from fitsense.cloud import Cloud
from fitsense.config import RunConfig, params_sha256
from fitsense.errors import FitSenseError
from fitsense.guard import run_guarded
from fitsense.manifest import Claim, Counters, Failure, InputRef
from fitsense.models.manifest import MODELS, ModelManifest
from fitsense.progress import ProgressReporter
from fitsense.runs import admitted_config, claim_name
from fitsense.telemetry import configure_logging
from student.bases import TINY, LocalBase, kept_base, named_base
from student.checkpoints import Checkpoints
from student.curves import curves_page
from student.dataset import Dataset, read_dataset
from student.evaluation import Candidate, Evaluate, Evaluated
from student.metrics import base_points, summary, tiles
from student.outputs import (
    Outputs,
    Trained,
    download,
    environment,
    find_trained,
    json_bytes,
    yaml_bytes,
)
from student.recipe import Recipe, load_recipe
from student.settings import TrainSettings
from student.tuning import Asked, Tuned, refuse_impossible, tune
from student.watch import Watch

log = structlog.get_logger(__name__)
STAGE = "training"
GATE = "reports/quality_gate"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def main(arguments: list[str]) -> int:
    """The task's exit code: 0 done, 65 given up (``failure.json`` says why), 75 try again."""
    configure_logging("student-train")
    return run_guarded(lambda: Training(TrainSettings.from_env(), evaluator()))


def evaluator() -> Evaluate | None:
    """``student.evaluate.evaluate``, where it is installed."""
    if importlib.util.find_spec("student.evaluate") is None:
        return None
    evaluate: Evaluate = importlib.import_module("student.evaluate").evaluate
    return evaluate


@dataclass(frozen=True)
class Work:
    """What one attempt has at hand."""

    config: RunConfig
    dataset: Dataset
    recipe: Recipe
    scratch: Path
    watch: Watch


class Training:
    """One task: one version of the student."""

    def __init__(self, settings: TrainSettings, evaluate: Evaluate | None) -> None:
        self.settings = settings
        self.cloud = Cloud(settings.cloud)
        self.store = ArtifactStore(self.cloud.bucket)
        self.evaluate = evaluate
        self.folder = f"{MODELS}/{settings.version}"
        self.started = dt.datetime.now(dt.UTC)

    def run(self) -> None:
        """Raises FitSenseError; Interrupted after SIGTERM."""
        if self.store.exists(f"{self.folder}/manifest.json"):
            log.info("training.already_landed", version=self.settings.version)
            self._forget()
            return
        if self._superseded():
            log.warning("training.superseded", claim=self.settings.task.claim)
            return
        refuse_impossible(self.settings.training.method)
        with tempfile.TemporaryDirectory(prefix="fitsense-", dir=self.settings.scratch) as scratch:
            self._train(self._work(Path(scratch)))

    def fail(self, error: FitSenseError) -> None:
        """Record that the training gave up: ``failure.json``, create-only."""
        failure = Failure(
            run_id=self.settings.task.run_id,
            stage=STAGE,
            error=type(error).__name__,
            message=error.message,
            hint=error.hint,
            attempts=self.settings.task.attempt + 1,
            log=self.settings.task.execution,
        )
        self.store.create_model(f"{self.folder}/failure.json", failure)

    def _superseded(self) -> bool:
        """Whether another execution has taken this version over: then this one must not run beside it."""
        claim = self.store.read_model(claim_name(self.settings.version, STAGE), Claim)
        mine = self.settings.task.claim
        return bool(mine and claim and claim.token != mine)

    def _work(self, scratch: Path) -> Work:
        import torch

        task, training = self.settings.task, self.settings.training
        recipe = load_recipe(self.settings.configs, training.base)
        torch.set_num_threads(recipe.threads)
        # Who follows a training follows its version; the task's run is the dataset's.
        watch = Watch(ProgressReporter(self.cloud, replace(task, run_id=self.settings.version), STAGE))
        watch.listen()
        dataset = read_dataset(self.store, task.run_id)
        log.info("training.dataset", train=len(dataset.train), val=len(dataset.val))
        return Work(admitted_config(self.store, task.run_id), dataset, recipe, scratch, watch)

    def _train(self, work: Work) -> None:
        begun = time.monotonic()
        base = self._base(work)
        work.watch.check_interrupted()
        trained = find_trained(self.store, self.folder)
        if trained and trained.base == base.base:
            log.info("training.already_trained")
            folder = download(self.store, trained, work.scratch / "trained")
        else:
            trained, folder = self._tuned(base, work)
        evaluated = self._evaluate(base, folder, work)
        self._land(trained, work, evaluated, time.monotonic() - begun)
        self._forget()

    def _tuned(self, base: LocalBase, work: Work) -> tuple[Trained, Path]:
        """Weights and their description in the bucket, and the weights' folder here."""
        tuned = self._tune(base, work)
        outputs = Outputs(self.store, self.folder)
        outputs.upload(tuned.folder)
        if base.base.name == TINY:
            outputs.upload(base.folder, TOKENIZER_FILES)
        self._describe(outputs, base, tuned, work)
        points, corpus = work.watch.points, tuned.corpus
        counters = Counters(
            rows_in=len(work.dataset.train),
            rows_out=len(corpus.train),
            rejected={"too_long": corpus.left_out} if corpus.left_out else {},
            tokens_in=sum(point.tokens for point in points),
            extra={
                "steps": float(tuned.steps),
                "best_step": float(tuned.best_step),
                "unread": float(corpus.unread),
            },
        )
        return outputs.done(base.base, counters), tuned.folder

    def _describe(self, outputs: Outputs, base: LocalBase, tuned: Tuned, work: Work) -> None:
        """``metrics.json``, ``curves.html``, ``config.yaml`` and ``environment.json``."""
        settings, points = self.settings, [*base_points(base.folder), *work.watch.tuning_points]
        metrics = summary(settings.version, base.base, tuned, points)
        outputs.write("metrics.json", json_bytes(metrics))
        title = f"Training of {settings.version}"
        page = curves_page(title, tiles(metrics), points, tuned.validation, tuned.best_step)
        outputs.write("curves.html", page.encode())
        config = {
            "run_id": settings.task.run_id,
            "version": settings.version,
            "training": settings.training.model_dump(mode="json"),
            "recipe": work.recipe.model_dump(mode="json"),
            "run": work.config.model_dump(mode="json"),
        }
        outputs.write("config.yaml", yaml_bytes(config))
        outputs.write("environment.json", json_bytes(environment(settings.cloud.code_version)))

    def _base(self, work: Work) -> LocalBase:
        """``fitsense-tiny`` of this corpus, from the bucket or made now; any other by its name."""
        if self.settings.training.base != TINY:
            return named_base(self.store, self.settings.training.base, work.scratch)
        # Imported late: it needs torch, and a base that is kept needs none of it.
        from student.tiny.base import made_from, make_base

        source = made_from(work.recipe, work.dataset.checksums, work.config.seed)
        checkpoints = self._checkpoints("base", work)

        def make(folder: Path) -> None:
            make_base(work.dataset.train, work.recipe, work.config.seed, folder, checkpoints, work.watch)

        base = kept_base(self.store, TINY, source, work.scratch, make)
        checkpoints.delete()
        return base

    def _tune(self, base: LocalBase, work: Work) -> Tuned:
        training = self.settings.training
        return tune(
            base.folder,
            base.base.name,
            (work.dataset.train, work.dataset.val),
            Asked(training.method, training.epochs, self._seed(work)),
            work.recipe,
            work.scratch,
            self._checkpoints("tuning", work),
            work.watch,
        )

    def _seed(self, work: Work) -> int:
        asked = self.settings.training.seed
        return work.config.seed if asked is None else asked

    def _checkpoints(self, phase: str, work: Work) -> Checkpoints:
        prefix = f"training_checkpoints/{self.settings.version}/{phase}"
        return Checkpoints(self.store, prefix, work.scratch / phase, self.settings.checkpoint_s)

    def _forget(self) -> None:
        """Checkpoints of a version that has landed serve nobody."""
        Checkpoints(self.store, f"training_checkpoints/{self.settings.version}", Path(), 0).delete()

    def _evaluate(self, base: LocalBase, trained: Path, work: Work) -> Evaluated:
        if self.evaluate is None:
            log.warning("training.unevaluated", hint="student.evaluate is not installed")
            return Evaluated(None, [])
        work.watch.check_interrupted()
        return self.evaluate(
            Candidate(
                settings=self.settings,
                cloud=self.cloud,
                folder=self.folder,
                base=base,
                trained=trained,
                config=work.config,
                scratch=work.scratch,
                interrupted=lambda: work.watch.interrupted,
            )
        )

    def _gate(self) -> list[InputRef]:
        """The quality gate that let the dataset pass, where it was asked."""
        name = manifest_name(GATE, self.settings.task.run_id)
        stored = self.store.read(name)
        if stored is None:
            return []
        uri = self.store.uri(name)
        return [InputRef(stage="quality_gate", uri=uri, generation=stored.generation, crc32c=stored.crc32c)]

    def _land(self, trained: Trained, work: Work, evaluated: Evaluated, seconds: float) -> None:
        """The manifest, create-only: now the version exists."""
        training, seed = self.settings.training, self._seed(work)
        manifest = ModelManifest(
            run_id=self.settings.task.run_id,
            version=self.settings.version,
            pipeline=work.config.pipeline,
            stage=STAGE,
            inputs=[work.dataset.source, *self._gate()],
            outputs=[*trained.outputs, *evaluated.outputs],
            params=training.model_dump(mode="json"),
            params_sha256=params_sha256(training, seed),
            seed=seed,
            code_version=self.settings.cloud.code_version,
            attempt=self.settings.task.attempt,
            started=self.started,
            finished=dt.datetime.now(dt.UTC),
            seconds=round(seconds, 4),
            counters=trained.counters,
            base=trained.base,
            evaluation=evaluated.uri,
        )
        won = self.store.create_model(manifest_name(MODELS, self.settings.version), manifest)
        log.info("training.landed" if won else "training.landed_elsewhere", version=self.settings.version)
