"""Claims: of any number of conductors and deliveries, one starts a stage.

``runs/<run_id>/claims/<stage>.json`` is created before the execution and names it afterwards. A claim is
taken over only by compare-and-swap on its generation, with the next attempt and a new token.
"""

from __future__ import annotations

import hashlib

from fitsense.artifacts import ArtifactStore, to_json
from fitsense.manifest import Claim
from fitsense.runs import claim_name


def _token(run_id: str, stage: str, attempt: int, generation: int = 0) -> str:
    """Fences an execution: its tasks end at once when the claim carries another token by then."""
    return hashlib.sha256(f"{run_id}/{stage}/{attempt}/{generation}".encode()).hexdigest()[:32]


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


def renew(store: ArtifactStore, claim: Claim, generation: int) -> Claim | None:
    """The same attempt's claim with a new token, if its owner seems to have started nothing.

    Should that owner only have been slow, its execution finds the new token and ends. None when another
    was faster.
    """
    token = _token(claim.run_id, claim.stage, claim.attempt, generation)
    new = claim.model_copy(update={"token": token})
    won = store.replace(claim_name(claim.run_id, claim.stage), to_json(new), generation)
    return new if won else None


def name_execution(store: ArtifactStore, claim: Claim, execution: str) -> bool:
    """Write the execution into its claim; False when the claim has moved on meanwhile."""
    name = claim_name(claim.run_id, claim.stage)
    named = claim.model_copy(update={"execution": execution})
    stored = store.read(name)
    if stored is None or Claim.model_validate_json(stored.data).token != claim.token:
        return False
    # A swap whose answer was lost is retried by the client and refused, because the first try got through.
    return store.replace(name, to_json(named), stored.generation) or store.read_model(name, Claim) == named
