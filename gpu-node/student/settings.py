"""The one place of the GPU node that reads the environment."""

from __future__ import annotations

import os
import socket
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


@dataclass(frozen=True)
class AgentSettings:
    """What an agent is told. ``node`` is its name in the channels' history; times are seconds.

    ``sequences`` answers are written at once, ``keep_versions`` old ones stay loaded; with ``spare``, an
    engine that has done its imports waits for the next model.
    """

    cloud: Settings
    cache: Path
    node: str
    subscription: str = "models-agent"
    sequences: int = 3
    keep_versions: int = 2
    follow_s: float = 2.0
    drain_s: float = 30.0
    spare: bool = True

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> AgentSettings:
        """Raises Misconfigured, naming what is missing or wrong."""
        env = os.environ if environ is None else environ
        return cls(
            cloud=Settings.from_env(env),
            cache=Path(env.get("FITSENSE_MODEL_CACHE") or Path.home() / ".cache/fitsense/models").resolve(),
            node=env.get("FITSENSE_NODE") or socket.gethostname(),
            subscription=env.get("FITSENSE_MODELS_SUBSCRIPTION") or cls.subscription,
            sequences=int(_number(env, "FITSENSE_SERVE_SEQUENCES", cls.sequences)),
            keep_versions=int(_number(env, "FITSENSE_KEEP_VERSIONS", cls.keep_versions)),
            follow_s=_number(env, "FITSENSE_FOLLOW_S", cls.follow_s),
            drain_s=_number(env, "FITSENSE_DRAIN_S", cls.drain_s),
            spare=env.get("FITSENSE_SPARE_ENGINE", "1") != "0",
        )


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(env.get(name) or default)
    except ValueError:
        value = -1.0
    if value < 0:
        raise Misconfigured(f"{name} is {env[name]!r}", hint="a number, 0 or more")
    return value
