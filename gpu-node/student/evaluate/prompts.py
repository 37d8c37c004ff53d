"""The asks of an evaluation: what is held out, asked freely; some plans under their schema; safety."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fitsense.config import Evaluation
from fitsense.prompting import served_format
from fitsense.training.catalog.exercises import LEVELS, exercises_for
from fitsense.training.people.conditions import limits_for
from fitsense.training.request import request_of
from student.evaluate.cases import Ask, Case, Reply
from student.evaluate.judging import read
from student.evaluate.sampling import spread

_ID = re.compile(r"\b[a-z]{2}\d{2}\b")


def asks_of(cases: Sequence[Case], wanted: Evaluation, seed: int) -> list[Ask]:
    """In the order of asking: those that are timed, the other records, safety, those under the schema."""
    main = [case for case in cases if case.kind == "test"]
    timed = spread([case.id for case in main], wanted.streamed, seed)
    plans = [case for case in main if _wants_plan(case)]
    bound = spread([case.id for case in plans], wanted.constrained, seed)
    free = [Ask(case, "free", wanted.max_tokens, timed=case.id in timed) for case in cases]
    return [
        *sorted(free, key=lambda ask: not ask.timed),
        *(
            Ask(case, "constrained", wanted.max_tokens, served_format(allowed_ids(case)))
            for case in plans
            if case.id in bound
        ),
    ]


def allowed_ids(case: Case) -> list[str]:
    """What this person may do under this request, the outline's exercises among them, as when it serves."""
    request = request_of(case.query)
    limits = limits_for(request.context, request.pain)
    equipment, rank = frozenset(request.context["equipment"]), LEVELS[request.context["experience"]]
    found = exercises_for(equipment, limits.tags, limits.patterns, rank)
    ids = [exercise.id for exercise in found if exercise.id not in request.avoid]
    return list(dict.fromkeys([*ids, *_ID.findall(case.query.get("outline") or "")]))


def _wants_plan(case: Case) -> bool:
    """Whether the teacher gave a plan, and there is something to plan with."""
    answer, _ = read(Reply(case.teacher or "", "stop"))
    return bool(answer and answer["plan"] is not None and allowed_ids(case))
