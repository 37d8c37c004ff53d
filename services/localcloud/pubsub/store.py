"""What must survive: one SQLite database in WAL mode, written by group commit.

The crash argument. A ``publish`` is answered, and its messages are handed to subscribers, only after the
transaction that holds them and one ``deliveries`` row per interested subscription has committed. A commit
appends to the write-ahead log with write(2), so it outlives ``kill -9`` at any later instant; a kill before
or during it leaves a log whose last frame is no commit, which SQLite ignores on opening: the publisher then
has no answer and tries again. An acknowledgement deletes its row in the same way and is answered after its
commit, so what was acknowledged does not come back; what was leased, or acknowledged by a push endpoint whose
commit the kill forestalled, is delivered again: at least once. Forwarding to a dead-letter topic inserts
there and deletes here in one transaction, so it is neither lost nor doubled. Attempts are written at
hand-out, so a restarted cloud counts on from the true number, less at most those of the loop's last turn.
(``synchronous=NORMAL``: a power cut, unlike a killed process, may cost the last commits; nothing else.)

Group commit. What arrives in one turn of the event loop goes into one transaction at its end: no timer, no
thread, no waiting; the busier the loop, the larger the groups.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from services.localcloud.pubsub.deliveries import Delivery, Message
from services.localcloud.pubsub.wire import PubsubMessage

log = structlog.get_logger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, config BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
    first_message INTEGER NOT NULL, config BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, publish_ns INTEGER NOT NULL, wire BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    subscription INTEGER NOT NULL, message INTEGER NOT NULL, attempts INTEGER NOT NULL,
    PRIMARY KEY (subscription, message)) WITHOUT ROWID;
"""

_STATEMENTS = {
    "messages": "INSERT INTO messages (id, topic, publish_ns, wire) VALUES (?, ?, ?, ?)",
    "deliveries": "INSERT INTO deliveries (subscription, message, attempts) VALUES (?, ?, 0)",
    "attempts": "UPDATE deliveries SET attempts = ? WHERE subscription = ? AND message = ?",
    "done": "DELETE FROM deliveries WHERE subscription = ? AND message = ?",
    "dropped": "DELETE FROM messages WHERE id = ?",
}
"""In this order within a transaction: what is undone in the same group was done before."""

Row = tuple[object, ...]


@dataclass(slots=True)
class _Group:
    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in _STATEMENTS})
    after: list[Callable[[], None]] = field(default_factory=list)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)


