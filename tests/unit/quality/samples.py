"""A whole run's data in memory, clean, for the quality reports to judge and for tests to break."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import orjson
import polars as pl

from fitsense.config import Splits
from jobs.validation.checks import COMPARED, Declared
from tests.factories import responses

SPLITS = ("train", "val", "test")
SLICES = ("age_band", "sex", "goal", "activity", "experience", "condition", "equipment_kit")


@dataclass
class Run:
    """``answers`` are the teacher's; ``records`` what of them is kept, per split; the rest beside them."""

    answers: list[dict[str, Any]]
    records: dict[str, list[dict[str, Any]]]
    rejected: list[dict[str, str]] = field(default_factory=list)

    def lines(self) -> dict[str, list[bytes]]:
        return {
            split: [orjson.dumps(r, option=orjson.OPT_APPEND_NEWLINE) for r in rows]
            for split, rows in self.records.items()
        }

    def index(self) -> pl.DataFrame:
        return pl.DataFrame([_index_row(split, r) for split, rows in self.records.items() for r in rows])

    def queries(self) -> bytes:
        return b"".join(orjson.dumps(a["query"], option=orjson.OPT_APPEND_NEWLINE) for a in self.answers)

    def teacher(self) -> bytes:
        return b"".join(orjson.dumps(a, option=orjson.OPT_APPEND_NEWLINE) for a in self.answers)

    def declared(self) -> Declared:
        rows = {split: len(self.records[split]) for split in SPLITS}
        return Declared(rows, rows, self.index().select("id", *COMPARED), Splits(), 24_000)


def clean_run(n: int = 600, seed: int = 7, rejected_share: float = 0.05) -> Run:
    """``n`` prompts of ``n // 4`` people; rejected ones stay out of the records."""
    answers = responses(n, seed, rejected_share=rejected_share)
    users = sorted({answer["query"]["user_id"] for answer in answers})
    records: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
    rejected = []
    for answer in answers:
        query = answer["query"]
        place = users.index(query["user_id"]) * 10 // len(users)
        if answer["rejected"]:
            rejected.append({"id": query["query_id"], "reason": answer["rejected"], "detail": "told"})
        else:
            records["train" if place < 8 else "val" if place == 8 else "test"].append(_record(answer))
    return Run(answers, records, rejected)


def _record(answer: dict[str, Any]) -> dict[str, Any]:
    query = answer["query"]
    kept = ("user_id", "type", "language", "slices", "tags", "safety")
    return {
        "id": query["query_id"],
        "instruction": query["prompt"],
        "context": orjson.dumps(query["context"]).decode(),
        "response": orjson.dumps(answer["answer"], option=orjson.OPT_SORT_KEYS).decode(),
        "metadata": {
            **{key: query[key] for key in kept},
            "action": answer["answer"]["action"],
            "cluster": int(query["user_id"][1:]),
            "model": answer["model"],
            "request_sha256": answer["request_sha256"],
        },
    }


def _index_row(split: str, record: dict[str, Any]) -> dict[str, Any]:
    meta, context = record["metadata"], orjson.loads(record["context"])
    plan = orjson.loads(record["response"])["plan"]
    return {
        "id": record["id"],
        "user_id": meta["user_id"],
        "split": split,
        "cluster": meta["cluster"],
        "type": meta["type"],
        "language": meta["language"],
        **{name: meta["slices"][name] for name in SLICES},
        "action": meta["action"],
        "prompt_chars": len(record["instruction"]),
        "context_chars": len(record["context"]),
        "response_chars": len(record["response"]),
        "response_hash": hash(record["response"]) & (2**63 - 1),
        "tags": meta["tags"],
        "has_plan": plan is not None,
        "plan_days": len(plan["days"]) if plan else None,
        "plan_sets": sum(e["sets"] for day in plan["days"] for e in day["exercises"]) if plan else None,
        "has_sleep": bool(context["sleep_h"]),
        "has_kcal": bool(context["kcal"]),
        "has_weight": bool(context["weights_kg"]),
    }


def profiles(n: int = 60, seed: int = 7) -> pl.DataFrame:
    """People whose numbers agree with each other."""
    rng = Random(seed)
    return pl.DataFrame([_profile(i, rng) for i in range(n)])


