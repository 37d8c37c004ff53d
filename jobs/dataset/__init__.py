"""Stage ``dataset``: teacher responses become the distillation dataset, its index, its rejects and its card.

Two passes, both streamed (``build``). The first reads the teacher's files; it keeps drafts of the new lines
on disk (``drafts``) and numbers in memory (``read``, ``table``). From these, duplicates are found (``dedup``,
``lsh``), and whole people and clusters dealt to the splits (``split``). The second pass writes (``write``).
What was written is read again for leaks (``leaks``) before the card is made (``facts``, ``card``).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

import google_crc32c
import orjson

from fitsense.config import Dataset
from fitsense.errors import BadArtifact
from fitsense.manifest import OutputRef
from fitsense.prompting import context_of
from jobs.dataset.build import Build
from jobs.dataset.card import card
from jobs.dataset.facts import Ingredient, facts
from jobs.dataset.outcome import Outcome
from jobs.dataset.recipe import recipe
from jobs.dataset.workers import Workers, worker_count
from jobs.stage import Input, Job

_PROGRESS_EVERY = 500


def parts(job: Job) -> int:
    return 1


def run_part(job: Job, part: int) -> None:
    """Make the whole dataset. Raises BadArtifact for torn input, GateFailed when no clean split exists."""
    source = _Source(job)
    made_of = recipe(job.store, source.artifact.manifest)
    build = Build(
        source.lines(),
        source.rows,
        params=job.params(Dataset),
        seed=job.seed,
        context_text=context_of,
        folder=job.scratch,
        pause=job.check_interrupted,
    )
    with Workers(worker_count(source.rows)) as workers:
        outcome = build.decide(workers)
    for file in build.files(outcome):
        job.write_streamed(file.name, file.lines, rows=file.rows)
    job.write("index.parquet", build.index(outcome), rows=len(outcome.kept))
    _describe(job, outcome, made_of)


def _describe(job: Job, outcome: Outcome, made_of: list[Ingredient]) -> None:
    """Summary, card and counters."""
    told = facts(outcome, made_of, job.params(Dataset), job.seed)
    summary = orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    job.write("summary.json", summary, rows=1)
    job.write("card.md", card(told).encode(), rows=1)
    job.count(rows_in=told["rows_in"], rows_out=told["records"], rejected=told["rejected"])


class _Source:
    """The teacher's files as one stream of lines, checked and counted as progress."""

    def __init__(self, job: Job) -> None:
        self.artifact: Input = job.inputs["teacher"]
        self._job = job
        self._files = self.artifact.files(".jsonl")
        self._done = 0
        self.rows = sum(file.rows for file in self._files)

    def lines(self) -> Iterator[bytes]:
        for file in self._files:
            yield from self._checked(file)

    def _checked(self, file: OutputRef) -> Iterator[bytes]:
        """Raises BadArtifact after the last line of a file that is not the one its manifest names."""
        checksum = google_crc32c.Checksum()
        for line in self.artifact.lines(file.name):
            checksum.update(line)
            self._done += 1
            if self._done % _PROGRESS_EVERY == 0:
                self._job.progress(self._done, self.rows)
            yield line
        if base64.b64encode(checksum.digest()).decode() != file.crc32c:
            raise BadArtifact(
                f"{file.uri} is not what its manifest says", hint="rerun from the teacher stage"
            )
