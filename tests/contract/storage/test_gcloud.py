"""``gcloud storage`` against the local cloud, as a user of the laptop would type it."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from google.cloud import storage

from tests.cloud import PROJECT, CloudProcess

pytestmark = [
    pytest.mark.gcloud,
    pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not installed"),
]

Gcloud = Callable[..., str]


@pytest.fixture(scope="session")
def gcloud(cloud: CloudProcess, tmp_path_factory: pytest.TempPathFactory) -> Gcloud:
    """``gcloud("ls", "gs://b")`` runs ``gcloud storage ls gs://b`` and returns what it printed."""
    environment = os.environ | {
        "CLOUDSDK_CONFIG": str(tmp_path_factory.mktemp("gcloud")),
        "CLOUDSDK_CORE_PROJECT": PROJECT,
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{cloud.url}/storage/v1/",
    }

    def run(*arguments: str) -> str:
        command = ["gcloud", "storage", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_up_and_down(gcloud: Gcloud, bucket: storage.Bucket, tmp_path: Path) -> None:
    up, down = tmp_path / "up", tmp_path / "down"
    up.mkdir()
    down.mkdir()
    contents = {"small": b"x\r\n\r", "large": os.urandom(20 << 20)}
    for name, data in contents.items():
        (up / name).write_bytes(data)
    gcloud("cp", *(str(up / name) for name in contents), f"gs://{bucket.name}/a/")
    assert {blob.name[2:]: blob.download_as_bytes() for blob in bucket.list_blobs()} == contents
    gcloud("cp", f"gs://{bucket.name}/a/*", str(down))
    assert {path.name: path.read_bytes() for path in down.iterdir()} == contents


def test_looking_around(gcloud: Gcloud, bucket: storage.Bucket) -> None:
    for name in ("a/b/1", "a/b/2", "a/c", "top"):
        bucket.blob(name).upload_from_string(f"<{name}>")
    base = f"gs://{bucket.name}"
    assert gcloud("ls", base).split() == [f"{base}/top", f"{base}/a/"]
    assert gcloud("ls", f"{base}/a/*").split().count(f"{base}/a/c") == 1
    assert gcloud("cat", f"{base}/a/c", f"{base}/top") == "<a/c><top>"


def test_mv_and_rm(gcloud: Gcloud, bucket: storage.Bucket) -> None:
    for name in ("a/1", "a/2", "b/1"):
        bucket.blob(name).upload_from_string(name)
    gcloud("mv", f"gs://{bucket.name}/b/1", f"gs://{bucket.name}/c/1")
    assert bucket.blob("c/1").download_as_text() == "b/1"
    gcloud("rm", "--recursive", f"gs://{bucket.name}/a")
    assert [blob.name for blob in bucket.list_blobs()] == ["c/1"]


def test_a_bucket_from_beginning_to_end(gcloud: Gcloud, client: storage.Client, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    gcloud("buckets", "create", f"gs://{name}")
    topic = "projects/some-project/topics/artifacts"
    gcloud("buckets", "notifications", "create", f"gs://{name}", f"--topic={topic}", "--skip-topic-setup")
    assert [config.topic_name for config in client.bucket(name).list_notifications()] == ["artifacts"]
    gcloud("cp", "--gzip-in-flight-all", str(tmp_path / "x"), f"gs://{name}/deep/x")
    assert client.bucket(name).blob("deep/x").download_as_text() == "x"
    gcloud("rm", "--recursive", f"gs://{name}")
    assert not client.bucket(name).exists()


def test_rsync(gcloud: Gcloud, bucket: storage.Bucket, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "x").write_text("x")
    (source / "y").write_text("y")
    bucket.blob("tree/stale").upload_from_string("z")
    arguments = ("--recursive", "--delete-unmatched-destination-objects")
    gcloud("rsync", *arguments, str(source), f"gs://{bucket.name}/tree")
    assert [blob.name for blob in bucket.list_blobs()] == ["tree/deep/x", "tree/y"]
