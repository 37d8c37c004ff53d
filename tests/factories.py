"""Valid samples of the record types: varied, seeded, plain dicts that the models accept.

People come in a fixed order: record ``i`` of ``n`` belongs to user ``i // per_user``, and what it says
depends on ``seed`` and ``i`` alone, so that the first rows of a larger sample equal a smaller one.
"""

from __future__ import annotations

from random import Random
from typing import Any

import orjson

from tests.phrases import LIFTS, MESSAGES, NOTES, PROMPTS, WORDS

TYPES = ("plan_creation", "plan_modification", "safety_adjustment", "progress_adaptation", "free_coaching")
TYPE_WEIGHTS = (30, 20, 15, 20, 15)
LANGUAGES = ("en", "es", "hi")
SEXES = ("F", "M", "X")
GOALS = ("fat_loss", "muscle_gain", "strength", "general_fitness")
EXPERIENCES = ("novice", "intermediate", "advanced")
ACTIVITIES = ("sedentary", "light", "moderate", "active", "very_active")
CONDITIONS = ("hypertension", "diabetes", "low_back_pain", "knee_pain", "asthma")
KITS: dict[str, list[str]] = {
    "bodyweight": ["mat"],
    "home": ["dumbbell", "bench", "band", "mat"],
    "gym": ["barbell", "rack", "bench", "dumbbell", "cable", "machine", "pullup_bar", "mat"],
}
BANDS = ((18, 24), (25, 34), (35, 44), (45, 54), (55, 64), (65, 85))


def queries(n: int, seed: int = 0, per_user: int = 4) -> list[dict[str, Any]]:
    """``n`` dicts of records.Query."""
    return [_query(i, seed, per_user) for i in range(n)]


def responses(n: int, seed: int = 0, per_user: int = 4, rejected_share: float = 0.05) -> list[dict[str, Any]]:
    """``n`` dicts of records.TeacherResponse; about ``rejected_share`` of them without a good answer."""
    return responses_between(0, n, seed, per_user, rejected_share)


def responses_between(
    start: int, stop: int, seed: int = 0, per_user: int = 4, rejected_share: float = 0.05
) -> list[dict[str, Any]]:
    """Rows ``start`` to ``stop - 1`` of ``responses``: for samples that do not fit into memory."""
    return [_response(i, seed, per_user, rejected_share) for i in range(start, stop)]


def _response(i: int, seed: int, per_user: int, rejected_share: float) -> dict[str, Any]:
    query = _query(i, seed, per_user)
    rng = Random(f"{seed}/answer/{i}")
    bad = rng.random() < rejected_share
    return {
        "query": query,
        "answer": None if bad and rng.random() < 0.5 else _answer(query, rng),
        "rejected": rng.choice(["rule_violation", "bad_json", "timeout"]) if bad else None,
        "violations": ["N-03"] if bad else [],
        "model": "rules",
        "request_sha256": f"{rng.getrandbits(256):064x}",
        "tokens_in": rng.randint(300, 900),
        "tokens_out": rng.randint(80, 600),
        "cost_usd": 0.0,
    }


def dataset_records(n: int, seed: int = 0, per_user: int = 4) -> list[dict[str, Any]]:
    """``n`` dicts of records.DatasetRecord."""
    return [_dataset_record(row) for row in responses(n, seed, per_user, rejected_share=0)]


def _dataset_record(row: dict[str, Any]) -> dict[str, Any]:
    query = row["query"]
    metadata = {key: query[key] for key in ("user_id", "type", "language", "slices", "tags", "safety")}
    return {
        "id": query["query_id"],
        "instruction": query["prompt"],
        "context": orjson.dumps(query["context"]).decode(),
        "response": orjson.dumps(row["answer"], option=orjson.OPT_SORT_KEYS).decode(),
        "metadata": {
            **metadata,
            "action": row["answer"]["action"],
            "cluster": query["query_id"],
            "model": row["model"],
            "request_sha256": row["request_sha256"],
        },
    }


def _query(i: int, seed: int, per_user: int) -> dict[str, Any]:
    user, k = divmod(i, per_user)
    person = _person(user, seed)
    rng = Random(f"{seed}/query/{i}")
    kind = rng.choices(TYPES, TYPE_WEIGHTS)[0]
    red_flag = kind == "safety_adjustment" and rng.random() < 0.3
    context = {key: value for key, value in person.items() if key not in ("language", "kit", "age_band")}
    return {
        "query_id": f"q{user:08d}-{k:02d}",
        "user_id": person["user_id"],
        "type": kind,
        "language": person["language"],
        "prompt": _prompt(kind, person, rng),
        "context": {**context, **_trends(person, rng)},
        "outline": "Outline: week 5, strength\nOutline day 1: sq06 2 sets, hp03 3 sets 12.5 kg",
        "slices": {
            "age_band": person["age_band"],
            "sex": person["sex"],
            "goal": person["goal"],
            "activity": person["activity"],
            "experience": person["experience"],
            "condition": person["conditions"][0] if person["conditions"] else "none",
            "equipment_kit": person["kit"],
        },
        "tags": ["red_flag:X-CARD"] if red_flag else ["poor_sleep"] if rng.random() < 0.2 else [],
        "expected_action": "escalate" if red_flag else "answer",
        "safety": ["X-CARD"] if red_flag else ["E-01", "G-02"],
    }


