"""Storage's pure parts: listing, globs, ranges, multipart heads, metadata patches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.localcloud.http import ApiError
from services.localcloud.storage import listing, multipart, ranges
from services.localcloud.storage.records import StoredObject
from services.localcloud.storage.resources import patched


def stored(name: str) -> StoredObject:
    return StoredObject("b", name, 1, 1, 1, 1, 0, "", None, 0, name, "", {})


OBJECTS = st.sets(st.text("ab/é", min_size=1, max_size=6), max_size=30)


@given(OBJECTS, st.text("ab/", max_size=3), st.sampled_from(["", "/", "a/"]), st.integers(1, 7))
def test_pages_add_up_to_the_definition(names: set[str], prefix: str, delimiter: str, limit: int) -> None:
    ordered = sorted(names, key=str.encode)

    def scan(start: str) -> Iterator[StoredObject]:
        return (stored(name) for name in ordered if name.encode() >= start.encode())

    expected_items, expected_prefixes = [], []
    for name in ordered:
        if not name.startswith(prefix):
            continue
        rest = name[len(prefix) :]
        if delimiter and delimiter in rest:
            expected_prefixes.append(prefix + rest[: rest.index(delimiter) + len(delimiter)])
        else:
            expected_items.append(name)

    items: list[str] = []
    prefixes: list[str] = []
    query: dict[str, str] = {"prefix": prefix, "delimiter": delimiter, "maxResults": str(limit)}
    for _ in range(len(names) + 1):
        page = listing.list_page(scan, listing.Query.of(query))
        assert 1 <= len(page.items) + len(page.prefixes) <= limit or not page.token
        items += [item.name for item in page.items]
        prefixes += page.prefixes
        query["pageToken"] = page.token
        if not page.token:
            break
    assert items == expected_items
    assert prefixes == list(dict.fromkeys(expected_prefixes))


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("*.txt", ["a.txt", ".txt"], ["a/b.txt", "atxt"]),
        ("**.txt", ["a.txt", "a/b.txt"], ["a.txt2"]),
        ("a/**/b", ["a/x/b", "a/x/y/b"], ["a/b"]),
        ("a?c", ["abc", "aéc"], ["a/c", "ac"]),
        ("[a-c]x", ["ax", "cx"], ["dx"]),
        ("[!a-c]x", ["dx"], ["ax"]),
        ("{a,b*}/c", ["a/c", "bcd/c"], ["c/c"]),
        (r"\*", ["*"], ["a"]),
        ("a+(b)|^$", ["a+(b)|^$"], ["ab"]),
    ],
)
def test_globs(glob: str, yes: list[str], no: list[str]) -> None:
    pattern = re.compile(listing.glob_pattern(glob))
    assert [name for name in yes + no if pattern.fullmatch(name)] == yes


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-4", (0, 5)),
        ("bytes=5-", (5, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("bytes=9-99", (9, 10)),
        ("bytes=4-3", None),
        ("bytes=0-1,3-4", None),
    ],
)
def test_ranges(header: str | None, expected: tuple[int, int] | None) -> None:
    assert ranges.requested(header, 10) == expected


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=0-", 0), ("bytes=-5", 0)])
def test_unsatisfiable_ranges(header: str, size: int) -> None:
    with pytest.raises(ranges.Unsatisfiable):
        ranges.requested(header, size)


def test_content_ranges() -> None:
    assert ranges.sent("bytes 5-9/20") == ranges.Span(5, 20)
    assert ranges.sent("bytes 5-9/*") == ranges.Span(5, None)
    assert ranges.sent("bytes */20") == ranges.Span(None, 20)
    assert ranges.sent("bytes */*") == ranges.Span(None, None)
    assert ranges.sent(None) is None
    with pytest.raises(ApiError):
        ranges.sent("bytes 5")


HEAD = b"\r\n--B\r\ncontent-type: application/json\r\n\r\n{}\r\n--B\r\nX: y\r\nContent-Type: text/x\r\n\r\n"


def test_a_head_is_found_only_when_whole() -> None:
    assert all(multipart.split_head(HEAD[:end], b"B") is None for end in range(len(HEAD)))
    head = multipart.split_head(HEAD + b"data", b"B")
    assert head == multipart.Head(b"{}", "text/x", b"\r\n", len(HEAD))


@pytest.mark.parametrize("quoted", ['"B=="', "'B=='", "B=="])
def test_boundaries(quoted: str) -> None:
    assert multipart.boundary_of(f"multipart/related; boundary={quoted}; x=y") == b"B=="


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({}, {"a": "1", "m": {"x": "1", "y": "2"}}),
        ({"a": None}, {"m": {"x": "1", "y": "2"}}),
        ({"m": {"x": None, "z": "3"}}, {"a": "1", "m": {"y": "2", "z": "3"}}),
        ({"m": None, "b": ["l"]}, {"a": "1", "b": ["l"]}),
    ],
)
def test_patches(patch: dict[str, Any], expected: dict[str, Any]) -> None:
    assert patched({"a": "1", "m": {"x": "1", "y": "2"}}, patch) == expected
