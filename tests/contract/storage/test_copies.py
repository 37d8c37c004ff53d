from __future__ import annotations

import uuid

import pytest
import requests
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud import storage

from tests.cloud import CloudProcess


@pytest.fixture
def source(bucket: storage.Bucket) -> storage.Blob:
    blob = bucket.blob("from/a")
    blob.metadata = {"k": "v"}
    blob.upload_from_string("content", content_type="text/x-test")
    return blob


def test_copy_keeps_content_and_metadata(source: storage.Blob, bucket: storage.Bucket) -> None:
    copied = bucket.copy_blob(source, bucket, "to/b")
    assert copied.generation > source.generation
    source.upload_from_string("changed")
    again = bucket.get_blob("to/b")
    assert (again.metadata, again.content_type) == ({"k": "v"}, "text/x-test")
    assert (again.md5_hash, again.download_as_text()) == (copied.md5_hash, "content")


def test_rewrite_across_buckets_with_new_metadata(client: storage.Client, source: storage.Blob) -> None:
    other = client.create_bucket(f"bucket-{uuid.uuid4().hex[:12]}")
    target = other.blob("x")
    target.content_type = "text/plain"
    token, done, total = target.rewrite(source)
    assert (token, done, total) == (None, 7, 7)
    again = other.get_blob("x")
    assert (again.content_type, again.metadata, again.download_as_text()) == ("text/plain", None, "content")


def test_conditions_on_source_and_target(bucket: storage.Bucket, source: storage.Blob) -> None:
    with pytest.raises(PreconditionFailed):
        bucket.copy_blob(source, bucket, "b", if_source_generation_match=source.generation + 1)
    bucket.copy_blob(source, bucket, "b", if_generation_match=0, if_source_generation_match=source.generation)
    with pytest.raises(PreconditionFailed):
        bucket.copy_blob(source, bucket, "b", if_generation_match=0)
    with pytest.raises(NotFound):
        bucket.copy_blob(source, bucket, "c", source_generation=1)


def test_rename_and_move(bucket: storage.Bucket, source: storage.Blob, cloud: CloudProcess) -> None:
    bucket.rename_blob(source, "renamed")
    assert [blob.name for blob in bucket.list_blobs()] == ["renamed"]
    moved = bucket.move_blob(bucket.blob("renamed"), "a/moved")
    assert moved.download_as_text() == "content"
    assert moved.metadata == {"k": "v"}
    folder = cloud.state / "buckets" / bucket.name
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    assert [str(file) for file in files] == ["a/moved"]


def test_compose(bucket: storage.Bucket) -> None:
    blobs = [bucket.blob(f"part{number}") for number in range(3)]
    for number, blob in enumerate(blobs):
        blob.upload_from_string(str(number) * 700_000, content_type="text/x-part")
    target = bucket.blob("whole")
    target.compose(blobs)
    whole = bucket.get_blob("whole")
    assert whole.download_as_text() == "0" * 700_000 + "1" * 700_000 + "2" * 700_000
    assert (whole.component_count, whole.md5_hash, whole.content_type) == (3, None, "text/x-part")
    whole.compose([whole, blobs[0]], if_generation_match=whole.generation)
    assert whole.size == 2_800_000
    assert bucket.get_blob("whole").component_count == 4


def test_compose_refuses(bucket: storage.Bucket, source: storage.Blob, cloud: CloudProcess) -> None:
    with pytest.raises(NotFound):
        bucket.blob("whole").compose([source, bucket.blob("nope")])
    with pytest.raises(PreconditionFailed):
        bucket.blob("whole").compose([source], if_source_generation_match=[source.generation + 1])
    url = f"{cloud.url}/storage/v1/b/{bucket.name}/o/whole/compose"
    assert requests.post(url, json={"sourceObjects": []}).status_code == 400
    assert requests.post(url, json={"sourceObjects": [{"name": "from/a"}] * 33}).status_code == 400
    assert bucket.get_blob("whole") is None


def test_a_batch_answers_each_call(bucket: storage.Bucket, source: storage.Blob) -> None:
    for number in range(5):
        bucket.blob(f"b/{number}").upload_from_string("x")
    with bucket.client.batch(raise_exception=False) as batch:
        for number in range(3):
            bucket.delete_blob(f"b/{number}")
        bucket.delete_blob("nope")
        source.metadata = {"k": None, "new": "ü"}
        source.patch()
    assert [response.status_code for response in batch._responses] == [204, 204, 204, 404, 200]
    assert source.metageneration == 2
    assert [blob.name for blob in bucket.list_blobs()] == ["b/3", "b/4", "from/a"]
    assert bucket.get_blob("from/a").metadata == {"new": "ü"}


def test_a_batch_that_fails_raises(bucket: storage.Bucket) -> None:
    with pytest.raises(NotFound), bucket.client.batch():
        bucket.delete_blob("nope")


def test_a_batch_with_content_ids(cloud: CloudProcess, bucket: storage.Bucket, source: storage.Blob) -> None:
    part = (
        "--B\r\nContent-Type: application/http\r\nContent-ID: <one+1>\r\n\r\n"
        f"GET /storage/v1/b/{bucket.name}/o/from%2Fa?fields=name HTTP/1.1\r\nAccept: */*\r\n\r\n\r\n"
    )
    headers = {"Content-Type": "multipart/mixed; boundary=B"}
    answer = requests.post(f"{cloud.url}/batch/storage/v1", data=part + "--B--", headers=headers)
    assert "Content-ID: <response-one+1>" in answer.text
    assert '"name":"from/a"' in answer.text
    assert requests.post(f"{cloud.url}/batch/storage/v1", data="x", headers=headers).status_code == 400