def _profile(i: int, rng: Random) -> dict[str, Any]:
    sex, height = rng.choice("FM"), round(rng.gauss(171, 8), 1)
    weight = round((height / 100) ** 2 * rng.uniform(20, 31), 1)
    age = rng.randint(18, 64)
    bmr = round(10 * weight + 6.25 * height - 5 * age + (5 if sex == "M" else -161))
    strength = weight * rng.uniform(0.9, 1.3)
    return {
        "user_id": f"u{i:08d}",
        "age": age,
        "age_band": next(b for low, b in BANDS if age >= low),
        "sex": sex,
        "height_cm": height,
        "weight_kg": weight,
        "bmi": round(weight / (height / 100) ** 2, 2),
        "activity": "moderate",
        "goal": rng.choice(["fat_loss", "strength"]),
        "experience": "novice",
        "days_per_week": 3,
        "conditions": [],
        "gestation_weeks": None,
        "postpartum_weeks": None,
        "target_weight_kg": weight,
        "bmr_kcal": float(bmr),
        "tdee_kcal": round(bmr * 1.55, 1),
        "kcal_target": round(bmr * 1.5, 1),
        "sleep_hours": 7.2,
        "squat_e1rm_kg": strength,
        "bench_e1rm_kg": strength * 0.7,
        "row_e1rm_kg": strength * 0.65,
    }


BANDS = ((55, "55-64"), (45, "45-54"), (35, "35-44"), (25, "25-34"), (18, "18-24"))
START = dt.date(2026, 1, 5)


def days(people: pl.DataFrame, weeks: int = 6, seed: int = 7) -> pl.DataFrame:
    """A day log a person: eaten near the need, weight steady with noise."""
    rng = np.random.default_rng(seed)
    needs = people.select("user_id", "tdee_kcal", "weight_kg").iter_rows()
    return pl.concat([_day_log(user, need, weight, weeks * 7, rng) for user, need, weight in needs])


def _day_log(user: str, need: float, weight: float, size: int, rng: np.random.Generator) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user_id": [user] * size,
            "date": [START + dt.timedelta(days=d) for d in range(size)],
            "sleep_h": rng.normal(7.2, 0.7, size).round(2),
            "kcal": (need * rng.normal(1, 0.07, size)).round(),
            "weight_kg": (weight + rng.normal(0, 0.4, size)).round(2),
            "soreness": rng.integers(0, 6, size),
            "pain": rng.integers(0, 3, size),
            "pain_area": pl.Series([None] * size, dtype=pl.String),
            "planned_session": [d % 7 in (0, 2, 4) for d in range(size)],
            "done_session": [d % 7 in (0, 2) for d in range(size)],
        }
    )


def sets(people: pl.DataFrame, seed: int = 7) -> pl.DataFrame:
    """Forty sets a person of two exercises."""
    rng, n = np.random.default_rng(seed), people.height * 40
    return pl.DataFrame(
        {
            "user_id": np.repeat(people["user_id"].to_numpy(), 40),
            "week": np.tile(np.arange(40) // 10, people.height),
            "date": [START] * n,
            "exercise_id": np.tile(np.array(["sq01", "hp01"]), n // 2),
            "target_reps": [8] * n,
            "target_rir": [2.0] * n,
            "reps": rng.integers(6, 11, n),
            "weight_kg": np.exp(rng.normal(4, 0.2, n)).round(1),
            "rir": rng.integers(0, 5, n) * 1.0,
            "planned_kg": [55.0] * n,
        }
    )


def weeks(people: pl.DataFrame, seed: int = 7) -> pl.DataFrame:
    rng, n = np.random.default_rng(seed), people.height * 6
    return pl.DataFrame(
        {
            "user_id": np.repeat(people["user_id"].to_numpy(), 6),
            "week": np.tile(np.arange(6), people.height),
            "planned_sessions": [3] * n,
            "done_sessions": rng.integers(1, 4, n),
            "sets": rng.integers(30, 50, n),
            "tonnage_kg": rng.normal(5000, 500, n),
            "mean_rir": rng.normal(2, 0.5, n),
            "sleep_mean_h": rng.normal(7.2, 0.3, n),
            "kcal_mean": rng.normal(2400, 100, n),
            "weight_mean_kg": rng.normal(75, 5, n),
            "weight_change_pct": rng.normal(0, 0.3, n),
        }
    )
