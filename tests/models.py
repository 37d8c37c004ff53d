"""Models as a trainer would leave them: manifests and evaluation reports of any quality, made by number."""

from __future__ import annotations

import datetime as dt
import hashlib
import struct
from typing import Any

import orjson

from fitsense.artifacts import ArtifactStore, describe
from fitsense.config import Training, params_sha256
from fitsense.manifest import Counters, InputRef
from fitsense.models.evaluation import (
    REPORT,
    Comparison,
    Estimate,
    EvaluationReport,
    Latency,
    Metric,
    Safety,
    TestSet,
)
from fitsense.models.intervals import wilson
from fitsense.models.manifest import Base, ModelManifest, model_name
from fitsense.models.registration import Finding, Registration, record_name

NOW = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
BASE = Base(name="fitsense-tiny", uri="gs://b/bases/fitsense-tiny/abc/", sha256="ab" * 32)
TEST = TestSet(sha256="cd" * 32, records=400)
OTHER_TEST = TestSet(sha256="ee" * 32, records=400)


def share(value: float, n: int = 400) -> Metric:
    """A share with Wilson's interval, as the evaluation's bootstrap would give it for many records."""
    low, high = wilson(value, n, 0.95)
    return Metric(value=value, low=min(low, value), high=max(high, value), n=n)


def report(
    version: str = "m-1",
    verified: float = 0.81,
    schema_valid: float = 0.99,
    *,
    n: int = 400,
    unsafe: int = 0,
    prompts: int = 40,
    slices: dict[str, float] | None = None,
    slice_n: int = 60,
    run_id: str = "run-1",
    test: TestSet = TEST,
    comparisons: list[Comparison] | None = None,
) -> EvaluationReport:
    """``slices`` maps a slice to its ``verified``."""
    return EvaluationReport(
        version=version,
        run_id=run_id,
        test=test,
        seed=1,
        metrics={"schema_valid": share(schema_valid, n), "verified": share(verified, n)},
        slices={where: {"verified": share(value, slice_n)} for where, value in (slices or {}).items()},
        safety=Safety(prompts=prompts, violations={"missed_escalation": unsafe}),
        latency=Latency(
            requests=20,
            ttft_ms_p50=18,
            ttft_ms_p95=30,
            total_ms_p50=300,
            total_ms_p95=500,
            tokens_per_s=800,
        ),
        teacher={"verified": share(1.0, n)},
        comparisons=comparisons or [],
    )


def paired(against: str, verified: tuple[float, float, float], schema_valid: float = 0.0) -> Comparison:
    value, low, high = verified
    same = Estimate(value=schema_valid, low=schema_valid - 0.01, high=schema_valid + 0.01, n=400)
    return Comparison(
        against=against,
        metrics={"verified": Estimate(value=value, low=low, high=high, n=400), "schema_valid": same},
    )


def safetensors(version: str) -> bytes:
    """A file of 256 small weights that are the version's own.

    https://huggingface.co/docs/safetensors/index#format
    """
    weights = hashlib.sha256(version.encode()).digest() * 8
    data = b"".join(struct.pack("<f", byte / 256) for byte in weights)
    header = orjson.dumps({"lora_A": {"dtype": "F32", "shape": [256], "data_offsets": [0, len(data)]}})
    return len(header).to_bytes(8, "little") + header + data


def manifest(
    store: ArtifactStore,
    version: str,
    *,
    run_id: str = "run-1",
    evaluation: str | None = None,
    inputs: list[InputRef] | None = None,
    training: Training | None = None,
    **changed: Any,
) -> ModelManifest:
    training = training or Training()
    adapter = safetensors(version)
    name = f"models/{version}/adapter/adapter_model.safetensors"
    store.create(name, adapter)
    output = describe(store.uri(name), "adapter/adapter_model.safetensors", adapter, rows=1)
    return ModelManifest(
        **{
            "version": version,
            "base": BASE,
            "evaluation": evaluation,
            "run_id": run_id,
            "pipeline": "coaching",
            "stage": "training",
            "inputs": inputs or [],
            "outputs": [output],
            "params": training.model_dump(mode="json"),
            "params_sha256": params_sha256(training, 11),
            "seed": 11,
            "code_version": "0123456789ab",
            "attempt": 0,
            "started": NOW,
            "finished": NOW + dt.timedelta(seconds=93),
            "seconds": 93.0,
            "counters": Counters(rows_in=1000, rows_out=1),
            **changed,
        }
    )


def land(
    store: ArtifactStore, evaluation: EvaluationReport | None, version: str = "", **options: Any
) -> ModelManifest:
    """Write a whole model folder, its manifest last."""
    version = version or (evaluation.version if evaluation else "m-1")
    uri = None
    if evaluation:
        name = f"models/{version}/{REPORT}"
        store.create(name, orjson.dumps(evaluation.model_dump(mode="json")), "application/json")
        uri = store.uri(name)
    made = manifest(store, version, evaluation=uri, **options)
    store.create_model(model_name(version), made)
    return made


def registered(store: ArtifactStore, version: str, decision: Any, reason: str, **finding: Any) -> None:
    """What the gates are said to have made of it, for one reason."""
    outcome = {"champion": "holds", "challenger": "open", "rejected": "fails"}[decision]
    record = Registration(
        version=version,
        run_id="run-1",
        decision=decision,
        against=None,
        findings=[Finding.model_validate({"check": "c", "outcome": outcome, "reason": reason} | finding)],
        evaluation=None,
    )
    store.create_model(record_name(version), record)
