"""Resumable uploads, piece by piece: the protocol as Google's libraries and gcloud speak it."""

from __future__ import annotations

import io

import pytest
import requests
from google.cloud import storage
from google.cloud.storage._media.requests import ResumableUpload

from tests.cloud import CloudProcess

CHUNK = 256 << 10


def begin(cloud: CloudProcess, bucket: str, name: str = "x", *, prefix: str = "", **headers: str) -> str:
    url = f"{cloud.url}{prefix}/upload/storage/v1/b/{bucket}/o?uploadType=resumable"
    answer = requests.post(url, json={"name": name}, headers=headers)
    assert answer.status_code == 200
    return answer.headers["Location"]


def put(session: str, content_range: str, data: bytes = b"") -> requests.Response:
    return requests.put(session, data=data, headers={"Content-Range": content_range}, allow_redirects=False)


@pytest.mark.parametrize("prefix", ["", "/resumable"])
def test_chunks_of_unknown_total(cloud: CloudProcess, bucket: storage.Bucket, prefix: str) -> None:
    session = begin(cloud, bucket.name, prefix=prefix)
    first = put(session, f"bytes 0-{CHUNK - 1}/*", b"a" * CHUNK)
    assert (first.status_code, first.headers["Range"]) == (308, f"bytes=0-{CHUNK - 1}")
    assert bucket.get_blob("x") is None
    last = put(session, f"bytes {CHUNK}-{CHUNK + 2}/{CHUNK + 3}", b"end")
    assert last.json()["size"] == str(CHUNK + 3)
    assert bucket.blob("x").download_as_bytes() == b"a" * CHUNK + b"end"


def test_status_queries(cloud: CloudProcess, bucket: storage.Bucket) -> None:
    session = begin(cloud, bucket.name)
    nothing = put(session, "bytes */*")
    assert nothing.status_code == 308
    assert "Range" not in nothing.headers
    put(session, "bytes 0-3/*", b"abcd")
    assert put(session, "bytes */*").headers["Range"] == "bytes=0-3"
    assert put(session, "bytes */4").json()["size"] == "4"
    assert put(session, "bytes */*").json()["size"] == "4"


def test_a_repeated_chunk_counts_once(cloud: CloudProcess, bucket: storage.Bucket) -> None:
    """The answer was lost, the client sends again; also after the end."""
    session = begin(cloud, bucket.name)
    put(session, "bytes 0-3/*", b"abcd")
    assert put(session, "bytes 0-3/*", b"abcd").headers["Range"] == "bytes=0-3"
    assert put(session, "bytes 2-5/6", b"cdef").status_code == 200
    generation = bucket.get_blob("x").generation
    assert put(session, "bytes 2-5/6", b"cdef").json()["generation"] == str(generation)
    assert bucket.blob("x").download_as_bytes() == b"abcdef"


def test_a_gap_is_refused(cloud: CloudProcess, bucket: storage.Bucket) -> None:
    session = begin(cloud, bucket.name)
    assert put(session, "bytes 4-7/8", b"efgh").status_code == 503
    assert put(session, "bytes 0-3/8", b"abcd").headers["Range"] == "bytes=0-3"


def test_more_bytes_than_announced(cloud: CloudProcess, bucket: storage.Bucket) -> None:
    session = begin(cloud, bucket.name)
    assert put(session, "bytes 0-3/2", b"abcd").status_code == 400
    assert bucket.get_blob("x") is None


def test_one_put_without_a_range(cloud: CloudProcess, bucket: storage.Bucket) -> None:
    session = begin(cloud, bucket.name, **{"X-Upload-Content-Type": "text/x-test"})
    assert requests.put(session, data=b"whole").json()["contentType"] == "text/x-test"


def test_cancelled_and_unknown_sessions(cloud: CloudProcess, bucket: storage.Bucket) -> None:
    session = begin(cloud, bucket.name)
    put(session, "bytes 0-3/*", b"abcd")
    assert requests.delete(session).status_code == 499
    assert put(session, "bytes */*").status_code == 404
    assert not (cloud.state / "buckets/.index/staging" / session.rpartition("upload_id=")[2]).exists()


def test_the_precondition_holds_at_the_end_too(cloud: CloudProcess, bucket: storage.Bucket) -> None:
    url = f"{cloud.url}/upload/storage/v1/b/{bucket.name}/o?uploadType=resumable&ifGenerationMatch=0"
    session = requests.post(url, json={"name": "x"}).headers["Location"]
    bucket.blob("x").upload_from_string("other")
    assert put(session, "bytes 0-3/4", b"mine").status_code == 412
    assert requests.post(url, json={"name": "x"}).status_code == 412
    assert bucket.blob("x").download_as_bytes() == b"other"


def test_resumed_over_kills(own_cloud: CloudProcess) -> None:
    """Google's library, chunk by chunk, with the server killed after each."""
    requests.post(f"{own_cloud.url}/storage/v1/b", json={"name": "kills"}).raise_for_status()
    data = bytes(range(256)) * (CHUNK // 64)
    upload = ResumableUpload(
        f"{own_cloud.url}/upload/storage/v1/b/kills/o?uploadType=resumable", CHUNK, checksum="md5"
    )
    transport = requests.Session()
    upload.initiate(transport, io.BytesIO(data), {"name": "x"}, "text/x-test")
    while not upload.finished:
        upload.transmit_next_chunk(transport)
        own_cloud.restart()
        if not upload.finished:
            upload._make_invalid()
            before = upload.bytes_uploaded
            upload.recover(transport)
            assert upload.bytes_uploaded == before
    answer = requests.get(f"{own_cloud.url}/storage/v1/b/kills/o/x?alt=media")
    assert answer.content == data
    assert answer.headers["Content-Type"] == "text/x-test"


def test_killed_in_the_middle_of_a_chunk(own_cloud: CloudProcess) -> None:
    """What had arrived of the chunk is either held or not; the rest completes it."""
    requests.post(f"{own_cloud.url}/storage/v1/b", json={"name": "kills"}).raise_for_status()
    data = bytes(range(256)) * 16384
    session = begin(own_cloud, "kills")

    def half() -> object:
        yield data[: len(data) // 2]
        own_cloud.kill()
        yield data[len(data) // 2 :]

    with pytest.raises(requests.ConnectionError):
        requests.put(session, data=half(), headers={"Content-Range": f"bytes 0-{len(data) - 1}/{len(data)}"})  # type: ignore[arg-type]
    own_cloud.start()
    assert requests.get(f"{own_cloud.url}/storage/v1/b/kills/o/x").status_code == 404
    status = put(session, "bytes */*")
    assert status.status_code == 308
    held = int(status.headers.get("Range", "bytes=0--1").split("-", 1)[1]) + 1
    assert held <= len(data) // 2
    rest = put(session, f"bytes {held}-{len(data) - 1}/{len(data)}", data[held:])
    assert rest.status_code == 200
    assert requests.get(f"{own_cloud.url}/storage/v1/b/kills/o/x?alt=media").content == data
