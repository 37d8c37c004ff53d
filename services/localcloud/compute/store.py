"""Durable state of the compute part: one SQLite file in WAL mode, written before anything is answered.

A commit survives ``kill -9`` of the local cloud (the pages are the kernel's by then); only a loss of
power may take the last ones with it. All calls are synchronous and take well under a millisecond.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from services.localcloud.compute.model import Execution, Task

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, parent TEXT NOT NULL,
    document BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS executions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, parent TEXT NOT NULL, api TEXT NOT NULL,
    request_id TEXT NOT NULL, active INTEGER NOT NULL, document BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS executions_of ON executions (api, parent, seq);
CREATE INDEX IF NOT EXISTS executions_active ON executions (seq) WHERE active;
CREATE INDEX IF NOT EXISTS executions_request ON executions (request_id) WHERE request_id != '';
CREATE TABLE IF NOT EXISTS tasks (
    execution TEXT NOT NULL, idx INTEGER NOT NULL, document BLOB NOT NULL,
    PRIMARY KEY (execution, idx)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS operations (name TEXT PRIMARY KEY, document BLOB NOT NULL) WITHOUT ROWID;
"""


class Store:
    """Jobs, executions of both APIs, their tasks, and operations."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, as one commit."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # Cloud Run jobs

    def put_job(self, job: dict[str, Any]) -> None:
        parent = job["name"].rpartition("/jobs/")[0]
        self._db.execute(
            "INSERT INTO jobs (name, parent, document) VALUES (?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET document = excluded.document",
            (job["name"], parent, orjson.dumps(job)),
        )

    def job(self, name: str) -> dict[str, Any] | None:
        return self._document("SELECT document FROM jobs WHERE name = ?", name)

    def delete_job(self, name: str) -> None:
        self._db.execute("DELETE FROM jobs WHERE name = ?", (name,))

    def jobs(self, parent: str, after: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """(sequence number, job) pairs in the order of creation."""
        rows = self._db.execute(
            "SELECT seq, document FROM jobs WHERE parent = ? AND seq > ? ORDER BY seq LIMIT ?",
            (parent, after, limit),
        )
        return [(seq, orjson.loads(document)) for seq, document in rows]

    # Executions and their tasks

    def add_execution(self, execution: Execution, tasks: Sequence[Task]) -> None:
        with self.transaction():
            self._db.execute(
                "INSERT INTO executions (name, parent, api, request_id, active, document) "
                "VALUES (?, ?, ?, ?, 1, ?)",
                (execution.name, execution.parent, execution.api, execution.request_id, _json(execution)),
            )
            self._put_tasks(execution.name, tasks)

    def save(self, execution: Execution, *tasks: Task) -> None:
        """Write an execution and those of its tasks that changed, as one commit."""
        with self.transaction():
            self._db.execute(
                "UPDATE executions SET active = ?, document = ? WHERE name = ?",
                (not execution.finished, _json(execution), execution.name),
            )
            self._put_tasks(execution.name, tasks)

    def delete_execution(self, name: str) -> None:
        with self.transaction():
            self._db.execute("DELETE FROM executions WHERE name = ?", (name,))
            self._db.execute("DELETE FROM tasks WHERE execution = ?", (name,))

    def execution(self, name: str) -> Execution | None:
        row = self._db.execute("SELECT document FROM executions WHERE name = ?", (name,)).fetchone()
        return Execution.model_validate_json(row[0]) if row else None

    def execution_of_request(self, request_id: str) -> Execution | None:
        row = self._db.execute(
            "SELECT document FROM executions WHERE request_id = ? AND request_id != ''", (request_id,)
        ).fetchone()
        return Execution.model_validate_json(row[0]) if row else None

    def executions(
        self, api: str, parent: str, before: int | None = None, limit: int = -1
    ) -> list[tuple[int, Execution]]:
        """(sequence number, execution) pairs, newest first. A ``*`` in ``parent`` matches anything."""
        rows = self._db.execute(
            "SELECT seq, document FROM executions WHERE api = ? AND parent GLOB ? AND seq < ? "
            "ORDER BY seq DESC LIMIT ?",
            (api, parent, 2**62 if before is None else before, limit),
        )
        return [(seq, Execution.model_validate_json(document)) for seq, document in rows]

    def active(self) -> list[Execution]:
        """Executions not finished yet, oldest first."""
        rows = self._db.execute("SELECT document FROM executions WHERE active ORDER BY seq")
        return [Execution.model_validate_json(document) for (document,) in rows]

    def tasks(self, execution: str, after: int = -1, limit: int = -1) -> list[Task]:
        rows = self._db.execute(
            "SELECT document FROM tasks WHERE execution = ? AND idx > ? ORDER BY idx LIMIT ?",
            (execution, after, limit),
        )
        return [Task.model_validate_json(document) for (document,) in rows]

    def _put_tasks(self, execution: str, tasks: Sequence[Task]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO tasks VALUES (?, ?, ?)",
            [(execution, task.index, _json(task)) for task in tasks],
        )

    # Long-running operations

    def put_operation(self, name: str, document: dict[str, Any]) -> None:
        self._db.execute("INSERT OR REPLACE INTO operations VALUES (?, ?)", (name, orjson.dumps(document)))

    def operation(self, name: str) -> dict[str, Any] | None:
        return self._document("SELECT document FROM operations WHERE name = ?", name)

    def _document(self, query: str, key: str) -> dict[str, Any] | None:
        row = self._db.execute(query, (key,)).fetchone()
        return orjson.loads(row[0]) if row else None


def _json(record: Execution | Task) -> bytes:
    return record.model_dump_json(exclude_defaults=True).encode()
