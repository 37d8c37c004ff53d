"""What the conductor orders of a platform, and what the platform says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fitsense.config import Training
from fitsense.errors import Permanent
from fitsense.manifest import Claim
from fitsense.pipeline import StageSpec

ExecutionState = Literal["running", "succeeded", "failed", "cancelled", "gone"]


class Refused(Permanent):
    """The platform will not start this, now or later."""


@dataclass(frozen=True)
class StartStage:
    """An order: run ``stage`` of ``run_id``, found again by the claim's token.

    ``data_run`` is the run whose dataset is trained on; it differs for a training that was asked for.
    """

    run_id: str
    stage: str
    spec: StageSpec
    tasks: int
    claim: Claim
    training: Training | None = None
    data_run: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of an execution, with the platform's own words."""

    state: ExecutionState
    message: str = ""
    log: str = ""


def environment(order: StartStage) -> dict[str, str]:
    """What every execution is told."""
    return {
        "FITSENSE_RUN_ID": order.run_id,
        "FITSENSE_STAGE": order.stage,
        "FITSENSE_CLAIM": order.claim.token,
        "FITSENSE_STAGE_ATTEMPT": str(order.claim.attempt),
        "FITSENSE_MAX_RETRIES": str(order.spec.max_retries),
    }
