"""The SQLite index: rows in, rows out. All calls come from the event loop's thread; none decides anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from services.localcloud.storage.records import Bucket, Fields, Message, Notification, StoredObject, Upload

_SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets(
    name TEXT PRIMARY KEY, project TEXT, created INTEGER, updated INTEGER, metageneration INTEGER,
    fields TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects(
    bucket TEXT, name TEXT, generation INTEGER, metageneration INTEGER, created INTEGER, updated INTEGER,
    size INTEGER, crc32c TEXT, md5 TEXT, components INTEGER, path TEXT, blob TEXT, fields TEXT,
    PRIMARY KEY(bucket, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notifications(
    id INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT, config TEXT);
CREATE TABLE IF NOT EXISTS uploads(
    id TEXT PRIMARY KEY, bucket TEXT, name TEXT, fields TEXT, created INTEGER, conditions TEXT,
    checksums TEXT, total INTEGER, result TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, data BLOB, attributes TEXT);
CREATE TABLE IF NOT EXISTS removals(bucket TEXT, path TEXT);
CREATE TABLE IF NOT EXISTS clock(generation INTEGER);
"""


class Index:
    """One connection in autocommit mode; ``transaction`` groups writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = connect(path)
        self._db.execute("PRAGMA wal_autocheckpoint=0")  # done by ``checkpoint``, off the event loop
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    def checkpoint(self) -> None:
        """Move the log's pages into the database file. Runs in a thread, on a connection of its own."""
        db = connect(self._path)
        try:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # Buckets

    def bucket(self, name: str) -> Bucket | None:
        row = self._db.execute("SELECT * FROM buckets WHERE name=?", (name,)).fetchone()
        return _bucket(row) if row else None

    def buckets(self) -> list[Bucket]:
        return [_bucket(row) for row in self._db.execute("SELECT * FROM buckets ORDER BY name")]

    def put_bucket(self, bucket: Bucket) -> None:
        *values, fields = vars(bucket).values()
        self._db.execute("REPLACE INTO buckets VALUES(?,?,?,?,?,?)", (*values, _dump(fields)))

    def delete_bucket(self, name: str) -> None:
        self._db.execute("DELETE FROM buckets WHERE name=?", (name,))
        self._db.execute("DELETE FROM notifications WHERE bucket=?", (name,))

    # Objects

    def object(self, bucket: str, name: str) -> StoredObject | None:
        query = "SELECT * FROM objects WHERE bucket=? AND name=?"
        row = self._db.execute(query, (bucket, name)).fetchone()
        return _object(row) if row else None

    def scan(self, bucket: str, start: str) -> Iterator[StoredObject]:
        """Objects named ``start`` or greater, in order; in growing batches, so that no cursor stays open."""
        query = "SELECT * FROM objects WHERE bucket=? AND name>=? ORDER BY name LIMIT ?"
        size = 8
        while True:
            rows = self._db.execute(query, (bucket, start, size)).fetchall()
            yield from map(_object, rows)
            if len(rows) < size:
                return
            start, size = rows[-1][1] + "\0", min(size * 4, 512)

    def all_objects(self) -> Iterator[StoredObject]:
        return map(_object, self._db.execute("SELECT * FROM objects"))

    def put_object(self, stored: StoredObject) -> None:
        *values, fields = vars(stored).values()
        query = "REPLACE INTO objects VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)"
        self._db.execute(query, (*values, _dump(fields)))

    def delete_object(self, stored: StoredObject) -> None:
        self._db.execute("DELETE FROM objects WHERE bucket=? AND name=?", (stored.bucket, stored.name))
        self._db.execute("INSERT INTO removals VALUES(?,?)", (stored.bucket, stored.path))

    def removals(self) -> list[tuple[str, str]]:
        """``(bucket, path)`` of files that may still wait to be unlinked."""
        return self._db.execute("SELECT bucket, path FROM removals").fetchall()

    def clear_removals(self) -> None:
        self._db.execute("DELETE FROM removals")

    def has_path(self, bucket: str, path: str) -> bool:
        query = "SELECT 1 FROM objects WHERE bucket=? AND path=?"
        return self._db.execute(query, (bucket, path)).fetchone() is not None

    # The clock of generations

    def generation(self) -> int:
        row = self._db.execute("SELECT max(generation) FROM clock").fetchone()
        return row[0] or 0

    def put_generation(self, generation: int) -> None:
        cursor = self._db.execute("UPDATE clock SET generation=?", (generation,))
        if cursor.rowcount == 0:
            self._db.execute("INSERT INTO clock VALUES(?)", (generation,))

    # Notification configs

    def notifications(self, bucket: str) -> list[Notification]:
        rows = self._db.execute("SELECT * FROM notifications WHERE bucket=? ORDER BY id", (bucket,))
        return [Notification(row[0], row[1], orjson.loads(row[2])) for row in rows]

    def add_notification(self, bucket: str, config: Fields) -> Notification:
        query = "INSERT INTO notifications(bucket, config) VALUES(?,?)"
        cursor = self._db.execute(query, (bucket, _dump(config)))
        return Notification(cursor.lastrowid or 0, bucket, config)

    def delete_notification(self, bucket: str, id_: int) -> bool:
        cursor = self._db.execute("DELETE FROM notifications WHERE bucket=? AND id=?", (bucket, id_))
        return cursor.rowcount > 0

    # Resumable uploads

    def upload(self, id_: str) -> Upload | None:
        row = self._db.execute("SELECT * FROM uploads WHERE id=?", (id_,)).fetchone()
        return _upload(row) if row else None

    def uploads(self) -> list[Upload]:
        return [_upload(row) for row in self._db.execute("SELECT * FROM uploads")]

    def put_upload(self, upload: Upload) -> None:
        values = (upload.id, upload.bucket, upload.name, _dump(upload.fields), upload.created)
        rest = (_dump(upload.conditions), _dump(upload.checksums), upload.total)
        result = _dump(upload.result) if upload.result is not None else None
        self._db.execute("REPLACE INTO uploads VALUES(?,?,?,?,?,?,?,?,?)", (*values, *rest, result))

    def delete_upload(self, id_: str) -> None:
        self._db.execute("DELETE FROM uploads WHERE id=?", (id_,))

    # The outbox

    def add_message(self, message: Message) -> Message:
        query = "INSERT INTO outbox(topic, data, attributes) VALUES(?,?,?)"
        cursor = self._db.execute(query, (message.topic, message.data, _dump(message.attributes)))
        return Message(message.topic, message.data, message.attributes, cursor.lastrowid or 0)

    def messages(self) -> list[Message]:
        rows = self._db.execute("SELECT topic, data, attributes, seq FROM outbox ORDER BY seq")
        return [Message(row[0], row[1], orjson.loads(row[2]), row[3]) for row in rows]

    def delete_messages(self, seqs: Iterable[int]) -> None:
        with self.transaction():
            self._db.executemany("DELETE FROM outbox WHERE seq=?", ((seq,) for seq in seqs))


def connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    return db


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


def _bucket(row: tuple[Any, ...]) -> Bucket:
    values = [*row[:5], orjson.loads(row[5])]
    return Bucket(*values)


def _object(row: tuple[Any, ...]) -> StoredObject:
    values = [*row[:12], orjson.loads(row[12])]
    return StoredObject(*values)


def _upload(row: tuple[Any, ...]) -> Upload:
    id_, bucket, name, fields, created, conditions, checksums, total, result = row
    parsed = [orjson.loads(text) for text in (fields, conditions, checksums)]
    outcome = orjson.loads(result) if result else None
    return Upload(id_, bucket, name, parsed[0], created, parsed[1], parsed[2], total, outcome)
