"""A run whose test split can be evaluated: real queries, the engine's own plans as the teacher's answers."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import orjson
import yaml

from fitsense.artifacts import ArtifactStore, dumps_line
from fitsense.config import RunConfig
from fitsense.manifest import Counters, InputRef, Manifest, OutputRef
from fitsense.prompting import context_of, outline_of
from fitsense.records import DatasetRecord, Query
from fitsense.training.request import request_of
from fitsense.training.verify import verify_answer
from fitsense.training.week.plan import build_plan
from student.evaluate.safety_set import load_safety_set

RUN = "exam-1"
SEED = 5
PART_USERS = 16
"""The least that a config admits."""
_NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_KIND = "application/x-ndjson"


def query(user: int, number: int) -> dict[str, Any]:
    """One prompt of one person; every third asks for no plan."""
    dice = random.Random(f"{user}/{number}")
    person = random.Random(user)
    sex, days = person.choice(["F", "M"]), person.choice([2, 3])
    age, language = person.randint(20, 60), person.choice(["en", "en", "es"])
    context = load_safety_set().person.model_copy(
        update={
            "user_id": f"u{user:08d}",
            "age": age,
            "sex": sex,
            "days_per_week": days,
            "kcal_target": 2300.0,
        }
    )
    plain = number % 3 == 2
    slices = {"sex": sex, "language": language, "age_band": "18-44" if age < 45 else "45-64"}
    kind = "free_coaching" if plain else "plan_creation"
    asked = {"en": "How long should I rest?", "es": "¿Cuánto descanso entre series?"}
    wanted = {"en": f"A plan for {days} days, please.", "es": f"Un plan de {days} días, por favor."}
    asked_for = {
        "query_id": f"q{user:08d}-{number:02d}",
        "user_id": f"u{user:08d}",
        "type": kind,
        "language": language,
        "prompt": f"{(asked if plain else wanted)[language]} ({dice.randint(1, 9)}{number})",
        "context": context.model_dump(mode="json"),
        "slices": slices | {"type": kind},
        "tags": [],
        "expected_action": "answer",
        "safety": [],
    }
    return Query.model_validate({**asked_for, "outline": outline_of(asked_for)}).model_dump(mode="json")


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """What the engine says: nothing that it would not let pass."""
    plan = None if asked["type"] == "free_coaching" else build_plan(request_of(asked), 1).plan
    words = {
        "en": "Rest 2 minutes; all of it stays easy.",
        "es": "Descansa 2 minutos entre las series, y todo lo demás sigue igual para ti.",
    }
    given = {"action": "answer", "message": words[asked["language"]], "plan": plan, "rules": ["G-01"]}
    assert not verify_answer(asked, given)
    return given


def all_queries(users: int = 20, per_user: int = 3) -> list[dict[str, Any]]:
    return [query(user, number) for user in range(users) for number in range(per_user)]


def land(store: ArtifactStore, users: int = 20, per_user: int = 3, **evaluation: Any) -> RunConfig:
    """Config, teacher's parts and dataset of ``RUN``; all records are in the test split."""
    queries = all_queries(users, per_user)
    parts = [
        [one for one in queries if int(one["user_id"][1:]) // PART_USERS == part]
        for part in range(-(-users // PART_USERS))
    ]
    outputs = [
        _lines(store, f"teacher_responses/{RUN}/part-{number:05d}.jsonl", map(_taught, part))
        for number, part in enumerate(parts)
    ]
    teacher = _manifest(store, "teacher", f"teacher_responses/{RUN}", outputs, [])
    test = _lines(store, f"distillation_dataset/{RUN}/test.jsonl", map(_record, queries))
    _manifest(store, "dataset", f"distillation_dataset/{RUN}", [test], [teacher])
    config = run_config(**evaluation)
    store.create(f"runs/{RUN}/config.yaml", yaml.safe_dump(config.model_dump(mode="json")).encode())
    return config


def run_config(**evaluation: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "version": 1, "pipeline": "coaching", "seed": SEED,
            "profiles": {"users": 20, "part_users": 16},
            "training": {}, "evaluation": {"streamed": 4, "constrained": 6, "resamples": 200, **evaluation},
        }
    )  # fmt: skip


def _taught(asked: dict[str, Any]) -> dict[str, Any]:
    return {"query": asked, "answer": answer(asked)}


def record(asked: dict[str, Any]) -> DatasetRecord:
    """The line of the dataset."""
    return DatasetRecord.model_validate(_record(asked))


def _record(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": asked["query_id"],
        "instruction": asked["prompt"],
        "context": context_of(asked),
        "response": orjson.dumps(answer(asked)).decode(),
        "metadata": {name: asked[name] for name in ("user_id", "type", "language", "slices")},
    }


def _lines(store: ArtifactStore, name: str, rows: Any) -> OutputRef:
    data = [dumps_line(row) for row in rows]
    return store.create_same(name, b"".join(data), _KIND, rows=len(data))


def _manifest(
    store: ArtifactStore, stage: str, folder: str, outputs: list[OutputRef], inputs: list[InputRef]
) -> InputRef:
    manifest = Manifest(
        run_id=RUN, pipeline="coaching", stage=stage, inputs=inputs, outputs=outputs, params={},
        params_sha256="", seed=SEED, code_version="test", attempt=0, started=_NOW, finished=_NOW,
        seconds=0, counters=Counters(),
    )  # fmt: skip
    name = f"{folder}/manifest.json"
    store.create_model(name, manifest)
    stored = store.read(name)
    assert stored
    return InputRef(stage=stage, uri=store.uri(name), generation=stored.generation, crc32c=stored.crc32c)
