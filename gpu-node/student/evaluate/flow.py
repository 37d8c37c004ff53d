"""From a model to its report: prompts, replies, judgement, comparison, files. Reads downward."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.config import Evaluation, RunConfig
from fitsense.errors import BadArtifact
from fitsense.models.evaluation import EvaluationReport, Latency, Safety, TestSet
from fitsense.models.manifest import Base
from fitsense.models.registry import Registry
from fitsense.progress import ProgressReporter, Report
from fitsense.settings import TaskSettings
from student.evaluate import scoring
from student.evaluate.bootstrap import Bootstrap
from student.evaluate.cases import Ask, Case, Reply, test_sha256
from student.evaluate.client import Conduct
from student.evaluate.contest import Contest
from student.evaluate.fairness import gaps
from student.evaluate.grades import grades
from student.evaluate.journal import Journal
from student.evaluate.judging import Judged, judge
from student.evaluate.latency import latency
from student.evaluate.prompts import asks_of
from student.evaluate.safety_set import safety_cases
from student.evaluate.samples import stored_replies
from student.evaluate.source import held_out
from student.serving.cache import LocalModel, ModelCache

log = structlog.get_logger(__name__)


TEACHER = "teacher"
UNIT = "answers evaluated"


@dataclass(frozen=True)
class Subject:
    """Who is evaluated, on whose dataset, and against whom (a version; None for nobody)."""

    version: str
    run_id: str
    base: Base
    config: RunConfig
    wanted: Evaluation
    seed: int
    code_version: str
    against: str | None
    model: Callable[[], LocalModel]
    known: Mapping[str, Reply] = field(default_factory=dict)
    """Replies of an earlier evaluation, by what was asked; and how fast they came."""
    latency: Latency | None = None


@dataclass(frozen=True)
class Means:
    """What an evaluation works with. ``journal`` is a folder of the bucket for replies under way."""

    cloud: Cloud
    store: ArtifactStore
    scratch: Path
    journal: str
    interrupted: Callable[[], bool]
    progress: Report | None = None


@dataclass(frozen=True)
class Outcome:
    """The report and what pages tell beside it. ``teacher`` and ``rival`` are judged on the same prompts."""

    report: EvaluationReport
    subject: Subject
    asks: list[Ask]
    mine: list[Judged]
    teacher: list[Judged]
    rival: list[Judged]
    held_out: int


def run(subject: Subject, means: Means) -> Outcome:
    """Ask, judge, compare. Raises FitSenseError; Interrupted with all replies kept."""
    held = held_out(means.store, subject.config, subject.run_id, subject.wanted, subject.seed)
    asks = asks_of([*held.cases, *safety_cases()], subject.wanted, subject.seed)
    mine, rival = _replies(subject, means, asks)
    groups = [_judged(asks, mine), _teacher(held.cases), _judged(asks, rival)]
    groups = [scoring.with_diversity(group) for group in groups]
    graded = grades(subject.wanted, Journal(means.store, means.journal), subject.seed, groups)
    ours, taught, theirs = (
        scoring.with_values(group, "judged", own) for group, own in zip(groups, graded, strict=True)
    )
    report = _report(subject, asks, ours, taught, theirs)
    return Outcome(report, subject, asks, ours, taught, theirs, held.records)


def _judged(asks: Sequence[Ask], replies: Mapping[str, Reply]) -> list[Judged]:
    return [judge(ask.case, ask.mode, replies[ask.sha256]) for ask in asks if ask.sha256 in replies]


Replies = Mapping[str, Reply]
"""By ``Ask.sha256``."""


def _replies(subject: Subject, means: Means, asks: Sequence[Ask]) -> tuple[Replies, Replies]:
    """The subject's and the rival's replies; whatever stands in an earlier evaluation is not asked again."""
    journal = Journal(means.store, means.journal)
    journal.recall(subject.version, subject.known)
    models = [] if journal.knows(subject.version, asks) else [subject.model()]
    rival = subject.against if subject.against != subject.version else None
    if rival:
        journal.recall(rival, stored_replies(means.store, f"models/{rival}"))
        models += [] if journal.knows(rival, asks) else _fetched(rival, means)
    done = sum(journal.reply(model.version, ask) is not None for model in models for ask in asks)
    conduct = Conduct(means.interrupted, _progress(means.progress, len(models) * len(asks), done))
    Contest(subject.wanted, journal, conduct, means.scratch).ask(models, asks)
    return journal.replies(subject.version, asks), journal.replies(rival, asks) if rival else {}


def _fetched(version: str, means: Means) -> list[LocalModel]:
    """A rival that is gone keeps nobody from being evaluated."""
    try:
        return [ModelCache(means.store, means.scratch / "rivals").fetch(version)]
    except BadArtifact as error:
        log.warning("evaluation.rival_gone", version=version, reason=error.message)
        return []


def _teacher(cases: Sequence[Case]) -> list[Judged]:
    """The teacher's own answers, by the same judge; likeness to itself says nothing."""
    judged = [judge(case, "free", Reply(case.teacher, "stop")) for case in cases if case.teacher]
    return [
        replace(one, values={name: v for name, v in one.values.items() if name != "similarity"})
        for one in judged
    ]


def _report(
    subject: Subject,
    asks: Sequence[Ask],
    mine: Sequence[Judged],
    teacher: Sequence[Judged],
    rival: Sequence[Judged],
) -> EvaluationReport:
    wanted = subject.wanted
    bootstrap = Bootstrap(subject.seed, wanted.level, wanted.resamples)
    others = [(TEACHER, teacher), *([(subject.against, rival)] if subject.against and rival else [])]
    main = [one for one in mine if one.case.kind == "test" and one.mode == "free"]
    timed = {ask.case.id for ask in asks if ask.timed}
    return EvaluationReport(
        version=subject.version,
        run_id=subject.run_id,
        test=TestSet(sha256=test_sha256(list(asks)), records=len(main)),
        level=wanted.level,
        seed=subject.seed,
        metrics=scoring.metrics(scoring.main_points(mine), bootstrap),
        slices=scoring.slice_metrics(mine, bootstrap),
        safety=Safety(
            prompts=sum(one.case.kind == "safety" for one in mine),
            violations=scoring.violations(mine, as_served=wanted.safety_net),
        ),
        latency=subject.latency or latency(one.reply for one in main if one.case.id in timed),
        teacher=scoring.metrics(scoring.main_points(teacher), bootstrap, TEACHER),
        fairness=gaps(mine, bootstrap, wanted.min_group),
        comparisons=[scoring.compare(str(name), mine, own, bootstrap) for name, own in others],
        broken_rules=scoring.broken_rules(mine),
        failures=scoring.failures(mine),
        code_version=subject.code_version,
    )


def champion_of(store: ArtifactStore) -> str | None:
    return Registry(store).channels().champion


def reporter(cloud: Cloud, task: TaskSettings, version: str) -> ProgressReporter:
    """Speaks of the version: who follows a requested training watches for that."""
    return ProgressReporter(cloud, replace(task, run_id=version), "training")


def _progress(report: Report | None, total: int, done: int) -> Callable[[int, int], None]:
    """The clock starts with the first reply: starting an engine says nothing about how fast it answers."""
    first, tokens, begun = done, 0, 0.0

    def step(replies: int, more: int) -> None:
        nonlocal done, tokens, begun
        begun = begun or time.monotonic()
        done, tokens = min(done + replies, total), tokens + more
        rate = (done - first) / max(time.monotonic() - begun, 0.1)
        if report:
            report(done, total, UNIT, tokens, 0.0, note=f"{rate:.1f}/s", eta_s=(total - done) / rate)

    return step
