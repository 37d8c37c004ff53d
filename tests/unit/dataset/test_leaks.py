from __future__ import annotations

from typing import Any

import orjson
import pytest

from fitsense.errors import GateFailed
from jobs.dataset.leaks import LeakCheck


def line(identity: str, user: str, cluster: str) -> bytes:
    record: dict[str, Any] = {"id": identity, "metadata": {"user_id": user, "cluster": cluster}}
    return orjson.dumps(record) + b"\n"


def check(train: list[bytes], test: list[bytes]) -> None:
    leaks = LeakCheck()
    assert leaks.read("train", train) == len(train)
    assert leaks.read("test", test) == len(test)
    leaks.finish()


def test_clean_splits_pass() -> None:
    check([line("a", "u1", "a"), line("b", "u1", "a")], [line("c", "u2", "c")])


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (line("c", "u1", "c"), "1 user_id in test and train"),
        (line("c", "u2", "a"), "1 cluster in test and train"),
        (line("a", "u2", "c"), "1 id in test and train"),
    ],
)
def test_what_is_shared_is_named(other: bytes, told: str) -> None:
    with pytest.raises(GateFailed, match=told):
        check([line("a", "u1", "a")], [other])


def test_an_id_that_comes_twice_in_one_split_is_an_error() -> None:
    with pytest.raises(GateFailed, match="train holds 1 ids more than once"):
        check([line("a", "u1", "a"), line("a", "u1", "b")], [])
