from __future__ import annotations

import uuid

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud import storage

from tests.cloud import PROJECT, CloudProcess


def fresh() -> str:
    return f"bucket-{uuid.uuid4().hex[:12]}"


def test_a_created_bucket_is_found_listed_and_a_folder(client: storage.Client, cloud: CloudProcess) -> None:
    name = fresh()
    created = client.create_bucket(name)
    assert client.get_bucket(name).time_created == created.time_created
    assert name in [bucket.name for bucket in client.list_buckets()]
    assert name not in [bucket.name for bucket in client.list_buckets(project="another")]
    assert (cloud.state / "buckets" / name).is_dir()


def test_a_name_is_taken_once(client: storage.Client) -> None:
    name = client.create_bucket(fresh()).name
    with pytest.raises(Conflict):
        client.create_bucket(name)


@pytest.mark.parametrize("name", ["UPPER", "..", ".index", "a/b", "x", "-dash"])
def test_bad_names_are_refused(client: storage.Client, name: str) -> None:
    bucket = storage.Bucket(client)
    bucket.name = name  # the constructor would refuse some of them itself
    with pytest.raises(BadRequest):
        bucket.create(project=PROJECT)


def test_only_an_empty_bucket_is_deleted(client: storage.Client, cloud: CloudProcess) -> None:
    bucket = client.create_bucket(fresh())
    blob = bucket.blob("a/b")
    blob.upload_from_string("x")
    with pytest.raises(Conflict):
        bucket.delete()
    blob.delete()
    bucket.delete()
    assert not (cloud.state / "buckets" / bucket.name).exists()
    with pytest.raises(NotFound):
        client.get_bucket(bucket.name)


def test_force_delete_empties_first(client: storage.Client) -> None:
    bucket = client.create_bucket(fresh())
    for number in range(3):
        bucket.blob(f"o{number}").upload_from_string("x")
    bucket.delete(force=True)
    assert not bucket.exists()


def test_patch_merges_and_counts_metagenerations(client: storage.Client) -> None:
    bucket = client.create_bucket(fresh())
    bucket.labels = {"team": "coach"}
    bucket.patch()
    bucket.add_lifecycle_delete_rule(age=3)
    bucket.patch()
    again = client.get_bucket(bucket.name)
    assert again.labels == {"team": "coach"}
    assert next(iter(again.lifecycle_rules))["condition"] == {"age": 3}
    assert again.metageneration == 3


def test_an_unknown_bucket_is_404_everywhere(client: storage.Client) -> None:
    bucket = client.bucket(fresh())
    blob = bucket.blob("x")
    assert not bucket.exists()
    for call in (bucket.reload, blob.reload, blob.download_as_bytes, lambda: blob.upload_from_string("x")):
        with pytest.raises(NotFound):
            call()
    with pytest.raises(NotFound):
        list(bucket.list_blobs())
