from __future__ import annotations

import threading

import pytest
import requests
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud import storage
from google.cloud.storage.exceptions import InvalidResponse

from tests.cloud import CloudProcess
from tests.contract.storage.conftest import connect


@pytest.fixture
def blob(bucket: storage.Bucket) -> storage.Blob:
    blob = bucket.blob("x")
    blob.upload_from_string("first")
    return blob


def test_create_only(blob: storage.Blob, bucket: storage.Bucket) -> None:
    with pytest.raises(PreconditionFailed):
        blob.upload_from_string("second", if_generation_match=0)
    with pytest.raises(InvalidResponse) as caught, bucket.blob("x").open("w", if_generation_match=0) as file:
        file.write("second")
    assert caught.value.response.status_code == 412
    assert blob.download_as_text() == "first"
    blob.delete()
    blob.upload_from_string("third", if_generation_match=0)


def test_compare_and_swap(bucket: storage.Bucket, blob: storage.Blob) -> None:
    seen = blob.generation
    bucket.blob("x").upload_from_string("second", if_generation_match=seen)
    with pytest.raises(PreconditionFailed):
        bucket.blob("x").upload_from_string("third", if_generation_match=seen)
    assert bucket.blob("x").download_as_text() == "second"


def test_the_shape_of_412(cloud: CloudProcess, blob: storage.Blob) -> None:
    url = f"{cloud.url}/upload/storage/v1/b/{blob.bucket.name}/o"
    query = {"uploadType": "media", "name": "x", "ifGenerationMatch": "0"}
    answer = requests.post(url, params=query, data=b"x" * 3_000_000)
    assert answer.status_code == 412
    error = answer.json()["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (412, "conditionNotMet")
    assert error["message"] == "At least one of the pre-conditions you specified did not hold."


CONDITIONS = ["generation_match", "metageneration_match", "generation_not_match", "metageneration_not_match"]
CASES = [(verb, f"if_{name}") for verb in ("upload", "patch", "delete") for name in CONDITIONS]
CASES.remove(("upload", "if_metageneration_not_match"))  # the client misspells it: ifMetaGeneration...


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize(("verb", "condition"), CASES)
def test_every_condition_on_every_write(
    bucket: storage.Bucket, blob: storage.Blob, verb: str, condition: str, right: bool
) -> None:
    current = blob.metageneration if "meta" in condition else blob.generation
    value = current if right == ("not" not in condition) else current + 1
    other = bucket.blob("x")
    other.metadata = {"a": "b"}
    calls = {
        "upload": lambda: other.upload_from_string("second", **{condition: value}),
        "patch": lambda: other.patch(**{condition: value}),
        "delete": lambda: other.delete(**{condition: value}),
    }
    if right:
        calls[verb]()
    else:
        with pytest.raises(PreconditionFailed):
            calls[verb]()
        assert bucket.get_blob("x").generation == blob.generation
        assert bucket.get_blob("x").metageneration == 1


def test_not_match_while_reading_is_304(cloud: CloudProcess, blob: storage.Blob) -> None:
    url = f"{cloud.url}/storage/v1/b/{blob.bucket.name}/o/x"
    for alt in ("json", "media"):
        for name, value in (("ifGenerationNotMatch", blob.generation), ("ifMetagenerationNotMatch", 1)):
            answer = requests.get(url, params={name: value, "alt": alt})
            assert (answer.status_code, answer.content) == (304, b"")
            assert requests.get(url, params={name: value + 1, "alt": alt}).status_code == 200
        assert requests.get(url, params={"ifGenerationMatch": 5, "alt": alt}).status_code == 412


def test_conditions_on_what_is_not_there(bucket: storage.Bucket) -> None:
    blob = bucket.blob("nope")
    with pytest.raises(NotFound):
        blob.reload(if_generation_match=5)
    with pytest.raises(PreconditionFailed):
        blob.upload_from_string("x", if_generation_match=5)
    with pytest.raises(PreconditionFailed):
        blob.upload_from_string("x", if_generation_not_match=0)
    assert not blob.exists()


def test_a_number_that_is_none_is_400(cloud: CloudProcess, blob: storage.Blob) -> None:
    url = f"{cloud.url}/storage/v1/b/{blob.bucket.name}/o/x"
    assert requests.get(url, params={"ifGenerationMatch": "soon"}).status_code == 400


@pytest.mark.parametrize("size", [10, 9 << 20])
def test_of_24_racing_writers_one_wins(cloud: CloudProcess, bucket: storage.Bucket, size: int) -> None:
    """Small uploads come in one request, large ones as resumable sessions."""
    clients = [connect(cloud) for _ in range(24)]
    barrier, won, lost = threading.Barrier(24), [], []

    def write(number: int) -> None:
        blob = clients[number].bucket(bucket.name).blob("race")
        barrier.wait()
        try:
            blob.upload_from_string(bytes([number]) * size, if_generation_match=0)
            won.append(number)
        except PreconditionFailed:
            lost.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 23)
    assert bucket.blob("race").download_as_bytes() == bytes([won[0]]) * size
