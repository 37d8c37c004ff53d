"""The one place that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fitsense.errors import Misconfigured

DEFAULT_SCHEMA_DIR = Path(__file__).resolve().parents[2] / "schema"
GOOGLE_CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"


@dataclass(frozen=True)
class Settings:
    """Where the cloud is. The same names on Google Cloud and on one machine.

    ``run_endpoint`` and ``batch_endpoint`` are None on Google Cloud; Storage and Pub/Sub clients read
    ``STORAGE_EMULATOR_HOST`` and ``PUBSUB_EMULATOR_HOST`` themselves, as Google's tools do.

    ``push_audience`` and ``push_account`` are what the push subscriptions' tokens must say; services that are
    pushed to do not start without them.
    """

    project: str
    location: str
    bucket: str
    run_endpoint: str | None = None
    batch_endpoint: str | None = None
    schema_dir: Path = DEFAULT_SCHEMA_DIR
    code_version: str = "unknown"
    log_level: str = "INFO"
    claim_grace_s: float = 15.0
    train_image: str = "gpu-node"
    batch_subnetwork: str = ""
    batch_service_account: str = ""
    push_audience: str = ""
    push_account: str = ""
    oidc_certs_url: str = GOOGLE_CERTS_URL

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read and check. Raises Misconfigured, naming every variable that is missing."""
        env = os.environ if environ is None else environ
        needed = ("GOOGLE_CLOUD_PROJECT", "FITSENSE_LOCATION", "FITSENSE_BUCKET")
        if missing := [name for name in needed if not env.get(name)]:
            raise Misconfigured(
                f"missing in the environment: {', '.join(missing)}",
                hint="on one machine, `eval $(fitsense env)` sets them; on Google Cloud, Terraform does",
            )
        return cls(
            project=env["GOOGLE_CLOUD_PROJECT"],
            location=env["FITSENSE_LOCATION"],
            bucket=env["FITSENSE_BUCKET"],
            run_endpoint=env.get("FITSENSE_RUN_ENDPOINT") or None,
            batch_endpoint=env.get("FITSENSE_BATCH_ENDPOINT") or None,
            schema_dir=Path(env.get("FITSENSE_SCHEMA_DIR") or DEFAULT_SCHEMA_DIR),
            code_version=env.get("FITSENSE_CODE_VERSION") or "unknown",
            log_level=env.get("FITSENSE_LOG_LEVEL") or "INFO",
            claim_grace_s=_number(env, "FITSENSE_CLAIM_GRACE_S", 15.0),
            train_image=env.get("FITSENSE_TRAIN_IMAGE") or "gpu-node",
            batch_subnetwork=env.get("FITSENSE_BATCH_SUBNETWORK") or "",
            batch_service_account=env.get("FITSENSE_BATCH_SERVICE_ACCOUNT") or "",
            push_audience=env.get("FITSENSE_PUSH_AUDIENCE") or "",
            push_account=env.get("FITSENSE_PUSH_ACCOUNT") or "",
            oidc_certs_url=env.get("FITSENSE_OIDC_CERTS_URL") or GOOGLE_CERTS_URL,
        )


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    try:
        return float(env.get(name) or default)
    except ValueError:
        raise Misconfigured(f"{name} is {env[name]!r}", hint="a number of seconds") from None


@dataclass(frozen=True)
class TaskSettings:
    """What a stage's task is told: which run, which share of the parts, which attempt.

    The ``CLOUD_RUN_TASK_*`` names are Cloud Run's own: https://cloud.google.com/run/docs/container-contract
    """

    run_id: str
    index: int = 0
    count: int = 1
    attempt: int = 0
    max_retries: int = 0
    claim: str = ""
    execution: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> TaskSettings:
        """Raises Misconfigured when the run is not named or a number is none."""
        env = os.environ if environ is None else environ
        if not env.get("FITSENSE_RUN_ID"):
            raise Misconfigured("missing in the environment: FITSENSE_RUN_ID", hint="the conductor sets it")
        try:
            return cls(
                run_id=env["FITSENSE_RUN_ID"],
                index=int(env.get("CLOUD_RUN_TASK_INDEX", "0")),
                count=int(env.get("CLOUD_RUN_TASK_COUNT", "1")),
                attempt=int(env.get("CLOUD_RUN_TASK_ATTEMPT", "0")),
                max_retries=int(env.get("FITSENSE_MAX_RETRIES", "0")),
                claim=env.get("FITSENSE_CLAIM", ""),
                execution=env.get("CLOUD_RUN_EXECUTION", ""),
            )
        except ValueError as error:
            raise Misconfigured(f"CLOUD_RUN_TASK_*: {error}") from error


def secret(name: str, environ: Mapping[str, str] | None = None) -> str:
    """The value of a secret that the platform put into the variable ``name``.

    Secret Manager mounts it there on Cloud Run. Raises Misconfigured when it is absent.
    """
    value = (os.environ if environ is None else environ).get(name, "")
    if not value:
        raise Misconfigured(f"the secret {name} is not set", hint=f"mount it as the variable {name}")
    return value
