"""Tests of the GPU node: run by its own interpreter (``make test-gpu``), with a real local Storage."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterator

import pytest

from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.settings import Settings
from tests.cloud import LOCATION, PROJECT, CloudProcess

# The control plane's environment has no torch; there `make test` runs these as a step of its own.
collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["test_*.py"]
_buckets = itertools.count()


@pytest.fixture(scope="session")
def storage_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    process = CloudProcess(tmp_path_factory.mktemp("cloud")).start()
    yield process
    process.stop()


@pytest.fixture
def cloud(storage_process: CloudProcess, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Google's clients for a bucket of the test's own; the environment says the same."""
    bucket = f"gpu-{next(_buckets)}"
    place = {"FITSENSE_LOCATION": LOCATION, "FITSENSE_BUCKET": bucket}
    for name, value in {**storage_process.environment, **place}.items():
        monkeypatch.setenv(name, value)
    cloud = Cloud(Settings(project=PROJECT, location=LOCATION, bucket=bucket))
    cloud.storage.create_bucket(bucket)
    return cloud


@pytest.fixture
def store(cloud: Cloud) -> ArtifactStore:
    return ArtifactStore(cloud.bucket)
