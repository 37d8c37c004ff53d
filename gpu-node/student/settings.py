"""The one place of the GPU node that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from fitsense.config import Training
from fitsense.errors import Misconfigured
from fitsense.settings import Settings, TaskSettings

CONFIGS = Path(__file__).resolve().parents[1] / "configs"


@dataclass(frozen=True)
class TrainSettings:
    """What one training task is told.

    ``configs`` holds the recipes by base, ``scratch`` is where files are kept while it runs;
    ``checkpoint_s`` is the time between checkpoints and changes no weight.
    """

    cloud: Settings
    task: TaskSettings
    version: str
    training: Training
    configs: Path = CONFIGS
    scratch: Path | None = None
    checkpoint_s: float = 60.0

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> TrainSettings:
        """Raises Misconfigured, naming what is missing or wrong."""
        env = os.environ if environ is None else environ
        # Batch counts its retries under a name of its own:
        # https://cloud.google.com/batch/docs/create-run-basic-job#predefined-environment-variables
        attempt = env.get("BATCH_TASK_RETRY_ATTEMPT") or env.get("CLOUD_RUN_TASK_ATTEMPT") or "0"
        task = TaskSettings.from_env({**env, "CLOUD_RUN_TASK_ATTEMPT": attempt})
        try:
            training = Training.model_validate_json(env.get("FITSENSE_TRAINING") or "{}")
            checkpoint_s = float(env.get("FITSENSE_CHECKPOINT_S") or 60)
        except ValidationError as error:
            raise Misconfigured(f"FITSENSE_TRAINING: {error}", hint="see fitsense.config.Training") from error
        except ValueError as error:
            raise Misconfigured(f"FITSENSE_CHECKPOINT_S: {error}", hint="a number of seconds") from error
        return cls(
            cloud=Settings.from_env(env),
            task=task,
            version=env.get("FITSENSE_VERSION") or task.run_id,
            training=training,
            configs=Path(env.get("FITSENSE_GPU_CONFIGS") or CONFIGS),
            scratch=Path(env["FITSENSE_SCRATCH"]) if env.get("FITSENSE_SCRATCH") else None,
            checkpoint_s=checkpoint_s,
        )
