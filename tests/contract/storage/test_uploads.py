from __future__ import annotations

import base64
import hashlib
import io
import os
import socket
import subprocess
import time
from pathlib import Path

import google_crc32c
import psutil
import pytest
import requests
from google.api_core.exceptions import NotFound
from google.cloud import storage

from tests.cloud import CloudProcess

MIB = 1 << 20


def crc32c(data: bytes) -> str:
    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()


def staged(cloud: CloudProcess) -> set[str]:
    return {file.name for file in (cloud.state / "buckets/.index/staging").iterdir()}


def files_in(folder: Path) -> list[str]:
    """By ``find``: Python 3.11 walks recursively, and names here are deeper than its stack."""
    found = subprocess.run(["find", str(folder), "-type", "f", "-print0"], capture_output=True, check=True)
    return found.stdout.decode().split("\0")[:-1]


def test_a_small_upload_is_a_file_with_its_metadata(bucket: storage.Bucket, cloud: CloudProcess) -> None:
    blob = bucket.blob("runs/1/config.yaml")
    blob.metadata = {"made": "by a test", "größe": "klein"}
    blob.cache_control = "no-store"
    blob.upload_from_string("name: x\n", content_type="application/yaml")

    assert (cloud.state / "buckets" / bucket.name / "runs/1/config.yaml").read_text() == "name: x\n"
    again = bucket.get_blob("runs/1/config.yaml")
    assert again.metadata == {"made": "by a test", "größe": "klein"}
    assert (again.content_type, again.cache_control, again.size) == ("application/yaml", "no-store", 8)
    assert again.md5_hash == base64.b64encode(hashlib.md5(b"name: x\n").digest()).decode()
    assert again.crc32c == crc32c(b"name: x\n")
    assert again.metageneration == 1
    assert again.generation == blob.generation
    assert again.time_created == again.updated


def test_generations_grow_and_only_the_live_one_is_there(bucket: storage.Bucket) -> None:
    generations = []
    for text in ("one", "two", "three"):
        blob = bucket.blob("x")
        blob.upload_from_string(text)
        generations.append(blob.generation)
    assert generations == sorted(set(generations))
    assert all(generation > 1_600_000_000_000_000 for generation in generations)
    assert bucket.blob("x", generation=generations[-1]).download_as_text() == "three"
    with pytest.raises(NotFound):
        bucket.blob("x", generation=generations[0]).download_as_text()
    assert bucket.get_blob("x", generation=generations[0]) is None


@pytest.mark.parametrize("size", [0, 1, 8 * MIB, 8 * MIB + 1, 20 * MIB + 3])
def test_any_size_arrives_whole(bucket: storage.Bucket, tmp_path: Path, size: int) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(size))
    blob = bucket.blob("big")
    blob.upload_from_filename(str(source), checksum="crc32c")
    assert blob.size == size
    assert blob.download_as_bytes(checksum="md5") == source.read_bytes()


