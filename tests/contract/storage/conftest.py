"""One local cloud for the whole suite, a bucket of its own for each test, Google's client for both."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from tests.cloud import PROJECT, CloudProcess


def connect(cloud: CloudProcess) -> storage.Client:
    """Google's client, pointed here as a user would: by environment, which is put back at once."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        return storage.Client(project=PROJECT, credentials=AnonymousCredentials())


@pytest.fixture(scope="package", autouse=True)
def _no_background_lookups() -> Iterator[None]:
    """The client reads this one variable at each call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
        yield


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    process = CloudProcess(tmp_path_factory.mktemp("storage"), parts="storage").start()
    yield process
    process.stop()


@pytest.fixture(scope="session")
def client(cloud: CloudProcess) -> Iterator[storage.Client]:
    client = connect(cloud)
    yield client
    client.close()


@pytest.fixture
def bucket(client: storage.Client) -> storage.Bucket:
    return client.create_bucket(f"bucket-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def own_cloud(tmp_path: Path) -> Iterator[CloudProcess]:
    """A local cloud that the test may kill."""
    process = CloudProcess(tmp_path, parts="storage").start()
    yield process
    process.stop()
