"""Claims over a real bucket whose answers get lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fitsense.artifacts import ArtifactStore
from fitsense.manifest import Claim
from fitsense.runs import claim_name
from services.conductor import claims
from tests.cloud import CloudProcess

RUN, STAGE = "run-1", "queries"
LOST = {"point": "storage.request", "match": {"method": "POST"}, "action": "kill", "times": 1}


@pytest.fixture
def lost(storage_process: CloudProcess, store: ArtifactStore) -> Iterator[CloudProcess]:
    yield storage_process
    storage_process.faults()


@pytest.fixture
def claim(store: ArtifactStore) -> Claim:
    claim = claims.take(store, RUN, STAGE)
    assert claim is not None
    return claim


def test_a_swap_whose_answer_was_lost_still_counts(
    store: ArtifactStore, claim: Claim, lost: CloudProcess
) -> None:
    lost.faults(LOST)
    assert claims.name_execution(store, claim, "executions/1")
    stored = store.read_model(claim_name(RUN, STAGE), Claim)
    assert stored is not None
    assert stored.execution == "executions/1"


def test_the_same_name_twice_is_no_loss(store: ArtifactStore, claim: Claim) -> None:
    assert claims.name_execution(store, claim, "executions/1")
    assert claims.name_execution(store, claim, "executions/1")


def test_a_claim_that_was_renewed_is_lost(store: ArtifactStore, claim: Claim) -> None:
    stored = store.read(claim_name(RUN, STAGE))
    assert stored is not None
    assert claims.renew(store, claim, stored.generation)
    assert not claims.name_execution(store, claim, "executions/1")
