"""Writes ``schema/json/*.schema.json`` from the models: ``python -m fitsense.schemas``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import orjson
from pydantic import BaseModel

from fitsense import manifest, records
from fitsense.config import RunConfig
from fitsense.events import TYPES
from fitsense.models.channels import Channels
from fitsense.models.evaluation import EvaluationReport
from fitsense.models.manifest import ModelManifest
from fitsense.models.registration import Registration
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.case import Case

MODELS: list[type[BaseModel]] = [
    RunConfig,
    manifest.Manifest,
    manifest.Part,
    manifest.Failure,
    manifest.Rejection,
    manifest.Claim,
    manifest.Report,
    ModelManifest,
    EvaluationReport,
    Registration,
    Channels,
    records.Profile,
    records.SetLog,
    records.DayLog,
    records.WeekSummary,
    records.Query,
    records.TeacherResponse,
    records.DatasetRecord,
    records.CoachAnswer,
    Case,
]


def documents() -> dict[str, bytes]:
    """File name → contents, for everything that crosses a process boundary."""
    files = {f"{_snake(model.__name__)}.schema.json": _schema(model) for model in MODELS}
    files |= {f"event.{type_}.schema.json": _schema(model) for model, type_ in TYPES.items()}
    return files


def _schema(model: type[BaseModel]) -> bytes:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | model.model_json_schema()
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def write(folder: Path) -> None:
    """Write all of them, and remove those that no model stands behind any more."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = documents()
    for stale in {path.name for path in folder.glob("*.schema.json")} - set(wanted):
        (folder / stale).unlink()
    for name, data in wanted.items():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    write(DEFAULT_SCHEMA_DIR / "json")
    sys.stderr.write(f"{len(documents())} schemas in {DEFAULT_SCHEMA_DIR / 'json'}\n")