class Store:
    """The database, locked for this process alone. Used from the event loop's thread only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "pubsub.sqlite3"
        self._db = sqlite3.connect(path, isolation_level=None, timeout=0.5)
        self._group = _Group()
        self._scheduled = False
        try:
            self._open()
        except sqlite3.OperationalError as error:
            self._db.close()
            raise RuntimeError(f"{path}: {error}; does another local cloud run on this state?") from error

    def _open(self) -> None:
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA wal_autocheckpoint=4000")
        self._db.executescript(_SCHEMA)
        self._db.execute("INSERT INTO meta VALUES ('epoch', 1) ON CONFLICT DO UPDATE SET value = value + 1")
        self.epoch: int = self._db.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0]
        """How often this state was opened: part of message and lease ids, so that none ever repeats."""

    def close(self) -> None:
        """Commit what is left and close. Nothing may be written afterwards."""
        self.flush()
        self._db.close()

    # -- the stream of messages: grouped ------------------------------------------------------------------

    def publish(self, message: Message, subscriptions: list[int]) -> None:
        """A new message, with the ids of the subscriptions it is to be delivered to."""
        row = (message.id, message.topic, message.publish_ns, message.wire.SerializeToString())
        self._group.rows["messages"].append(row)
        self._group.rows["deliveries"] += [(number, message.id) for number in subscriptions]
        self._schedule()

    def attempted(self, subscription: int, deliveries: list[Delivery]) -> None:
        """They were handed out: keep the number of their attempts."""
        rows = [(delivery.attempts, subscription, delivery.message.id) for delivery in deliveries]
        self._group.rows["attempts"] += rows
        self._schedule()

    def done(self, subscription: int, messages: list[int], dropped: list[int]) -> None:
        """Deliveries that are over; ``dropped`` are the messages that nobody waits for any more."""
        self._group.rows["done"] += [(subscription, message) for message in messages]
        self._group.rows["dropped"] += [(message,) for message in dropped]
        self._schedule()

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call back in the event loop once all that was written so far is safe."""
        self._group.after.append(call)
        self._schedule()

    def committed(self) -> asyncio.Future[None]:
        """Done once all that was written so far is safe; fails with sqlite3.Error when it cannot be."""
        future = asyncio.get_running_loop().create_future()
        if self._scheduled:
            self._group.waiting.append(future)
        else:
            future.set_result(None)
        return future

    def flush(self) -> None:
        """Commit the group now."""
        self._scheduled = False
        group, self._group = self._group, _Group()
        try:
            self._commit(group)
        except sqlite3.Error as error:
            log.error("pubsub.commit_failed", error=str(error), waiting=len(group.waiting))
            for future in group.waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for call in group.after:
            call()
        for future in group.waiting:
            if not future.done():
                future.set_result(None)

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush_if_scheduled)

    def _flush_if_scheduled(self) -> None:
        if self._scheduled:
            self.flush()

    def _commit(self, group: _Group) -> None:
        if not any(group.rows.values()):
            return
        self._db.execute("BEGIN")
        try:
            for name, rows in group.rows.items():
                if rows:
                    self._db.executemany(_STATEMENTS[name], rows)
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:  # a full disk, for one, has rolled back already
                self._db.execute("ROLLBACK")
            raise

    # -- resources and recovery: at once ------------------------------------------------------------------

    def save_topic(self, name: str, config: bytes) -> None:
        sql = "INSERT INTO topics VALUES (?, ?) ON CONFLICT DO UPDATE SET config = excluded.config"
        self._now(sql, (name, config))

    def delete_topic(self, name: str) -> None:
        """Forget the topic, and those of its messages that were only retained."""
        self._now("DELETE FROM topics WHERE name = ?", (name,))
        self._now(
            "DELETE FROM messages WHERE topic = ? AND id NOT IN (SELECT message FROM deliveries)", (name,)
        )

    def add_subscription(self, name: str, first_message: int, config: bytes) -> int:
        """Returns the number that stands for the subscription from now on; never used again for another."""
        sql = "INSERT INTO subscriptions (name, first_message, config) VALUES (?, ?, ?)"
        return int(self._now(sql, (name, first_message, config)).lastrowid or 0)

    def save_subscription(self, number: int, config: bytes) -> None:
        self._now("UPDATE subscriptions SET config = ? WHERE id = ?", (config, number))

    def delete_subscription(self, number: int) -> None:
        self._now("DELETE FROM subscriptions WHERE id = ?", (number,))

    def topics(self) -> list[bytes]:
        return [row[0] for row in self._db.execute("SELECT config FROM topics ORDER BY name")]

    def subscriptions(self) -> list[tuple[int, int, bytes]]:
        """(number, first message, config) of each."""
        return self._db.execute(
            "SELECT id, first_message, config FROM subscriptions ORDER BY name"
        ).fetchall()

    def pending(self) -> Iterator[tuple[Message, int, int]]:
        """(message, subscription's number, attempts), by message; a message's object is made once."""
        message: Message | None = None
        sql = """SELECT m.id, m.topic, m.publish_ns, m.wire, d.subscription, d.attempts
                 FROM deliveries d JOIN messages m ON m.id = d.message ORDER BY m.id"""
        for number, topic, publish_ns, wire, subscription, attempts in self._db.execute(sql):
            if message is None or message.id != number:
                message = _message(number, topic, publish_ns, wire)
            yield message, subscription, attempts

    def retained(self, topic: str, since_ns: int, first: int) -> list[Message]:
        """A topic's stored messages published at ``since_ns`` or later, with ids from ``first``."""
        sql = (
            "SELECT id, topic, publish_ns, wire FROM messages WHERE topic = ? AND publish_ns >= ? AND id >= ?"
        )
        return [_message(*row) for row in self._db.execute(sql + " ORDER BY id", (topic, since_ns, first))]

    def oldest_retained(self, topic: str) -> int | None:
        """When the oldest stored message of the topic was published, in ns."""
        found = self._db.execute("SELECT min(publish_ns) FROM messages WHERE topic = ?", (topic,)).fetchone()[
            0
        ]
        return None if found is None else int(found)

    def forget_retained(self, topic: str, before_ns: int) -> None:
        """Delete the topic's messages older than that for which no delivery is left."""
        sql = """DELETE FROM messages WHERE topic = ? AND publish_ns < ?
                 AND id NOT IN (SELECT message FROM deliveries)"""
        self._now(sql, (topic, before_ns))

    def redeliver(self, subscription: int, messages: list[int]) -> None:
        """Make those of a subscription's messages pending that are not."""
        self.flush()
        sql = "INSERT OR IGNORE INTO deliveries (subscription, message, attempts) VALUES (?, ?, 0)"
        self._db.execute("BEGIN")
        self._db.executemany(sql, [(subscription, message) for message in messages])
        self._db.execute("COMMIT")

    def _now(self, sql: str, parameters: Row) -> sqlite3.Cursor:
        self.flush()
        return self._db.execute(sql, parameters)


def _message(number: int, topic: str, publish_ns: int, wire: bytes) -> Message:
    return Message(number, topic, publish_ns, PubsubMessage.FromString(wire), len(wire))
