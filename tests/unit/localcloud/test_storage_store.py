"""Death at every step of a commit: after a restart all is old or all is new, never a mixture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from services.localcloud.storage.conditions import Conditions
from services.localcloud.storage.index import Index
from services.localcloud.storage.layout import Layout
from services.localcloud.storage.records import Bucket, Content
from services.localcloud.storage.recovery import recover
from services.localcloud.storage.store import Store

ANY = Conditions()
TOPIC = {"topic": "//pubsub.googleapis.com/projects/p/topics/t", "payload_format": "NONE"}


class Death(BaseException):
    """Stands for ``kill -9``: nothing in the code under test may handle it."""


def die(*_: object, **__: object) -> None:
    raise Death


def staged(store: Store, data: bytes) -> Content:
    async def write() -> Content:
        draft = store.draft()
        await draft.write(data)
        return await draft.finish()

    return asyncio.run(write())


def started(root: Path) -> Store:
    store = Store(root, lambda _: None, lambda: "http://x")
    recover(store.layout, store.index, store.now())
    return store


def put(store: Store, name: str, data: bytes) -> None:
    store.put(("bucket", name), staged(store, data), {}, ANY)


def move(store: Store) -> None:
    source = store.get("bucket", "a")
    store.put(("bucket", "z/moved"), staged(store, b"old"), {}, ANY, moved=source)


OPERATIONS: dict[str, tuple[Callable[[Store], None], dict[str, bytes]]] = {
    "create": (lambda store: put(store, "new/x", b"new"), {"a": b"old", "d/e": b"deep", "new/x": b"new"}),
    "replace": (lambda store: put(store, "a", b"new"), {"a": b"new", "d/e": b"deep"}),
    "object over folder": (lambda store: put(store, "d", b"n"), {"a": b"old", "d/e": b"deep", "d": b"n"}),
    "delete": (lambda store: store.delete(store.get("bucket", "d/e")), {"a": b"old"}),
    "move": (move, {"z/moved": b"old", "d/e": b"deep"}),
}
OLD = {"a": b"old", "d/e": b"deep"}
BEFORE: list[tuple[type, str]] = [(Index, "put_generation"), (Index, "add_message")]
AFTER: list[tuple[type, str]] = [(Store, "_move_files"), (Layout, "settle"), (Layout, "remove")]
AFTER += [(Path, "unlink"), (Path, "mkdir")]


def contents(store: Store) -> dict[str, bytes]:
    found = {}
    for stored in store.scan("bucket", ""):
        with store.open(stored) as file:
            found[stored.name] = file.read()
        assert len(found[stored.name]) == stored.size
        assert store.layout.visible(stored).read_bytes() == found[stored.name]
    return found


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("owner", "method"), BEFORE + AFTER)
def test_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, owner: type, method: str
) -> None:
    run, new = OPERATIONS[operation]
    store = started(tmp_path)
    store.put_bucket(Bucket("bucket", "p", 1, 1, 1, {}))
    put(store, "a", b"old")
    put(store, "d/e", b"deep")
    store.index.add_notification("bucket", TOPIC)

    died = False
    with monkeypatch.context() as patch:
        patch.setattr(owner, method, die)
        try:
            run(store)
        except Death:
            died = True
    store.index.close()

    again = started(tmp_path)
    committed = not died or (owner, method) in AFTER
    assert contents(again) == (new if committed else OLD)
    assert bool(again.index.messages()) == committed
    assert not list(again.layout.staging.iterdir())
    files = [path for path in again.layout.bucket("bucket").rglob("*") if path.is_file()]
    assert len(files) == len(contents(again))
    assert died or (owner, method) not in BEFORE
    again.index.close()


def test_generations_grow_though_the_clock_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = started(tmp_path)
    store.put_bucket(Bucket("bucket", "p", 1, 1, 1, {}))
    put(store, "a", b"1")
    first = store.get("bucket", "a").generation
    store.delete(store.get("bucket", "a"))
    store.index.close()
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000)
    again = started(tmp_path)
    put(again, "a", b"2")
    assert again.get("bucket", "a").generation > first
    again.index.close()
