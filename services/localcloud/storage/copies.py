"""Objects made of objects: copy, rewrite, move, compose."""

from __future__ import annotations

from contextlib import ExitStack

from aiohttp import web

from services.localcloud.http import ApiError, json_response
from services.localcloud.storage import names
from services.localcloud.storage.calls import Call, Route
from services.localcloud.storage.conditions import Conditions, int64
from services.localcloud.storage.content import link
from services.localcloud.storage.records import Content, Fields, StoredObject
from services.localcloud.storage.resources import object_resource, writable
from services.localcloud.storage.store import Store

_O = "/storage/v1/b/{bucket}/o/{object}"
MAX_SOURCES = 32


class Copies:
    """Handlers; see ``routes``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        target = "/b/{target_bucket}/o/{target}"
        return [
            ("POST", _O + "/copyTo" + target, self.copy),
            ("POST", _O + "/rewriteTo" + target, self.rewrite),
            ("POST", _O + "/moveTo/o/{target}", self.move),
            ("POST", _O + "/compose", self.compose),
        ]

    async def copy(self, call: Call) -> web.Response:
        return json_response(object_resource(await self._copy(call), call.base))

    async def rewrite(self, call: Call) -> web.Response:
        """Done in one call, however large: a copy is a hard link."""
        stored = await self._copy(call)
        size = str(stored.size)
        done = {"kind": "storage#rewriteResponse", "done": True, "objectSize": size}
        resource = object_resource(stored, call.base)
        return json_response(done | {"totalBytesRewritten": size, "resource": resource})

    async def move(self, call: Call) -> web.Response:
        """Rename within a bucket, atomically."""
        source = self._source(call)
        target = (source.bucket, call.args["target"])
        names.check_object(target[1])
        if target[1] == source.name:
            raise ApiError(400, "Source and destination object names must be different.", "invalid")
        content = await self._clone(source)
        stored = self._put(target, content, source.fields, Conditions.of(call.query), moved=source)
        return json_response(object_resource(stored, call.base))

    async def compose(self, call: Call) -> web.Response:
        body = await call.json()
        bucket, name = call.args["bucket"], call.args["object"]
        conditions = Conditions.of(call.query)
        self._store.check(bucket, name, conditions)
        sources = [self._component(bucket, entry) for entry in body.get("sourceObjects", [])]
        if not 1 <= len(sources) <= MAX_SOURCES:
            raise ApiError(400, f"The number of source components must be 1 to {MAX_SOURCES}.", "invalid")
        content = await self._concatenate(sources)
        fields = _composed_fields(sources[0], writable(body.get("destination") or {}))
        stored = self._put((bucket, name), content, fields, conditions)
        return json_response(object_resource(stored, call.base))

    async def _copy(self, call: Call) -> StoredObject:
        body = await call.json()
        target = (call.args["target_bucket"], call.args["target"])
        conditions = Conditions.of(call.query)
        source = self._source(call)
        self._store.check(*target, conditions)
        names.check_object(target[1])
        content = await self._clone(source)
        return self._put(target, content, writable(body) or source.fields, conditions)

    def _put(
        self,
        target: tuple[str, str],
        content: Content,
        fields: Fields,
        conditions: Conditions,
        moved: StoredObject | None = None,
    ) -> StoredObject:
        try:
            return self._store.put(target, content, fields, conditions, moved=moved)
        except ApiError:
            self._store.draft(content.blob).discard()
            raise

    def _source(self, call: Call) -> StoredObject:
        generation = int64(call.query, "sourceGeneration")
        source = self._store.get(call.args["bucket"], call.args["object"], generation)
        Conditions.of(call.query, "ifSource").check(source.generation, source.metageneration)
        return source

    def _component(self, bucket: str, entry: Fields) -> StoredObject:
        expected = {key: str(value) for key, value in (entry.get("objectPreconditions") or {}).items()}
        generation = int64({"generation": str(entry.get("generation") or "")}, "generation")
        source = self._store.get(bucket, str(entry.get("name", "")), generation)
        Conditions.of(expected).check(source.generation, source.metageneration)
        return source

    async def _clone(self, source: StoredObject) -> Content:
        """The source's content as a staged file."""
        layout = self._store.layout
        blob = link(layout.current(source), layout.staging)
        if blob is None:
            blob = (await self._concatenate([source])).blob
        return Content(blob, source.size, source.crc32c, source.md5, source.components)

    async def _concatenate(self, sources: list[StoredObject]) -> Content:
        """All sources are opened first: what replaces them meanwhile does not mix in."""
        draft = self._store.draft()
        with ExitStack() as stack:
            stack.callback(draft.close)
            files = [stack.enter_context(self._store.open(source)) for source in sources]
            for file in files:
                await draft.append_file(file)
            return await draft.finish(composed=sum(source.components or 1 for source in sources))


def _composed_fields(first: StoredObject, given: Fields) -> Fields:
    """Without a type of its own, a composed object takes its first component's."""
    if "contentType" not in given and "contentType" in first.fields:
        return given | {"contentType": first.fields["contentType"]}
    return given
