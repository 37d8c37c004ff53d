from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from google.cloud import storage

from tests.cloud import CloudProcess


@pytest.fixture
def object_url(cloud: CloudProcess, bucket: storage.Bucket) -> Iterator[str]:
    yield f"{cloud.url}/upload/storage/v1/b/{bucket.name}/o?uploadType=media&name=x"
    cloud.faults()


def rule(action: str, **more: object) -> dict[str, object]:
    return {"point": "storage.request", "action": action, "match": {"path": "/upload/*"}} | more


def test_an_error_leaves_nothing_behind(cloud: CloudProcess, bucket: storage.Bucket, object_url: str) -> None:
    cloud.faults(rule("error", status=429))
    assert requests.post(object_url, data=b"x" * 3_000_000).status_code == 429
    assert bucket.get_blob("x") is None


def test_drop_loses_the_request(cloud: CloudProcess, bucket: storage.Bucket, object_url: str) -> None:
    cloud.faults(rule("drop"))
    with pytest.raises(requests.ConnectionError):
        requests.post(object_url, data=b"x")
    assert bucket.get_blob("x") is None


def test_kill_loses_the_answer_only(cloud: CloudProcess, bucket: storage.Bucket, object_url: str) -> None:
    cloud.faults(rule("kill", delay_ms=5))
    with pytest.raises(requests.ConnectionError):
        requests.post(object_url, data=b"x")
    assert bucket.get_blob("x").size == 1


def test_delay_only_delays(cloud: CloudProcess, bucket: storage.Bucket, object_url: str) -> None:
    cloud.faults(rule("delay", delay_ms=20))
    assert requests.post(object_url, data=b"x").elapsed.total_seconds() >= 0.02


@pytest.mark.parametrize("action", ["error", "drop", "kill"])
@pytest.mark.parametrize(("size", "struck"), [(5, [1, 0]), (9 << 20, [1, 1])])
def test_googles_client_gets_through(
    cloud: CloudProcess, bucket: storage.Bucket, object_url: str, action: str, size: int, struck: list[int]
) -> None:
    """Its retries meet the failure of a request's first attempt; a large upload has two kinds of them."""
    paths = [{"path": "/upload/*", "method": method} for method in ("POST", "PUT")]
    cloud.faults(*(rule(action, times=1, match=match) for match in paths))
    blob = bucket.blob("through")
    blob.upload_from_string(b"x" * size)
    assert blob.download_as_bytes() == b"x" * size
    report = requests.get(f"{cloud.url}/_localcloud/faults").json()
    assert [entry["struck"] for entry in report] == struck
