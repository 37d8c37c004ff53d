"""The highest load that the published numbers leave a logged lift, held against every answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from tests.acceptance.answer import Answer, work_sets
from tests.acceptance.loading import Entry

LOWER = frozenset({"squat", "lunge", "hinge"})
SLACK_KG = 0.02


def too_heavy(answer: Answer) -> Iterator[str]:
    """Logged lifts above their ceiling; P-03's earned step may pass P-02 once the top was passed by 3."""
    for _, entry, exercise in answer.exercises():
        logged = last_load(answer, entry.id)
        if logged is None:
            continue
        most = logged * share(answer, entry)
        for one in work_sets(exercise):
            kg = one["weight_kg"]
            if kg is not None and kg > most + SLACK_KG and not _step_earned(answer, entry.id):
                yield f"{entry.id}: {kg} kg after {logged} kg, {most:.1f} at most"


def last_load(answer: Answer, exercise: str) -> float | None:
    """The highest load that a session of ``exercise`` in the last 3 weeks used; None without one."""
    rows = [
        one
        for one in answer.history.get("sets", [])
        if one["exercise"] == exercise and one.get("weight_kg") and one["reps"] > 0
    ]
    if not rows:
        return None
    latest = max(dt.date.fromisoformat(one["date"]) for one in rows)
    near = [one for one in rows if (latest - dt.date.fromisoformat(one["date"])).days <= 21]
    return float(max(one["weight_kg"] for one in near))


def share(answer: Answer, entry: Entry) -> float:
    """The strictest of P-02, P-06 and S-03 as a share of the last load."""
    careful = answer.profile["age"] >= 65 or bool(answer.profile.get("conditions"))
    shares = [1.10 if entry.pattern in LOWER and not careful else 1.05]
    days = answer.history.get("days_since_last_session") or 0
    shares += [most for least, most in ((28, 0.80), (14, 0.90), (7, 0.95)) if days >= least][:1]
    nights = answer.history.get("sleep_h_last7") or []
    mean = sum(nights) / len(nights) if len(nights) == 7 else 8.0
    shares += [1.0] if mean < 6.0 else [1.025] if mean < 7.0 else []
    return min(shares)


def _step_earned(answer: Answer, exercise: str) -> bool:
    """Whether all sets of the last session passed the top of the range by 3 (P-03)."""
    target = answer.profile.get("target_range") or answer.history.get("target_range")
    rows = [one for one in answer.history["sets"] if one["exercise"] == exercise]
    last = [one for one in rows if one["date"] == max(row["date"] for row in rows)]
    top = target[1] if target else 12
    rested = (answer.history.get("days_since_last_session") or 0) < 7
    return rested and min(one["reps"] for one in last) >= min(top + 3, 20)
