"""A dataset of a few records, landed in a bucket as the dataset stage leaves it, and a recipe of seconds."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

import orjson
import yaml

from fitsense.artifacts import ArtifactStore, dumps_line
from fitsense.config import RunConfig, Training
from fitsense.manifest import Counters, Manifest
from fitsense.records import DatasetRecord

RUN = "tiny-run-1"
SEED = 7


def record(number: int) -> DatasetRecord:
    """One plan or one refusal, varied by its number."""
    dice = random.Random(number)
    minutes, days, kg = dice.choice([30, 45, 60]), dice.choice([2, 3]), dice.choice([10, 12.5, 20])
    context = (
        f"Person: {20 + number % 50} y, F, 170 cm, 70 kg, light daily life, novice, thinks in kg\n"
        f"Goal: fat loss, target 66 kg, 1800 kcal a day\n"
        f"Training: week 3, {days} days x {minutes} min, 92 % of sessions done, deload 3 weeks ago\n"
        "Equipment: bench, dumbbell, mat\nHealth: no conditions, cleared by a clinician\n"
        f"Sleep h: 7.1 6.{number % 10}\nEnergy kcal: 1700 1800\n"
        f"Lift sq03: {kg} kg, reps 9 9 10, RIR 2 2 1.5, e1RM 20 21\nOutline: week 4, fat loss\n"
        + "\n".join(f"Outline day {day + 1}: sq03 3 sets {kg} kg" for day in range(days))
    )
    exercise = {"id": "sq03", "sets": 3, "reps": [8, 12], "rir": 2.0, "kg": kg, "rest_s": 90}
    plan = {"goal": "fat_loss", "days": [{"exercises": [exercise]}] * days, "deload": False}
    answer = {
        "action": "answer",
        "message": f'Plan "{number}" stays at {kg} kg (P-01). Day 1: goblet squat 3x8-12. Well done!',
        "plan": plan if number % 4 else None,
        "rules": ["P-01", "T-01"],
    }
    return DatasetRecord(
        id=f"q{number:08d}-00",
        instruction=f"Week {number % 9}, what next?",
        context=context,
        response=orjson.dumps(answer).decode(),
        metadata={"language": "en"},
    )


def land_dataset(store: ArtifactStore, run_id: str = RUN, train: int = 48, val: int = 8) -> None:
    """The run's config and its dataset, manifest last."""
    config = run_config()
    store.create(f"runs/{run_id}/config.yaml", yaml.safe_dump(config.model_dump(mode="json")).encode())
    folder = f"distillation_dataset/{run_id}"
    rows = {"train": range(train), "val": range(1000, 1000 + val), "test": range(2000, 2004)}
    outputs = [
        store.create_same(
            f"{folder}/{split}.jsonl",
            b"".join(dumps_line(record(number).model_dump(mode="json")) for number in numbers),
            "application/x-ndjson",
            rows=len(numbers),
        )
        for split, numbers in rows.items()
    ]
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    manifest = Manifest(
        run_id=run_id, pipeline="coaching", stage="dataset", inputs=[], outputs=outputs, params={},
        params_sha256="", seed=SEED, code_version="test", attempt=0, started=moment, finished=moment,
        seconds=0, counters=Counters(),
    )  # fmt: skip
    store.create_model(f"{folder}/manifest.json", manifest)


def run_config(**training: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "version": 1, "pipeline": "coaching", "seed": SEED, "profiles": {"users": 10},
            "training": Training(**training).model_dump(mode="json"), "evaluation": None,
        }
    )  # fmt: skip


TINY: dict[str, Any] = {
    "recipe_version": 1, "vocabulary": 400, "merges": 300, "hidden": 48, "intermediate": 64, "layers": 2,
    "heads": 3, "head_size": 32, "positions": 512, "records": 40, "tokens": 8000, "batch_tokens": 800,
    "plan_first": 0.3, "talk_next": 0.3, "prompt_weight": 0.1, "message_weight": 0.3, "muon_lr": 0.015,
    "adam_lr": 0.003, "embedding_lr": 0.01, "warmup_steps": 2, "constant": 0.4, "bf16": True,
}  # fmt: skip
TUNING: dict[str, Any] = {
    "learning_rate": 0.002, "full_learning_rate": 0.001, "warmup": 0.05, "batch_tokens": 800, "packed": False,
    "max_tokens": 512, "lora_rank": 4, "lora_alpha": 8, "message_weight": 0.5, "evaluations": 4,
    "validation_records": 8, "patience": 2, "bf16": True,
}  # fmt: skip


def write_recipes(folder: Path, **tuning: Any) -> Path:
    """``fitsense-tiny.yaml`` and ``default.yaml`` for models of seconds."""
    recipe = {"threads": 1, "answer": "brief", "tuning": {**TUNING, **tuning}}
    (folder / "fitsense-tiny.yaml").write_text(yaml.safe_dump({**recipe, "tiny": TINY}))
    (folder / "default.yaml").write_text(yaml.safe_dump({**recipe, "answer": "whole"}))
    return folder
