"""Uploads: media, multipart and resumable.

https://cloud.google.com/storage/docs/uploads-downloads and .../performing-resumable-uploads
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

from aiohttp import web

from services.localcloud.http import ApiError, json_response
from services.localcloud.storage import names
from services.localcloud.storage.calls import Call, Route, parse_json
from services.localcloud.storage.conditions import Conditions
from services.localcloud.storage.content import Draft, check_checksums, given_checksums
from services.localcloud.storage.multipart import RelatedReader, boundary_of
from services.localcloud.storage.ranges import Span, sent
from services.localcloud.storage.records import Fields, StoredObject, Upload
from services.localcloud.storage.resources import object_resource, writable
from services.localcloud.storage.store import Store

_O = "/upload/storage/v1/b/{bucket}/o"


@dataclass
class _Session:
    """An upload's life in this process: one PUT at a time, and the file it appends to."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    draft: Draft | None = None


class Uploads:
    """Handlers; see ``routes``. gcloud sends resumable uploads to paths under ``/resumable``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sessions: dict[str, _Session] = {}

    def routes(self) -> list[Route]:
        return [
            (method, prefix + _O, handler)
            for prefix in ("", "/resumable")
            for method, handler in (("POST", self.insert), ("PUT", self.append), ("DELETE", self.cancel))
        ]

    async def insert(self, call: Call) -> web.StreamResponse:
        kind = call.query.get("uploadType", "media")
        if kind == "resumable":
            return await (self.append(call) if "upload_id" in call.query else self._begin(call))
        if kind == "multipart":
            return await self._multipart(call)
        if kind == "media":
            content_type = call.headers.get("Content-Type", "")
            return await self._insert(call, {}, content_type, call.body)
        raise ApiError(400, f"Invalid uploadType: '{kind}'", "invalid")

    async def _multipart(self, call: Call) -> web.StreamResponse:
        reader = RelatedReader(call.body, boundary_of(call.headers.get("Content-Type", "")))
        head = await reader.head()
        return await self._insert(call, parse_json(head.metadata), head.content_type, reader.content())

    async def _insert(
        self, call: Call, body: Fields, content_type: str, data: AsyncIterator[bytes]
    ) -> web.StreamResponse:
        """An upload in one request."""
        target = _target(call, body)
        fields = _fields(body, content_type)
        conditions = Conditions.of(call.query)
        self._store.check(*target, conditions)
        draft = self._store.draft()
        try:
            async for chunk in data:
                await draft.write(chunk)
            content = await draft.finish()
            check_checksums(_given(call, body), content)
            stored = self._store.put(target, content, fields, conditions)
        except BaseException:
            draft.discard()
            raise
        return _answer(stored, call)

    # Resumable

    async def _begin(self, call: Call) -> web.StreamResponse:
        """Open a session: its URL comes back as ``Location``."""
        body = await call.json()
        bucket, name = _target(call, body)
        self._store.check(bucket, name, Conditions.of(call.query))
        length = call.headers.get("X-Upload-Content-Length", "")
        upload = Upload(
            id=uuid.uuid4().hex,
            bucket=bucket,
            name=name,
            fields=_fields(body, call.headers.get("X-Upload-Content-Type", "")),
            created=self._store.now(),
            conditions={key: value for key, value in call.query.items() if key.startswith("if")},
            checksums=_given(call, body),
            total=int(length) if length.isdecimal() else None,
        )
        self._store.index.put_upload(upload)
        url = f"{call.base}{call.path}?uploadType=resumable&upload_id={upload.id}"
        return web.Response(headers={"Location": url, "X-GUploader-UploadID": upload.id})

    async def append(self, call: Call) -> web.StreamResponse:
        """A chunk, a status query, or the rest: 308 with the bytes held so far, or the finished object."""
        upload = self._upload(call)
        session = self._sessions.setdefault(upload.id, _Session())
        async with session.lock:
            upload = self._upload(call)  # whoever held the lock may have finished it
            if upload.result is not None:
                await call.drain()
                return json_response(upload.result)
            try:
                return await self._append(call, upload, session)
            except BaseException:
                self._forget(session)
                raise

    async def _append(self, call: Call, upload: Upload, session: _Session) -> web.StreamResponse:
        span = sent(call.headers.get("Content-Range"))
        draft = session.draft = session.draft or await self._store.draft(upload.id).resume()
        if span is None or span.start is not None:
            await _take(draft, span.start or 0 if span else 0, call)
        else:
            await call.drain()
        await draft.flush()
        upload = self._with_total(upload, span, draft)
        if upload.total is None or draft.size < upload.total:
            draft.close()  # until the next chunk: sessions may lie idle for days
            return _incomplete(draft.size)
        return await self._finish(call, upload, draft)

    def _with_total(self, upload: Upload, span: Span | None, draft: Draft) -> Upload:
        """The total is kept as soon as it is known. A PUT without ``Content-Range`` is the whole content."""
        total = span.total if span else draft.size
        if total is None or total == upload.total:
            return upload
        upload = replace(upload, total=total)
        self._store.index.put_upload(upload)
        return upload

    async def _finish(self, call: Call, upload: Upload, draft: Draft) -> web.StreamResponse:
        try:
            if draft.size != upload.total:
                message = f"Invalid request. {draft.size} bytes were sent, {upload.total} announced."
                raise ApiError(400, message, "invalid")
            content = await draft.finish()
            check_checksums(upload.checksums | _given(call, {}), content)
            conditions = Conditions.of(upload.conditions)
            target = (upload.bucket, upload.name)
            result = _resource_at(call.base)
            stored = self._store.put(target, content, upload.fields, conditions, upload=upload, result=result)
        except ApiError:
            self._end(upload, draft)
            raise
        self._sessions.pop(upload.id, None)
        return _answer(stored, call)

    async def cancel(self, call: Call) -> web.StreamResponse:
        upload = self._upload(call)
        session = self._sessions.setdefault(upload.id, _Session())
        async with session.lock:
            self._end(upload, session.draft or self._store.draft(upload.id))
        return web.Response(status=499)

    def _upload(self, call: Call) -> Upload:
        upload = self._store.index.upload(call.query.get("upload_id", ""))
        if upload is None:
            raise ApiError(404, "No such upload session.", "notFound")
        return upload

    def _end(self, upload: Upload, draft: Draft) -> None:
        """The session is over without an object."""
        self._store.index.delete_upload(upload.id)
        self._sessions.pop(upload.id, None)
        draft.discard()

    def _forget(self, session: _Session) -> None:
        """After a broken PUT only the file is true: the next PUT reads it anew."""
        if session.draft:
            session.draft.close()
            session.draft = None


async def _take(draft: Draft, start: int, call: Call) -> None:
    """Append the body, which begins at ``start``; bytes already held are skipped (a repeated chunk)."""
    skip = draft.size - start
    if skip < 0:
        raise ApiError(503, f"Bytes {draft.size} to {start} are missing.", "backendError")
    async for chunk in call.body:
        if skip < len(chunk):
            await draft.write(chunk[skip:])
        skip = max(0, skip - len(chunk))


def _incomplete(size: int) -> web.Response:
    headers = {"Range": f"bytes=0-{size - 1}"} if size else {}
    return web.Response(status=308, reason="Resume Incomplete", headers=headers)


def _answer(stored: StoredObject, call: Call) -> web.Response:
    checksums = f"crc32c={stored.crc32c},md5={stored.md5}"
    headers = {"X-Goog-Hash": checksums, "X-Goog-Generation": str(stored.generation)}
    return json_response(object_resource(stored, call.base), headers=headers)


def _resource_at(base: str) -> Callable[[StoredObject], Fields]:
    return lambda stored: object_resource(stored, base)


def _target(call: Call, body: Fields) -> tuple[str, str]:
    """Bucket and name; the name stands in the query or in the metadata."""
    name = call.query.get("name") or str(body.get("name") or "")
    names.check_object(name)
    return call.args["bucket"], name


def _fields(body: Fields, content_type: str) -> Fields:
    fields = writable(body)
    if not fields.get("contentType"):
        fields["contentType"] = content_type or "application/octet-stream"
    if "contentEncoding" in fields and not fields["contentEncoding"]:
        del fields["contentEncoding"]
    return fields


def _given(call: Call, body: Fields) -> dict[str, str]:
    hashes = [value for name, value in call.headers.items() if name.lower() == "x-goog-hash"]
    return given_checksums(body, hashes, call.headers.get("Content-MD5", ""))