def _person(user: int, seed: int) -> dict[str, Any]:
    rng = Random(f"{seed}/person/{user}")
    low, high = rng.choice(BANDS)
    kit = rng.choice(list(KITS))
    weight = round(rng.uniform(48, 118), 1)
    return {
        "user_id": f"u{user:08d}",
        "age": rng.randint(low, high),
        "age_band": "65+" if low == 65 else f"{low}-{high}",
        "sex": rng.choices(SEXES, (48, 48, 4))[0],
        "height_cm": round(rng.uniform(150, 199), 1),
        "weight_kg": weight,
        "activity": rng.choice(ACTIVITIES),
        "goal": rng.choice(GOALS),
        "experience": rng.choice(EXPERIENCES),
        "days_per_week": rng.randint(2, 5),
        "minutes_per_session": rng.choice([30, 45, 60, 75]),
        "equipment": KITS[kit],
        "kit": kit,
        "conditions": [rng.choice(CONDITIONS)] if rng.random() < 0.25 else [],
        "medical_clearance": rng.random() < 0.8,
        "units": rng.choice(["kg", "lb"]),
        "target_weight_kg": round(weight * rng.uniform(0.88, 1.06), 1),
        "kcal_target": float(rng.randint(1500, 3200)),
        "language": rng.choices(LANGUAGES, (80, 15, 5))[0],
    }


def _trends(person: dict[str, Any], rng: Random) -> dict[str, Any]:
    """The part of a context that changes from week to week."""
    weight = person["weight_kg"]
    return {
        "week": rng.randint(0, 11),
        "adherence": round(rng.uniform(0.4, 1), 2),
        "sleep_h": [round(rng.uniform(5, 8.6), 1) for _ in range(4)],
        "kcal": [float(rng.randint(1400, 3300)) for _ in range(4)],
        "weights_kg": [round(weight + rng.gauss(0, 0.6), 1) for _ in range(4)],
        "lifts": [_lift(exercise, rng) for exercise in rng.sample(LIFTS, 3)],
        "weekly_sets": {muscle: float(rng.randint(2, 16)) for muscle in ("quads", "chest", "lats")},
        "weeks_since_deload": rng.randint(0, 9),
        "stalled": rng.random() < 0.2,
        "pain_area": rng.choice([None, None, None, "knee"]),
        "pain": rng.randint(0, 4),
        "notes": [rng.choice(NOTES)] if rng.random() < 0.3 else [],
    }


def _lift(exercise: str, rng: Random) -> dict[str, Any]:
    kg = rng.randrange(10, 280) * 0.5
    return {
        "exercise_id": exercise,
        "weight_kg": kg,
        "reps": [rng.randint(5, 12) for _ in range(3)],
        "rir": [float(rng.randint(0, 4)) for _ in range(3)],
        "e1rm_kg": [round(kg * rng.uniform(1.1, 1.4), 1) for _ in range(3)],
    }


def _prompt(kind: str, person: dict[str, Any], rng: Random) -> str:
    template = rng.choice(PROMPTS[person["language"]][kind])
    return template.format(
        days=person["days_per_week"],
        minutes=person["minutes_per_session"],
        lift=rng.choice(LIFTS),
        words=_words(person["language"], rng, 5),
    )


def _words(language: str, rng: Random, n: int) -> str:
    return " ".join(rng.choices(WORDS[language], k=n))


def _answer(query: dict[str, Any], rng: Random) -> dict[str, Any]:
    language, kind = query["language"], query["type"]
    planned = kind.startswith("plan_") and query["expected_action"] == "answer"
    opening = rng.choice(MESSAGES[language])
    plan = _plan(query["context"], rng) if planned else None
    return {
        "action": query["expected_action"],
        "message": f"{opening} {_words(language, rng, 45)}.",
        "plan": plan,
        "rules": query["safety"],
    }


def _plan(context: dict[str, Any], rng: Random) -> dict[str, Any]:
    days = [
        {"exercises": [_planned(exercise, rng) for exercise in rng.sample(LIFTS, 4)]}
        for _ in range(context["days_per_week"])
    ]
    return {"goal": context["goal"], "days": days, "deload": rng.random() < 0.1}


def _planned(exercise: str, rng: Random) -> dict[str, Any]:
    low = rng.randint(4, 10)
    return {
        "id": exercise,
        "sets": rng.randint(2, 4),
        "reps": [low, low + rng.randint(2, 4)],
        "rir": float(rng.randint(1, 3)),
        "kg": rng.choice([None, rng.randrange(10, 280) * 0.5]),
        "rest_s": rng.choice([60, 90, 120, 180]),
    }
