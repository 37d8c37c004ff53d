"""Stage ``teacher``: an answer for each query, verified by the rule engine, flagged and costed.

Part files are ``part-00000.jsonl`` of ``records.TeacherResponse``, one line a query in the order of the
queries' part, rejected ones included. Two kinds of teacher:

- ``rules`` answers from the engine, costs nothing
- ``openai_compatible`` asks a model; what it was paid for is in the bucket before it counts
  (``checkpoint``), serves later runs (``cache``), and stays within the budget (``budget``)

Nothing of how a call went (latency, request id, tries) is in the part files: they are the same bytes
whatever the order of answers, the retries and the kills. That is in the checkpoints, call by call.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import ValidationError

from fitsense.config import EndpointTeacher, canonical_json
from fitsense.errors import BadArtifact
from fitsense.records import CoachAnswer
from jobs.stage import Job, part_file

if TYPE_CHECKING:
    from jobs.teacher.verdict import Verdict

PROGRESS_ROWS = 64


def parts(job: Job) -> int:
    """As many as the queries have."""
    return job.inputs["queries"].part_count(".jsonl")


def run_part(job: Job, part: int) -> None:
    """Answer the queries of one part."""
    params = job.config.teacher
    if isinstance(params, EndpointTeacher):
        from jobs.teacher.remote import teach_part

        teach_part(job, params, part)
    else:
        _teach_by_rule(job, part)


def _teach_by_rule(job: Job, part: int) -> None:
    name = part_file(part, "jsonl")
    queries = job.inputs["queries"].read(name).splitlines()
    rejected: Counter[str] = Counter()
    job.write_lines(name, _by_rule(job, queries, rejected))
    good = len(queries) - rejected.total()
    job.count(rows_in=len(queries), rows_out=good, rejected=dict(sorted(rejected.items())))


def _by_rule(job: Job, queries: list[bytes], rejected: Counter[str]) -> Iterator[bytes]:
    from jobs.teacher.part import response_line

    for row, line in enumerate(queries):
        query = orjson.loads(line)
        verdict = _verdict_by_rule(query, job.seed)
        if verdict.rejected:
            rejected[verdict.rejected] += 1
        request = hashlib.sha256(canonical_json({"query": query, "seed": job.seed}))
        yield response_line(line, verdict, model="rules", request_sha256=request.hexdigest())
        if row % PROGRESS_ROWS == 0:
            job.progress(row, len(queries), "answers")


def _verdict_by_rule(query: dict[str, Any], seed: int) -> Verdict:
    """The engine's answer, judged like any other teacher's. Raises BadArtifact for a query it cannot read."""
    from jobs.teacher import rules
    from jobs.teacher.verdict import Verdict, verify

    try:
        raw = rules.answer(query, seed)
    except KeyError as error:
        raise BadArtifact(f"{query['query_id']}: the engine does not know {error}") from error
    except ValueError as error:
        return Verdict(rejected="unanswerable", detail=str(error))
    try:
        return verify(query, CoachAnswer.model_validate(raw))
    except ValidationError as error:
        return Verdict(rejected="schema_invalid", detail=str(error))
