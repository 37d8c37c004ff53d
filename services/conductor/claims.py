"""Claims: of any number of conductors and deliveries, one starts a stage.

``runs/<run_id>/claims/<stage>.json`` is created before the execution and names it afterwards. A claim is
taken over only by compare-and-swap on its generation, with the next attempt and a new token.
"""

from __future__ import annotations

import hashlib

from fitsense.artifacts import ArtifactStore, to_json
from fitsense.manifest import Claim
from fitsense.runs import claim_name


def _token(run_id: str, stage: str, attempt: int) -> str:
    """Made of what it stands for, so that a repeated order is recognised as the same one."""
    return hashlib.sha256(f"{run_id}/{stage}/{attempt}".encode()).hexdigest()[:32]


def take(store: ArtifactStore, run_id: str, stage: str) -> Claim | None:
    """The first attempt's claim, or None when another has it."""
    claim = Claim(run_id=run_id, stage=stage, attempt=1, token=_token(run_id, stage, 1))
    return claim if store.create_model(claim_name(run_id, stage), claim) else None


def take_over(store: ArtifactStore, claim: Claim, generation: int) -> Claim | None:
    """The next attempt's claim in place of a dead one, or None when another was faster."""
    attempt = claim.attempt + 1
    token = _token(claim.run_id, claim.stage, attempt)
    new = Claim(run_id=claim.run_id, stage=claim.stage, attempt=attempt, token=token)
    won = store.replace(claim_name(claim.run_id, claim.stage), to_json(new), generation)
    return new if won else None


def renew(store: ArtifactStore, claim: Claim, generation: int) -> bool:
    """Take a claim whose owner never started anything, as it is; False when another was faster."""
    return store.replace(claim_name(claim.run_id, claim.stage), to_json(claim), generation)


def name_execution(store: ArtifactStore, claim: Claim, execution: str) -> None:
    """Write the execution into its claim; a claim that moved on meanwhile stays as it is."""
    name = claim_name(claim.run_id, claim.stage)
    stored = store.read(name)
    if stored is None or Claim.model_validate_json(stored.data).token != claim.token:
        return
    store.replace(name, to_json(claim.model_copy(update={"execution": execution})), stored.generation)
