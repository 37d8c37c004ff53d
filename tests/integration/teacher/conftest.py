from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.cloud import CloudProcess
from tests.integration.teacher.stage import Stage

_buckets = itertools.count()


@pytest.fixture(scope="session")
def storage_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    cloud = CloudProcess(tmp_path_factory.mktemp("cloud"), parts="storage").start()
    yield cloud
    cloud.stop()


@pytest.fixture
def stage(storage_cloud: CloudProcess, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A bucket of the test's own, and the environment that points there until the test ends."""
    for name in Stage.variables(storage_cloud, ""):
        monkeypatch.setenv(name, "")
    return Stage(storage_cloud, f"teacher-{next(_buckets)}")
