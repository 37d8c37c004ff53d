"""A trainer at the edge, for tests of everything around it: ``python -m tests.scripted_trainer train``.

It takes what the real one is told, and leaves a model folder as the real one does; how good the model is,
or how its training ends, is written in ``training.epochs``.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import orjson

from fitsense.artifacts import ArtifactStore, manifest_name, to_json
from fitsense.cloud import Cloud
from fitsense.config import Training
from fitsense.errors import EXIT_PERMANENT, EXIT_RETRYABLE
from fitsense.manifest import Claim, Failure, InputRef
from fitsense.runs import claim_name
from fitsense.settings import Settings
from tests.models import land, report

VERIFIED = {1.0: 0.81, 2.0: 0.95, 3.0: 0.4, 4.0: 0.97}
"""Epochs → share of verified answers; 4 epochs give an unsafe model, 5 an error, 6 an interruption first."""


def main() -> int:
    settings = Settings.from_env()
    store = ArtifactStore(Cloud(settings).bucket)
    run_id, version = os.environ["FITSENSE_RUN_ID"], os.environ["FITSENSE_VERSION"]
    training = Training.model_validate(orjson.loads(os.environ["FITSENSE_TRAINING"]))
    claim = store.read_model(claim_name(version, "training"), Claim)
    if claim is None or claim.token != os.environ["FITSENSE_CLAIM"]:
        return 0  # another has taken it over
    if training.epochs == 5:
        told = {"error": "Diverged", "message": "loss is NaN", "hint": "a lower rate", "log": "here"}
        failure = Failure(run_id=version, stage="training", attempts=1, **told)
        store.create(f"models/{version}/failure.json", to_json(failure))
        return EXIT_PERMANENT
    if training.epochs == 6 and store.create(f"training_checkpoints/{version}/interrupted", b""):
        return EXIT_RETRYABLE
    inputs = [_input(store, "distillation_dataset", run_id), _input(store, "reports/quality_gate", run_id)]
    unsafe = 2 if training.epochs == 4 else 0
    measured = report(version, VERIFIED.get(training.epochs, 0.81), unsafe=unsafe, run_id=run_id)
    made: dict[str, Any] = {"run_id": run_id, "inputs": inputs, "training": training}
    land(store, measured, code_version=settings.code_version, **made)
    return 0


def _input(store: ArtifactStore, artifact: str, run_id: str) -> InputRef:
    name = manifest_name(artifact, run_id)
    stored = store.read(name)
    assert stored is not None
    stage = {"distillation_dataset": "dataset"}.get(artifact, artifact.rsplit("/", 1)[-1])
    return InputRef(stage=stage, uri=store.uri(name), generation=stored.generation, crc32c=stored.crc32c)


if __name__ == "__main__":
    if sys.argv[1:] != ["train"]:
        sys.exit(f"not the job's command: {sys.argv[1:]}")
    sys.exit(main())
