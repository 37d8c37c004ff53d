"""``python -m student evaluate VERSION``: judge a version that is there, for instance against another model.

Nothing that stands is touched: the report goes to a folder of its own, ``models/<version>/evaluations/…``,
named by whom and what it was measured against; the same question finds the same report. Replies that the
version's own evaluation holds are judged again, not asked for again.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
import yaml

from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.config import Evaluation, RunConfig, canonical_json
from fitsense.errors import BadArtifact, FitSenseError
from fitsense.guard import run_guarded
from fitsense.models.evaluation import EvaluationReport
from fitsense.models.manifest import ModelManifest
from fitsense.models.registry import Registry
from fitsense.progress import Report
from fitsense.settings import Settings
from fitsense.telemetry import configure_logging
from student.evaluate import flow
from student.evaluate.journal import Journal
from student.evaluate.publish import Place, publish, report_of
from student.evaluate.samples import stored_replies
from student.recipe import digest
from student.serving.cache import ModelCache

log = structlog.get_logger(__name__)

CHAMPION, NOBODY = "champion", "nobody"


@dataclass(frozen=True)
class Question:
    """What the command line asks."""

    version: str
    against: str = CHAMPION
    records: int | None = None
    seed: int | None = None


def main(arguments: list[str]) -> int:
    """0 done, 65 not possible, 75 stopped or the engine failed: the same command goes on from there."""
    parser = argparse.ArgumentParser(prog="python -m student evaluate", description=__doc__.split("\n")[0])
    parser.add_argument("version", help="see: fitsense models list")
    parser.add_argument("--against", default=CHAMPION, help=f"a version, {CHAMPION} (default) or {NOBODY}")
    parser.add_argument("--records", type=int, help="held-out records; default: the run's config")
    parser.add_argument("--seed", type=int, help="of the sample and the intervals; default: the run's")
    question = Question(**vars(parser.parse_args(arguments)))
    configure_logging("student-evaluate")
    return run_guarded(lambda: Again(Settings.from_env(), question))


class Again:
    """One evaluation of a version that has landed."""

    def __init__(self, settings: Settings, question: Question) -> None:
        self.settings = settings
        self.cloud = Cloud(settings)
        self.store = ArtifactStore(self.cloud.bucket)
        self.question = question
        self.stopped = False

    def run(self) -> None:
        """Raises NoSuchModel, BadArtifact, Misconfigured, Interrupted, Unavailable."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        manifest = self._manifest(self.question.version)
        with tempfile.TemporaryDirectory(prefix="fitsense-evaluate-") as scratch:
            subject = self._subject(manifest, Path(scratch))
            place = Place(f"models/{manifest.version}/evaluations/{_name(subject)}", inside="")
            found = report_of(self.store, place)
            if found is None:
                found = self._evaluate(subject, place, Path(scratch))
        sys.stdout.write("\n".join(_told(found, self.store.uri(place.folder))) + "\n")

    def fail(self, error: FitSenseError) -> None:
        """A version that stands is no worse for it: nothing is recorded."""

    def _stop(self, _number: int, _frame: object) -> None:
        self.stopped = True

    def _manifest(self, version: str) -> ModelManifest:
        manifest = Registry(self.store).model(version).manifest
        if manifest is None:
            raise BadArtifact(f"{version} has no manifest", hint="its training has failed or is under way")
        return manifest

    def _evaluate(self, subject: flow.Subject, place: Place, scratch: Path) -> EvaluationReport:
        prefix = place.folder.replace("models/", "training_checkpoints/", 1)
        means = flow.Means(
            self.cloud, self.store, scratch, prefix, lambda: self.stopped, _told_on(sys.stderr.isatty())
        )
        outcome = flow.run(subject, means)
        publish(self.store, place, outcome)
        Journal(self.store, prefix).delete()
        return outcome.report

    def _subject(self, manifest: ModelManifest, scratch: Path) -> flow.Subject:
        config = _config(self.store, manifest.run_id)
        wanted = config.evaluation or Evaluation()
        if self.question.records:
            wanted = wanted.model_copy(update={"records": self.question.records})
        seed = next(s for s in (self.question.seed, wanted.seed, config.seed) if s is not None)
        first = report_of(self.store, Place(f"models/{manifest.version}"))
        return flow.Subject(
            version=manifest.version,
            run_id=manifest.run_id,
            base=manifest.base,
            config=config,
            wanted=wanted,
            seed=seed,
            code_version=self.settings.code_version,
            against=self._against(),
            model=lambda: ModelCache(self.store, scratch).fetch(manifest.version),
            known=stored_replies(self.store, f"models/{manifest.version}"),
            latency=first.latency if first else None,
        )

    def _against(self) -> str | None:
        against = self.question.against
        if against == NOBODY:
            return None
        if against != CHAMPION:
            return self._manifest(against).version
        champion = flow.champion_of(self.store)
        return None if champion == self.question.version else champion


def _config(store: ArtifactStore, run_id: str) -> RunConfig:
    stored = store.read(f"runs/{run_id}/config.yaml")
    if stored is None:
        raise BadArtifact(f"runs/{run_id}/config.yaml is not there", hint="its run was deleted")
    return RunConfig.model_validate(yaml.safe_load(stored.data))


def _name(subject: flow.Subject) -> str:
    """The same question, the same folder."""
    asked = canonical_json(subject.wanted.model_dump(mode="json")).decode()
    return f"{subject.against or NOBODY}-{digest(asked, subject.seed, subject.code_version)[:8]}"


def _told(found: EvaluationReport, folder: str) -> Iterator[str]:
    """The report in the lines of a terminal."""
    yield f"{found.version} on {found.test.records} held-out records of {found.run_id}"
    for name, metric in found.metrics.items():
        yield f"  {name:26} {metric.value:6.3f}  {metric.low:.3f} to {metric.high:.3f}  n {metric.n}"
    for one in found.comparisons:
        yield f"against {one.against}, paired"
        for name, gap in one.metrics.items():
            yield f"  {name:26} {gap.value:+6.3f}  {gap.low:+.3f} to {gap.high:+.3f}"
    kinds = ", ".join(f"{kind} {n}" for kind, n in found.safety.violations.items()) or "none"
    yield f"safety: {found.safety.total} violations in {found.safety.prompts} prompts ({kinds})"
    yield f"{folder}/report.html"


def _told_on(terminal: bool) -> Report | None:
    """A line that is written over; nothing where nobody watches."""

    def report(
        done: int,
        total: int,
        unit: str,
        tokens: int,
        cost_usd: float,
        note: str = "",
        eta_s: float | None = None,
    ) -> None:
        left = f", {eta_s:.0f} s left" if eta_s is not None else ""
        sys.stderr.write(f"\r{done} of {total} {unit}{left}   " + "\n" * (done == total))

    return report if terminal else None
