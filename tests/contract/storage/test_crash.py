"""``kill -9`` at any moment: what was acknowledged is there, what was not is whole or absent."""

from __future__ import annotations

import hashlib
import random
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.cloud import CloudProcess

WRITERS = 4


def upload(cloud: CloudProcess, name: str, data: bytes) -> requests.Response:
    query = {"uploadType": "media", "name": name}
    return requests.post(f"{cloud.url}/upload/storage/v1/b/crash/o", params=query, data=data)


def objects(cloud: CloudProcess) -> dict[str, dict[str, str]]:
    items = requests.get(f"{cloud.url}/storage/v1/b/crash/o").json()["items"]
    return {item["name"]: item for item in items}


def content(cloud: CloudProcess, name: str) -> bytes:
    quoted = name.replace("/", "%2F")
    return requests.get(f"{cloud.url}/storage/v1/b/crash/o/{quoted}?alt=media").content


def files(cloud: CloudProcess) -> dict[str, bytes]:
    folder = cloud.state / "buckets" / "crash"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def crash_cloud(own_cloud: CloudProcess) -> CloudProcess:
    requests.post(f"{own_cloud.url}/storage/v1/b", json={"name": "crash"}).raise_for_status()
    return own_cloud


def body(name: str, version: int, random_: random.Random) -> bytes:
    """A content that tells by itself whether it is whole, of a size small or large."""
    size = random_.choice([10, 5_000, 300_000, 3_000_000])
    inner = f"{name} {version} ".encode() * (size // 10 + 1)
    return hashlib.sha256(inner).digest() + inner


def writer(
    cloud: CloudProcess, number: int, seed: int, acknowledged: dict[str, int], deleted: set[str]
) -> None:
    """Overwrites and deletes a few names of its own until the server dies."""
    random_ = random.Random(seed * 100 + number)
    for version in range(10_000):
        name = f"w{number}/{random_.randrange(3)}/x"
        try:
            if version % 7 == 6 and name in acknowledged:
                del acknowledged[name]  # unknown until answered
                quoted = name.replace("/", "%2F")
                requests.delete(f"{cloud.url}/storage/v1/b/crash/o/{quoted}").raise_for_status()
                deleted.add(name)
            else:
                deleted.discard(name)
                answer = upload(cloud, name, body(name, version, random_))
                answer.raise_for_status()
                acknowledged[name] = int(answer.json()["generation"])
        except requests.ConnectionError:
            return


@pytest.mark.parametrize("seed", range(4))
def test_killed_during_concurrent_writes(crash_cloud: CloudProcess, seed: int) -> None:
    acknowledged: list[dict[str, int]] = [{} for _ in range(WRITERS)]
    deleted: list[set[str]] = [set() for _ in range(WRITERS)]
    threads = [
        threading.Thread(target=writer, args=(crash_cloud, n, seed, acknowledged[n], deleted[n]))
        for n in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    threading.Event().wait(0.15 + random.Random(seed).random() / 3)
    crash_cloud.kill()
    for thread in threads:
        thread.join()
    crash_cloud.start()

    live = objects(crash_cloud)
    for known in acknowledged:
        for name, generation in known.items():
            assert int(live[name]["generation"]) >= generation
    assert not set(live) & set().union(*deleted)
    on_disk = files(crash_cloud)
    assert set(on_disk) == set(live)
    for name, item in live.items():
        data = content(crash_cloud, name)
        assert data == on_disk[name]
        assert len(data) == int(item["size"])
        assert data[:32] == hashlib.sha256(data[32:]).digest()
    assert not list((crash_cloud.state / "buckets/.index/staging").iterdir())


def test_every_step_between_commit_and_rename(crash_cloud: CloudProcess) -> None:
    """The kill that timing hardly hits, made by hand: files as they lie right after a commit."""
    buckets = crash_cloud.state / "buckets"
    for name in ("created", "replaced", "removed"):
        upload(crash_cloud, name, b"old").raise_for_status()
    blobs = {row[0]: row[1] for row in query(buckets, "SELECT name, blob FROM objects")}
    crash_cloud.kill()
    staging = buckets / ".index" / "staging"
    (buckets / "crash" / "created").rename(staging / blobs["created"])
    (buckets / "crash" / "replaced").rename(staging / blobs["replaced"])
    (buckets / "crash" / "replaced").write_bytes(b"what it replaced")
    (staging / "orphan").write_bytes(b"never committed")
    query(buckets, "DELETE FROM objects WHERE name='removed'")
    query(buckets, "INSERT INTO removals VALUES('crash', 'removed')")
    crash_cloud.start()
    assert files(crash_cloud) == {"created": b"old", "replaced": b"old"}
    assert content(crash_cloud, "replaced") == b"old"
    assert not list(staging.iterdir())


def test_a_file_removed_by_hand_is_404_and_can_be_written_again(crash_cloud: CloudProcess) -> None:
    upload(crash_cloud, "x", b"1").raise_for_status()
    (crash_cloud.state / "buckets/crash/x").unlink()
    (crash_cloud.state / "buckets/crash").rmdir()
    assert requests.get(f"{crash_cloud.url}/storage/v1/b/crash/o/x?alt=media").status_code == 404
    upload(crash_cloud, "x", b"2").raise_for_status()
    assert content(crash_cloud, "x") == b"2"


def test_a_folder_made_by_hand_in_an_objects_place(crash_cloud: CloudProcess) -> None:
    """The rename fails after the commit: the object is whole all the same, also after a restart."""
    upload(crash_cloud, "x", b"1").raise_for_status()
    visible = crash_cloud.state / "buckets/crash/x"
    visible.unlink()
    (visible / "sub").mkdir(parents=True)
    upload(crash_cloud, "x", b"22").raise_for_status()
    assert content(crash_cloud, "x") == b"22"
    crash_cloud.restart()
    assert content(crash_cloud, "x") == b"22"
    (visible / "sub").rmdir()
    visible.rmdir()
    crash_cloud.restart()
    assert files(crash_cloud) == {"x": b"22"}


def query(buckets: Path, statement: str) -> list[tuple[str, ...]]:
    database = sqlite3.connect(buckets / ".index" / "storage.sqlite3")
    try:
        with database:
            return database.execute(statement).fetchall()
    finally:
        database.close()


@pytest.mark.parametrize("end", [CloudProcess.kill, CloudProcess.stop])
def test_everything_survives_a_restart(
    crash_cloud: CloudProcess, end: Callable[[CloudProcess], None]
) -> None:
    url = f"{crash_cloud.url}/storage/v1/b/crash"
    upload(crash_cloud, "a", b"1").raise_for_status()
    upload(crash_cloud, "a/b", b"2").raise_for_status()
    requests.patch(f"{url}/o/a", json={"metadata": {"k": "v"}}).raise_for_status()
    requests.patch(url, json={"labels": {"team": "coach"}}).raise_for_status()
    requests.post(f"{url}/notificationConfigs", json={"topic": "projects/p-1/topics/abc"}).raise_for_status()
    before = [requests.get(url + path).json() for path in ("", "/o", "/notificationConfigs")]
    end(crash_cloud)
    crash_cloud.start()
    assert [requests.get(url + path).json() for path in ("", "/o", "/notificationConfigs")] == before
    assert (content(crash_cloud, "a"), content(crash_cloud, "a/b")) == (b"1", b"2")
    last = max(int(item["generation"]) for item in objects(crash_cloud).values())
    assert int(upload(crash_cloud, "c", b"3").json()["generation"]) > last
