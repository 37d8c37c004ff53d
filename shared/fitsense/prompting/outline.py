"""The outline of a plan: what the engine has worked out already, as lines at the end of a prompt's context.

How many weekly sets a muscle may have after last week's, what fits into the minutes, which equipment and
which painful joint rules what out: these are sums and look-ups over a whole week, which language models get
wrong. So the engine's own exercises, sets and loads are told; what is left to the model is to prescribe
repetitions, reserve and rest by them, to follow the request, and to say why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fitsense.training.people.conditions import limits_for
from fitsense.training.request import request_of
from fitsense.training.week.plan import build_plan, seed_of

LABEL = "Outline day"


def outline_of(query: Mapping[str, Any]) -> str:
    """The outline for a ``records.Query`` as a dict; empty where the engine would give no plan at all.

    It is there whether a plan is asked for or not: what to do is the model's to see, from the request.
    Raises KeyError for tags or conditions that the engine does not know.
    """
    request = request_of(query)
    if limits_for(request.context, request.pain).blocked or request.ill == "fever":
        return ""
    try:
        plan = build_plan(request, seed_of(query["context"])).plan
    except ValueError:  # the person's bounds leave no exercise
        return ""
    return outline_text(plan, query["context"]["week"] + 1)


def outline_text(plan: Mapping[str, Any], week: int) -> str:
    """``Outline: week 5, fat loss``, then ``Outline day 1: sq06 2 sets, hp01 3 sets 42.5 kg`` and so on."""
    return "\n".join(_lines(plan, week))


def _lines(plan: Mapping[str, Any], week: int) -> Iterator[str]:
    yield f"Outline: week {week}, {'deload, ' if plan['deload'] else ''}{plan['goal'].replace('_', ' ')}"
    for number, day in enumerate(plan["days"], start=1):
        yield f"{LABEL} {number}: {', '.join(_exercise(one) for one in day['exercises'])}"


def _exercise(planned: Mapping[str, Any]) -> str:
    load = "" if planned["kg"] is None else f" {planned['kg']:g} kg"
    return f"{planned['id']} {planned['sets']} {'set' if planned['sets'] == 1 else 'sets'}{load}"
