"""Where objects' files lie: every name its own path, inside the bucket."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.localcloud.http import ApiError
from services.localcloud.storage import names

PARTS = ["a", "/", ".", "..", "%", "%2E", "%_", "%~", "ü", "日", "\t", "\x7f", "x" * 199, "ü" * 150]
NAMES = st.lists(st.sampled_from(PARTS), min_size=1, max_size=8).map("".join)


def name_of(segments: list[str]) -> str:
    """The way back."""
    joined = "/".join(segments).replace("%~/", "")
    return re.sub(r"%_|%([0-9A-F]{2})", lambda m: chr(int(m[1], 16)) if m[1] else "", joined)


@given(NAMES | st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
@example("a/../../b")
@example("%" * 1024)
@example("x" * 1024)
@example("x" * 200 + "..")
@example("x" * 200 + "./secret")
def test_reversible_and_never_outside(name: str) -> None:
    segments = names.segments(name)
    assert name_of(segments) == name
    for segment in segments:
        assert segment not in ("", ".", "..")
        assert "/" not in segment
        assert "\0" not in segment
        assert len((segment + names.FOLDER_MARK + names.FILE_MARK).encode()) <= 255


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("runs/1/config.yaml", "runs/1/config.yaml"),
        ("ünï/日本", "ünï/日本"),
        (".hidden", ".hidden"),
        ("100%", "100%25"),
        ("a/", "a/%_"),
        ("../x", "%2E%2E/x"),
    ],
)
def test_plain_names_stay_plain(name: str, path: str) -> None:
    assert "/".join(names.segments(name)) == path


@pytest.mark.parametrize("name", ["", ".", "..", "a\nb", "a\rb", "x" * 1025, "ü" * 513])
def test_names_refused(name: str) -> None:
    with pytest.raises(ApiError) as caught:
        names.check_object(name)
    assert caught.value.code == 400
