"""Each report judged in memory, as its stage would."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import orjson
import polars as pl

from fitsense.config import Anomalies, Bias, Statistics, Validation
from fitsense.manifest import Report
from jobs.anomalies.checks import Worst
from jobs.anomalies.checks import judge as judge_anomalies
from jobs.anomalies.tally import Tally
from jobs.bias.checks import judge as judge_bias
from jobs.bias.flips import Answer, Flips
from jobs.bias.outcomes import TeacherRows, choose, follow, read_rejected
from jobs.statistics.checks import judge as judge_statistics
from jobs.statistics.population import read_queries
from jobs.statistics.texts import Sample, sample_rows
from jobs.validation.checks import Declared
from jobs.validation.checks import judge as judge_validation
from jobs.validation.scan import Scanner
from tests.unit.quality import samples
from tests.unit.quality.samples import Run

SEED = 3
Frames = dict[str, pl.DataFrame]


def validation(run: Run, declared: Declared | None = None) -> tuple[Report, Frames]:
    scanner = Scanner()
    for split, lines in run.lines().items():
        for line in lines:
            scanner.add(split, line)
    return judge_validation(scanner.result(), declared or run.declared(), Validation())


def statistics(run: Run, index: pl.DataFrame | None = None, reference: pl.DataFrame | None = None) -> Report:
    lines = run.lines()
    picked = sample_rows({split: len(rows) for split, rows in lines.items()}, SEED)
    sample = Sample.read(lines[split][number] for split, numbers in picked.items() for number in numbers)
    params = Statistics(reference_run=None if reference is None else "winter-1")
    frame = run.index() if index is None else index
    return judge_statistics(frame, read_queries([run.queries()]), sample, reference, params)


def tables(run: Run) -> Frames:
    """What the anomalies stage reads."""
    people = samples.profiles()
    return {
        "profiles": people,
        "dataset": run.index(),
        "sets": samples.sets(people),
        "days": samples.days(people),
        "weeks": samples.weeks(people),
    }


def anomalies(frames: Frames) -> tuple[Report, Worst]:
    tally = Tally(Anomalies().outlier_mads, frames["profiles"])
    for name, frame in frames.items():
        tally.add_whole(name, frame)
    return judge_anomalies(tally, Anomalies())


def bias(
    run: Run,
    index: pl.DataFrame | None = None,
    answer: Answer | None = None,
    teacher: str = "rules",
    counterfactuals: int = 60,
) -> Report:
    kept = run.index() if index is None else index
    rows = TeacherRows(choose(kept, counterfactuals, SEED))
    rows.add(run.teacher())
    rejected = b"".join(orjson.dumps(r, option=orjson.OPT_APPEND_NEWLINE) for r in run.rejected)
    flips = Flips(answer or engine(), SEED)
    for query in rows.queries:
        flips.add(query)
    frame = follow(rows.frame(), kept, read_rejected(rejected))
    return judge_bias(frame, flips.frame(), Bias(), teacher, SEED)


def engine(sets: Callable[[dict[str, Any]], int] = lambda context: 3) -> Answer:
    """An engine that plans one exercise a day, of as many sets as ``sets`` says of the context."""

    def answer(query: dict[str, Any], seed: int) -> dict[str, Any]:
        kg = Random(query["query_id"]).randint(20, 80) * 1.0
        exercise = {"id": "sq01", "sets": sets(query["context"]), "reps": [6, 8], "rir": 2.0, "kg": kg}
        days = [{"exercises": [exercise]} for _ in range(query["context"]["days_per_week"])]
        return {"action": "answer", "message": "ok", "plan": {"days": days}, "rules": []}

    return answer


def red(report: Report) -> set[str]:
    return {check.name for check in report.checks if not check.passed}


def names(report: Report) -> set[str]:
    return {check.name for check in report.checks}
