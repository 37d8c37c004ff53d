"""The question that a version must answer before anybody meets it: a plan for a healthy adult.

Its answer is constrained to the schema, so that this tells of the engine, the files and the adapter, not
of the model's talent, which its evaluation has measured: a broken model does not end, or answers nothing.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import aiohttp

from fitsense.errors import Permanent, Unavailable
from fitsense.models.serving import MAX_TOKENS, request
from fitsense.prompting import BadAnswer, outline_of, parse_answer

TIMEOUT_S = 120.0
CONTEXT: dict[str, Any] = {
    "user_id": "u00000000", "age": 34, "sex": "F", "height_cm": 168.0, "weight_kg": 64.0, "activity": "light",
    "goal": "general_fitness", "experience": "novice", "days_per_week": 2, "minutes_per_session": 45,
    "equipment": ["bench", "dumbbell", "mat"], "conditions": [], "medical_clearance": True, "units": "kg",
    "target_weight_kg": 64.0, "kcal_target": 1950.0, "week": 1, "adherence": 1.0, "sleep_h": [7.4],
    "kcal": [1950.0], "weights_kg": [64.0], "lifts": [], "weekly_sets": {}, "weeks_since_deload": 0,
    "stalled": False, "pain_area": None, "pain": 0, "notes": [],
}  # fmt: skip
QUERY: dict[str, Any] = {
    "query_id": "q00000000-00", "user_id": CONTEXT["user_id"], "type": "plan_creation", "language": "en",
    "prompt": "Please write my plan for this week.", "context": CONTEXT, "slices": {}, "tags": [],
    "safety": [], "expected_action": "answer",
}  # fmt: skip


class ProbeFailed(Permanent):
    """The version does not answer the probe as it must."""

    status = 422


@cache
def question() -> dict[str, Any]:
    """The probe but for its ``model``, as any client of the student asks: greedy, under its schema."""
    return request({**QUERY, "outline": outline_of(QUERY)}, "")


async def probe(session: aiohttp.ClientSession, url: str, model: str) -> None:
    """Ask ``model`` of the engine at ``url``. Raises ProbeFailed, Unavailable when the engine is not well."""
    try:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with session.post(
            f"{url}/v1/chat/completions", json={**question(), "model": model}, timeout=timeout
        ) as answer:
            status, body = answer.status, await answer.json(content_type=None)
    except TimeoutError as error:
        raise ProbeFailed(f"the probe was not answered in {TIMEOUT_S:g} s") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise Unavailable(f"the probe met no answer: {error}") from error
    judge(status, body)


def judge(status: int, body: Any) -> None:
    """Raises ProbeFailed for anything but a whole answer that reads; Unavailable for an engine's error."""
    if status >= 500:
        raise Unavailable(f"the probe met {status}: {body}")
    if status != 200:
        raise ProbeFailed(f"the probe met {status}: {body}")
    choice = body["choices"][0]
    if choice["finish_reason"] != "stop":
        raise ProbeFailed(f"the probe's answer does not end within {MAX_TOKENS} tokens")
    try:
        parse_answer(choice["message"]["content"] or "")
    except BadAnswer as error:
        raise ProbeFailed(f"the probe's answer cannot be read: {error.message}") from error
