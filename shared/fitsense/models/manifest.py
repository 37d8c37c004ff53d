"""``models/<version>/manifest.json``: what a trained model is and what it was made from. Written last.

A run's own training makes version ``<run_id>``; one that was asked for on topic ``training`` makes
``<run_id>-<8 hex>``, the hash of its parameters and seed, so that the same request is the same version.

The trainer is told FITSENSE_RUN_ID (whose dataset and config it reads), FITSENSE_VERSION (where it writes),
FITSENSE_TRAINING (``config.Training`` as JSON) and FITSENSE_CLAIM, the token that
``runs/<version>/claims/training.json`` carries as long as it is the one to train. Its seed is the training
section's, or else the run's.
"""

from __future__ import annotations

from pydantic import Field

from fitsense.config import Training, params_sha256
from fitsense.manifest import Manifest, Model

MODELS = "models"
"""The folder of all versions; ``models/channels.json`` stands among them."""


class Base(Model):
    """The model that training began with. ``uri`` is where its files are, ``sha256`` their identity."""

    name: str
    uri: str
    sha256: str


class ModelManifest(Manifest):
    """A manifest of stage ``training``: ``run_id`` is the dataset's, ``params`` the training section.

    Checksums of the adapter (or weights) and of everything else in the folder are in ``outputs``.
    """

    version: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=128)
    base: Base
    evaluation: str | None = Field(default=None, description="URI of evaluation/report.json")


def requested_version(run_id: str, training: Training, seed: int) -> str:
    """The version that a training of ``run_id``'s dataset with these parameters makes."""
    return f"{run_id}-{params_sha256(training, seed)[:8]}"


def manifest_model(stage: str) -> type[Manifest]:
    """The form of a stage's manifest."""
    return ModelManifest if stage == "training" else Manifest


def model_name(version: str) -> str:
    """The manifest of a version."""
    return f"{MODELS}/{version}/manifest.json"
