"""The evaluation as a step of training: a candidate in, its report beside its weights."""

from __future__ import annotations

import structlog

from fitsense.artifacts import ArtifactStore
from student.evaluate import flow
from student.evaluate.contest import candidate_model
from student.evaluate.journal import Journal
from student.evaluate.publish import Place, publish, standing
from student.evaluation import Candidate, Evaluated

log = structlog.get_logger(__name__)


def evaluate(candidate: Candidate) -> Evaluated:
    """``student.evaluation.Evaluate``: any number of times, each reply asked for once.

    Raises BadArtifact for a dataset that is not whole, Interrupted after SIGTERM, Unavailable when the
    engine fails.
    """
    store, wanted = ArtifactStore(candidate.cloud.bucket), candidate.config.evaluation
    if wanted is None:
        log.warning("evaluation.off", hint="evaluation: null in the run's config")
        return Evaluated(None, [])
    place = Place(candidate.folder)
    uri = store.uri(place.report)
    if outputs := standing(store, place):
        log.info("evaluation.already_done", version=candidate.settings.version)
        return Evaluated(uri, outputs)
    prefix = f"training_checkpoints/{candidate.settings.version}/evaluation"
    outcome = flow.run(_subject(candidate, flow.champion_of(store)), _means(candidate, store, prefix))
    outputs = publish(store, place, outcome)
    Journal(store, prefix).delete()
    log.info("evaluation.done", **{n: m.value for n, m in outcome.report.metrics.items()})
    return Evaluated(uri, outputs)


def _subject(candidate: Candidate, champion: str | None) -> flow.Subject:
    settings, config = candidate.settings, candidate.config
    assert config.evaluation is not None
    base = candidate.base
    return flow.Subject(
        version=settings.version,
        run_id=settings.task.run_id,
        base=base.base,
        config=config.model_copy(update={"training": settings.training}),
        wanted=config.evaluation,
        seed=config.seed if config.evaluation.seed is None else config.evaluation.seed,
        code_version=settings.cloud.code_version,
        against=champion,
        model=lambda: candidate_model(settings.version, base.base.sha256, base.folder, candidate.trained),
    )


def _means(candidate: Candidate, store: ArtifactStore, prefix: str) -> flow.Means:
    settings = candidate.settings
    return flow.Means(
        cloud=candidate.cloud,
        store=store,
        scratch=candidate.scratch,
        journal=prefix,
        interrupted=candidate.interrupted,
        progress=flow.reporter(candidate.cloud, settings.task, settings.version),
    )
