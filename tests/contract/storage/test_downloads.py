from __future__ import annotations

import gzip

import pytest
import requests
from google.api_core.exceptions import NotFound, RequestRangeNotSatisfiable
from google.cloud import storage

from tests.cloud import CloudProcess

DATA = bytes(range(256)) * 4096


@pytest.fixture
def blob(bucket: storage.Bucket) -> storage.Blob:
    blob = bucket.blob("some/data")
    blob.upload_from_string(DATA, content_type="application/x-test")
    return blob


def url(cloud: CloudProcess, blob: storage.Blob, prefix: str = "") -> str:
    name = blob.name.replace("/", "%2F")
    return f"{cloud.url}{prefix}/storage/v1/b/{blob.bucket.name}/o/{name}?alt=media"


@pytest.mark.parametrize("prefix", ["", "/download"])
def test_both_paths_with_the_headers_of_cloud_storage(
    cloud: CloudProcess, blob: storage.Blob, prefix: str
) -> None:
    answer = requests.get(url(cloud, blob, prefix))
    assert answer.content == DATA
    headers = answer.headers
    assert headers["Content-Type"] == "application/x-test"
    assert headers["Content-Length"] == str(len(DATA))
    assert headers["X-Goog-Hash"] == f"crc32c={blob.crc32c},md5={blob.md5_hash}"
    assert headers["X-Goog-Generation"] == str(blob.generation)
    assert headers["X-Goog-Metageneration"] == "1"
    assert headers["X-Goog-Stored-Content-Length"] == str(len(DATA))


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-99", 10, 100),
        ("bytes=1048000-", 1048000, len(DATA)),
        ("bytes=5-99999999", 5, len(DATA)),
        ("bytes=-7", len(DATA) - 7, len(DATA)),
        ("bytes=-99999999", 0, len(DATA)),
        ("bytes=3-700000", 3, 700001),
    ],
)
def test_ranges(cloud: CloudProcess, blob: storage.Blob, header: str, start: int, end: int) -> None:
    answer = requests.get(url(cloud, blob), headers={"Range": header})
    assert answer.status_code == 206
    assert answer.content == DATA[start:end]
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(DATA)}"


@pytest.mark.parametrize("header", [f"bytes={len(DATA)}-", f"bytes={len(DATA)}-{len(DATA) + 5}", "bytes=-0"])
def test_behind_the_end_is_416(cloud: CloudProcess, blob: storage.Blob, header: str) -> None:
    answer = requests.get(url(cloud, blob), headers={"Range": header})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(DATA)}"


@pytest.mark.parametrize("header", ["bytes=5-2", "lines=1-2", "bytes=a-b", "bytes=0-1,4-5", "bytes=-"])
def test_a_range_that_is_none_is_ignored(cloud: CloudProcess, blob: storage.Blob, header: str) -> None:
    answer = requests.get(url(cloud, blob), headers={"Range": header})
    assert (answer.status_code, len(answer.content)) == (200, len(DATA))


def test_the_clients_ranges(blob: storage.Blob) -> None:
    assert blob.download_as_bytes(start=5, end=9) == DATA[5:10]
    assert blob.download_as_bytes(start=-3) == DATA[-3:]
    with pytest.raises(RequestRangeNotSatisfiable):
        blob.download_as_bytes(start=len(DATA))


def test_reading_as_a_file(blob: storage.Blob) -> None:
    with blob.open("rb", chunk_size=256 << 10) as file:
        assert file.read(10) == DATA[:10]
        file.seek(1_000_000)
        assert file.read() == DATA[1_000_000:]
        assert file.read(1) == b""


def test_an_empty_object(bucket: storage.Bucket) -> None:
    bucket.blob("empty").upload_from_string(b"")
    assert bucket.blob("empty").download_as_bytes() == b""
    with bucket.blob("empty").open("rb") as file:
        assert file.read() == b""


def test_what_is_not_there(bucket: storage.Bucket, blob: storage.Blob) -> None:
    assert not bucket.blob("nope").exists()
    assert bucket.get_blob("nope") is None
    with pytest.raises(NotFound):
        bucket.blob("nope").download_as_bytes()
    with pytest.raises(NotFound):
        bucket.blob("nope").delete()
    assert blob.exists()
    blob.delete()
    assert not blob.exists()


def test_stored_gzip_is_unpacked_for_who_cannot(cloud: CloudProcess, bucket: storage.Bucket) -> None:
    packed = gzip.compress(DATA)
    blob = bucket.blob("packed")
    blob.content_encoding = "gzip"
    blob.upload_from_string(packed, content_type="application/x-test")
    assert blob.download_as_bytes(raw_download=True) == packed
    assert blob.download_as_bytes() == DATA
    answer = requests.get(url(cloud, blob), headers={"Accept-Encoding": "identity"})
    assert answer.content == DATA
    assert "Content-Encoding" not in answer.headers


def test_a_reader_keeps_the_generation_it_opened(cloud: CloudProcess, bucket: storage.Bucket) -> None:
    blob = bucket.blob("long")
    blob.upload_from_string(b"a" * (20 << 20))
    with requests.get(url(cloud, blob), stream=True) as answer:
        chunks = answer.iter_content(64 << 10)
        seen = {next(chunks)[:1]}
        bucket.blob("long").upload_from_string(b"b" * (20 << 20))
        bucket.blob("long").delete()
        total = 64 << 10
        for chunk in chunks:
            seen |= {bytes([byte]) for byte in set(chunk)}
            total += len(chunk)
    assert (seen, total) == ({b"a"}, 20 << 20)
