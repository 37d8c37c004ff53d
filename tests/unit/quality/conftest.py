"""One clean run for all tests of this folder; whoever breaks it works on a copy."""

from __future__ import annotations

import pickle
from functools import cache

import pytest

from tests.unit.quality.samples import Run, clean_run


@cache
def _clean() -> bytes:
    return pickle.dumps(clean_run(1200))


@pytest.fixture
def run() -> Run:
    copy: Run = pickle.loads(_clean())
    return copy
