from __future__ import annotations

import pytest
import requests
from google.api_core.exceptions import BadRequest
from google.cloud import storage

from tests.cloud import CloudProcess

NAMES = ["a", "a/", "a/b/1", "a/b/2", "a/c", "b", "c/d/e", "c/f", "d", "ä", "日"]


@pytest.fixture
def filled(bucket: storage.Bucket) -> storage.Bucket:
    for name in reversed(NAMES):
        bucket.blob(name).upload_from_string(name)
    return bucket


def names(bucket: storage.Bucket, **arguments: object) -> tuple[list[str], list[str]]:
    blobs = bucket.list_blobs(**arguments)
    return [blob.name for blob in blobs], sorted(blobs.prefixes)


def test_in_order_of_bytes(filled: storage.Bucket) -> None:
    assert names(filled) == (NAMES, [])


@pytest.mark.parametrize(
    ("arguments", "items", "prefixes"),
    [
        ({"prefix": "a/"}, ["a/", "a/b/1", "a/b/2", "a/c"], []),
        ({"prefix": "a/b"}, ["a/b/1", "a/b/2"], []),
        ({"prefix": "x"}, [], []),
        ({"delimiter": "/"}, ["a", "b", "d", "ä", "日"], ["a/", "c/"]),
        ({"delimiter": "/", "prefix": "a/"}, ["a/", "a/c"], ["a/b/"]),
        ({"delimiter": "/", "prefix": "c/d"}, [], ["c/d/"]),
        ({"delimiter": "/", "include_trailing_delimiter": True, "prefix": "a"}, ["a", "a/"], ["a/"]),
        ({"start_offset": "b", "end_offset": "d"}, ["b", "c/d/e", "c/f"], []),
        ({"prefix": "a/", "start_offset": "a/b/2", "end_offset": "a/c"}, ["a/b/2"], []),
        ({"match_glob": "a/*"}, ["a/", "a/c"], []),
        ({"match_glob": "**/?"}, ["a/b/1", "a/b/2", "a/c", "c/d/e", "c/f"], []),
        ({"match_glob": "{a/b/[1-1],c/**}"}, ["a/b/1", "c/d/e", "c/f"], []),
        ({"match_glob": "[!a]"}, ["b", "d", "ä", "日"], []),
    ],
)  # fmt: skip
def test_selections(
    filled: storage.Bucket, arguments: dict[str, object], items: list[str], prefixes: list[str]
) -> None:
    assert names(filled, **arguments) == (items, prefixes)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize("delimiter", [None, "/"])
def test_pages_add_up(filled: storage.Bucket, size: int, delimiter: str | None) -> None:
    whole = names(filled, delimiter=delimiter)
    blobs = filled.list_blobs(delimiter=delimiter, page_size=size)
    pages = [[blob.name for blob in page] for page in blobs.pages]
    assert ([name for page in pages for name in page], sorted(blobs.prefixes)) == whole
    assert all(len(page) <= size for page in pages)


def test_the_last_page_says_so(filled: storage.Bucket, cloud: CloudProcess) -> None:
    url = f"{cloud.url}/storage/v1/b/{filled.name}/o"
    assert "nextPageToken" not in requests.get(url, params={"maxResults": len(NAMES)}).json()
    assert "nextPageToken" in requests.get(url, params={"maxResults": len(NAMES) - 1}).json()


def test_max_results_of_the_client(filled: storage.Bucket) -> None:
    assert names(filled, max_results=3)[0] == NAMES[:3]


def test_more_than_one_page(bucket: storage.Bucket) -> None:
    source = bucket.blob("source")
    source.upload_from_string("x")
    for at in range(1, 1101, 100):
        with bucket.client.batch():
            for number in range(at, min(at + 100, 1101)):
                bucket.copy_blob(source, bucket, f"deep/{number:04d}/x")
    assert len(names(bucket)[0]) == 1101
    items, prefixes = names(bucket, prefix="deep/", delimiter="/")
    assert items == []
    assert prefixes == [f"deep/{number:04d}/" for number in range(1, 1101)]


@pytest.mark.parametrize("parameters", [{"match_glob": "a["}, {"match_glob": "{a"}, {"page_token": "é!"}])
def test_what_cannot_be_read_is_400(bucket: storage.Bucket, parameters: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        list(bucket.list_blobs(**parameters))