@pytest.mark.parametrize("size", [0, 1, MIB // 4, MIB, MIB + 7])
def test_a_stream_of_unknown_length_in_chunks(bucket: storage.Bucket, size: int) -> None:
    data = os.urandom(size)
    with bucket.blob("stream", chunk_size=MIB // 4).open("wb") as stream:
        for at in range(0, size, 100_000):
            stream.write(data[at : at + 100_000])
    assert bucket.blob("stream").download_as_bytes() == data


@pytest.mark.parametrize("checksum", ["md5", "crc32c"])
@pytest.mark.parametrize("size", [11, 9 * MIB])
def test_checksums_of_the_client_hold(bucket: storage.Bucket, checksum: str, size: int) -> None:
    data = os.urandom(size)
    blob = bucket.blob("sum")
    blob.upload_from_file(io.BytesIO(data), checksum=checksum)
    assert blob.crc32c == crc32c(data)


@pytest.mark.parametrize(("name", "value"), [("md5Hash", "1B2M2Y8AsgTpgAmY7PhCfg=="), ("crc32c", "AAAAAA==")])
@pytest.mark.parametrize("kind", ["multipart", "resumable"])
def test_a_wrong_checksum_is_refused_and_leaves_nothing(
    bucket: storage.Bucket, cloud: CloudProcess, name: str, value: str, kind: str
) -> None:
    before = staged(cloud)
    url = f"{cloud.url}/upload/storage/v1/b/{bucket.name}/o?uploadType={kind}"
    if kind == "multipart":
        body = f'--B\r\n\r\n{{"name":"bad","{name}":"{value}"}}\r\n--B\r\n\r\nhello\r\n--B--'
        headers = {"Content-Type": "multipart/related; boundary=B"}
        answer = requests.post(url, data=body, headers=headers)
    else:
        session = requests.post(url, json={"name": "bad", name: value}).headers["Location"]
        answer = requests.put(session, data=b"hello", headers={"Content-Range": "bytes 0-4/5"})
    assert answer.status_code == 400
    assert "doesn't match" in answer.json()["error"]["message"]
    assert bucket.get_blob("bad") is None
    assert staged(cloud) == before


def test_simple_media_upload(bucket: storage.Bucket, cloud: CloudProcess) -> None:
    url = f"{cloud.url}/upload/storage/v1/b/{bucket.name}/o?uploadType=media&name=a%2Fb"
    answer = requests.post(url, data=b"hello", headers={"Content-Type": "text/x-test"})
    assert answer.json()["name"] == "a/b"
    assert answer.headers["X-Goog-Hash"].startswith("crc32c=")
    assert bucket.get_blob("a/b").content_type == "text/x-test"


@pytest.mark.parametrize("tail", [b"\r", b"\n", b"\r\n", b"\r\n--", b"--B", b"\r\n--B"])
@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
def test_multipart_content_is_kept_to_the_byte(
    bucket: storage.Bucket, cloud: CloudProcess, tail: bytes, newline: bytes
) -> None:
    content = b"\r\nx" + tail
    lines = [b"--B", b"content-type: application/json", b"", b'{"name":"exact"}']
    lines += [b"--B", b"content-type: text/plain", b"", content, b"--B--"]
    url = f"{cloud.url}/upload/storage/v1/b/{bucket.name}/o?uploadType=multipart"
    headers = {"Content-Type": "multipart/related; boundary='B'"}
    requests.post(url, data=newline.join(lines), headers=headers).raise_for_status()
    assert bucket.blob("exact").download_as_bytes() == content


@pytest.mark.parametrize("body", [b"", b"--B\r\n\r\n{}", b'--B\r\n\r\n{"name":"x"}\r\n--B\r\n\r\ncut off'])
def test_a_torn_multipart_body_makes_no_object(
    bucket: storage.Bucket, cloud: CloudProcess, body: bytes
) -> None:
    url = f"{cloud.url}/upload/storage/v1/b/{bucket.name}/o?uploadType=multipart"
    answer = requests.post(url, data=body, headers={"Content-Type": "multipart/related; boundary=B"})
    assert answer.status_code == 400
    assert not list(bucket.list_blobs())


def test_a_client_that_dies_in_mid_body_leaves_nothing(bucket: storage.Bucket, cloud: CloudProcess) -> None:
    before = staged(cloud)
    head = f"POST /upload/storage/v1/b/{bucket.name}/o?uploadType=media&name=torn HTTP/1.1\r\n"
    with socket.create_connection(("127.0.0.1", cloud.port)) as connection:
        connection.sendall(f"{head}Host: x\r\nContent-Length: 4000000\r\n\r\n".encode() + b"x" * 2_000_000)
        while staged(cloud) == before:
            time.sleep(0.01)  # until the first megabyte is on disk
    while staged(cloud) != before:
        time.sleep(0.01)
    assert not list(bucket.list_blobs())


NAMES = [
    "a", "a/b", "a/b/c", "folder/", "folder/x", "//", "/leading", "double//slash", "x/../../escape", "../up",
    "./here", "dot/.", "dot/..", "100%", "%2e%2e", "a%file", "a%2Fb", "x%dir/y", "sp ace", "plus+", "q?#[]*",
    "ünï/çødé", "日本語/🏋️", "tab\tbell\x07", "l" * 1024, "ü" * 512, "%" * 1024, "/" * 1024, "x/" * 512,
    ".index", ".hidden/x", "back\\slash", "c:", "~", "--", "'quote\"",
]  # fmt: skip


def test_every_name_works_and_none_leaves_the_bucket(bucket: storage.Bucket, cloud: CloudProcess) -> None:
    for name in NAMES:
        bucket.blob(name).upload_from_string(name)
    assert [blob.name for blob in bucket.list_blobs()] == sorted(NAMES, key=str.encode)
    for name in NAMES:
        assert bucket.blob(name).download_as_text() == name
    buckets = cloud.state / "buckets"
    assert len(files_in(buckets / bucket.name)) == len(NAMES)
    known = {other.name for other in bucket.client.list_buckets()} | {".index"}
    assert {path.name for path in buckets.iterdir()} == known
    for name in reversed(NAMES):
        bucket.blob(name).delete()
    assert not list((buckets / bucket.name).iterdir())


@pytest.mark.parametrize("first", ["a", "a/b"])
def test_object_and_folder_of_one_name_in_either_order(bucket: storage.Bucket, first: str) -> None:
    second = "a/b" if first == "a" else "a"
    for round_ in range(2):
        for name in (first, second):
            bucket.blob(name).upload_from_string(f"{name} {round_}")
        for name in (first, second):
            assert bucket.blob(name).download_as_text() == f"{name} {round_}"
        bucket.blob(first).delete()
        assert bucket.blob(second).download_as_text() == f"{second} {round_}"


@pytest.mark.parametrize("name", ["..", ".", "new\nline", "l" * 1025, ""])
def test_names_that_cloud_storage_refuses(bucket: storage.Bucket, cloud: CloudProcess, name: str) -> None:
    url = f"{cloud.url}/upload/storage/v1/b/{bucket.name}/o"
    answer = requests.post(url, params={"uploadType": "media", "name": name}, data=b"x")
    assert answer.status_code == 400
    assert requests.get(f"{cloud.url}/storage/v1/b/{bucket.name}/o/new%0Aline").status_code == 404


def test_metadata_patch_and_update(bucket: storage.Bucket) -> None:
    blob = bucket.blob("m")
    blob.metadata = {"a": "1", "b": "2"}
    blob.upload_from_string("x", content_type="text/plain")
    blob.metadata = {"a": None, "c": "3"}
    blob.content_language = "de"
    blob.patch()
    again = bucket.get_blob("m")
    assert again.metadata == {"b": "2", "c": "3"}
    assert (again.content_language, again.content_type, again.metageneration) == ("de", "text/plain", 2)
    again.metadata = {"only": "this"}
    again.update()
    assert bucket.get_blob("m").metadata == {"only": "this"}
    assert bucket.get_blob("m").generation == blob.generation


def test_a_large_upload_is_never_held_in_memory(bucket: storage.Bucket, cloud: CloudProcess) -> None:
    process = psutil.Process(cloud.pid)
    url = f"{cloud.url}/upload/storage/v1/b/{bucket.name}/o?uploadType=media&name=large"
    before = process.memory_info().rss
    requests.post(url, data=(bytes(MIB) for _ in range(100))).raise_for_status()
    with requests.get(f"{cloud.url}/storage/v1/b/{bucket.name}/o/large?alt=media", stream=True) as answer:
        assert sum(len(chunk) for chunk in answer.iter_content(MIB)) == 100 * MIB
    assert process.memory_info().rss - before < 50 * MIB
