"""The commit protocol of the package's docstring: objects change here and nowhere else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import structlog

from services.localcloud.http import ApiError
from services.localcloud.storage import events, names
from services.localcloud.storage.conditions import Conditions
from services.localcloud.storage.content import Draft
from services.localcloud.storage.index import Index
from services.localcloud.storage.layout import Layout
from services.localcloud.storage.records import Bucket, Content, Fields, Message, StoredObject, Upload

log = structlog.get_logger(__name__)

LARGE = 8 << 20
"""Bytes from which a replaced file's blocks are freed in a thread."""


class Store:
    """Buckets, objects and their notifications. Synchronous, on the event loop's thread; see the package.

    ``notify`` is given the messages of each commit; ``base`` is the URL for links in their payloads.
    """

    def __init__(self, root: Path, notify: Callable[[list[Message]], None], base: Callable[[], str]) -> None:
        self.layout = Layout(root)
        self.index = Index(self.layout.database)
        self.commits = 0
        self._notify = notify
        self._base = base
        self._generation = self.index.generation()
        self._removed = bool(self.index.removals())

    def now(self) -> int:
        """Microseconds since 1970, strictly growing, also over restarts and a clock set back."""
        self._generation = max(self._generation + 1, time.time_ns() // 1000)
        return self._generation

    def draft(self, name: str = "") -> Draft:
        return Draft(self.layout.staging, name)

    def bucket(self, name: str) -> Bucket:
        bucket = self.index.bucket(name)
        if bucket is None:
            raise ApiError(404, "The specified bucket does not exist.", "notFound")
        return bucket

    def get(self, bucket: str, name: str, generation: int | None = None) -> StoredObject:
        """The live object; 404 when there is none, or when it is not of that generation."""
        stored = self.index.object(bucket, name)
        if stored is None or generation not in (None, stored.generation):
            self.bucket(bucket)
            raise ApiError(404, f"No such object: {bucket}/{name}", "notFound")
        return stored

    def scan(self, bucket: str, start: str) -> Iterator[StoredObject]:
        self.bucket(bucket)
        return self.index.scan(bucket, start)

    def open(self, stored: StoredObject) -> BinaryIO:
        """The content of exactly this generation: what is opened stays whole though it be replaced.

        404 if somebody removed the file by hand.
        """
        try:
            return self.layout.open(stored)
        except FileNotFoundError as error:
            raise ApiError(404, f"The file of {stored.name} is gone from the folder.", "notFound") from error

    def check(self, bucket: str, name: str, conditions: Conditions) -> StoredObject | None:
        """The object to be replaced, if any; 404 without the bucket, 412 unless the conditions hold."""
        current = self.index.object(bucket, name)
        if current is None:
            self.bucket(bucket)
        conditions.check(*(current.generation, current.metageneration) if current else (0, 0))
        return current

    def put(
        self,
        target: tuple[str, str],
        content: Content,
        fields: Fields,
        conditions: Conditions,
        *,
        upload: Upload | None = None,
        result: Callable[[StoredObject], Fields] | None = None,
        moved: StoredObject | None = None,
    ) -> StoredObject:
        """Make a staged file the object ``(bucket, name)``, with all that hangs on it, in one commit.

        ``upload`` ends with ``result``; ``moved`` is the object that this one was, and goes.
        """
        bucket, name = target
        names.check_object(name)
        current = self.check(bucket, name, conditions)
        path = current.path if current else self.layout.place(bucket, name)
        now = self.now()
        stored = _stored(bucket, name, now, path, content, fields)
        happened = events.landed(stored, current)
        if moved:
            happened.append(events.Event("OBJECT_DELETE", moved, now))
        if upload and result:
            upload = replace(upload, result=result(stored))
        self._commit(happened, put=stored, delete=moved, upload=upload, replaced=current)
        return stored

    def update(self, stored: StoredObject, fields: Fields) -> StoredObject:
        """New user-writable members: the next metageneration."""
        number, now = stored.metageneration + 1, self.now()
        changed = replace(stored, metageneration=number, updated=now, fields=fields)
        self._commit([events.Event("OBJECT_METADATA_UPDATE", changed, changed.updated)], put=changed)
        return changed

    def delete(self, stored: StoredObject) -> None:
        self._commit([events.Event("OBJECT_DELETE", stored, self.now())], delete=stored)

    def _commit(
        self,
        happened: list[events.Event],
        *,
        put: StoredObject | None = None,
        delete: StoredObject | None = None,
        upload: Upload | None = None,
        replaced: StoredObject | None = None,
    ) -> None:
        bucket = happened[0].stored.bucket
        outgoing = events.messages(self.index.notifications(bucket), happened, self._base())
        with self.index.transaction():
            if self._removed:
                self.index.clear_removals()  # the commit before this one saw to its files
            if delete:
                self.index.delete_object(delete)
            if put:
                self.index.put_object(put)
            if upload:
                self.index.put_upload(upload)
            self.index.put_generation(self._generation)
            outgoing = [self.index.add_message(message) for message in outgoing]
        self._removed = delete is not None
        self.commits += 1
        self._move_files(put, delete, replaced)
        self._notify(outgoing)

    def _move_files(
        self, put: StoredObject | None, delete: StoredObject | None, replaced: StoredObject | None
    ) -> None:
        """Bring the visible folder up to the commit. What fails is mended at the next start."""
        self._free_later(delete or replaced)
        try:
            if put:
                self.layout.settle(put)
            if delete:
                self.layout.remove(delete.bucket, delete.path)
        except OSError as error:
            log.warning("storage.files.behind", error=str(error))

    def _free_later(self, stored: StoredObject | None) -> None:
        """Keep a large file open while its name goes, and close it in a thread: freeing blocks takes time."""
        if stored and stored.size >= LARGE:
            with suppress(OSError):
                file = self.layout.open(stored)
                asyncio.get_running_loop().run_in_executor(None, file.close)

    # Buckets

    def put_bucket(self, bucket: Bucket) -> None:
        with self.index.transaction():
            self.index.put_bucket(bucket)
        self.layout.bucket(bucket.name).mkdir(exist_ok=True)

    def delete_bucket(self, name: str) -> None:
        """409 while it holds an object."""
        if next(self.scan(name, ""), None):
            raise ApiError(409, "The bucket you tried to delete is not empty.", "conflict")
        with self.index.transaction():
            self.index.delete_bucket(name)
        self.layout.remove_bucket(name)


def _stored(bucket: str, name: str, now: int, path: str, content: Content, fields: Fields) -> StoredObject:
    """A first metageneration: generation and creation are the same moment."""
    return StoredObject(
        bucket=bucket,
        name=name,
        generation=now,
        metageneration=1,
        created=now,
        updated=now,
        size=content.size,
        crc32c=content.crc32c,
        md5=content.md5,
        components=content.components,
        path=path,
        blob=content.blob,
        fields=fields,
    )
