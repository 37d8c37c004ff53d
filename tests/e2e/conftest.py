"""One factory for all end-to-end tests of a worker process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.factory import Factory, running, train_by_script

os.environ["FITSENSE_STUDENT"] = "off"
"""Clouds that are started from a command line serve no models either."""


@pytest.fixture(scope="session")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    with running(tmp_path_factory.mktemp("factory") / "local") as factory:
        train_by_script(factory)  # a real training in the background would take the cores from all others
        yield factory


@pytest.fixture(autouse=True)
def _no_faults_left(factory: Factory) -> Iterator[None]:
    yield
    factory.faults()
