"""An object's metadata: get, list, patch, update, delete."""

from __future__ import annotations

from aiohttp import web

from services.localcloud.http import json_response
from services.localcloud.storage.calls import Call, Route
from services.localcloud.storage.conditions import Conditions, int64
from services.localcloud.storage.downloads import media
from services.localcloud.storage.listing import Query, list_page
from services.localcloud.storage.records import StoredObject
from services.localcloud.storage.resources import object_resource, patched, writable
from services.localcloud.storage.store import Store

_O = "/storage/v1/b/{bucket}/o"


class Objects:
    """Handlers; see ``routes``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        return [
            ("GET", _O, self.list),
            ("GET", _O + "/{object}", self.get),
            ("GET", "/download" + _O + "/{object}", self.get),
            ("PATCH", _O + "/{object}", self.patch),
            ("PUT", _O + "/{object}", self.update),
            ("DELETE", _O + "/{object}", self.delete),
        ]

    async def list(self, call: Call) -> web.Response:
        bucket = call.args["bucket"]
        page = list_page(lambda start: self._store.scan(bucket, start), Query.of(call.query))
        body = {
            "kind": "storage#objects",
            "items": [object_resource(stored, call.base) for stored in page.items],
        }
        if page.prefixes:
            body["prefixes"] = page.prefixes
        if page.token:
            body["nextPageToken"] = page.token
        return json_response(body)

    async def get(self, call: Call) -> web.StreamResponse:
        stored = self._checked(call, reading=True)
        if call.query.get("alt") == "media" or call.path.startswith("/download/"):
            return media(call, stored, self._store.open(stored))
        return json_response(object_resource(stored, call.base))

    async def patch(self, call: Call) -> web.Response:
        body = await call.json()
        stored = self._checked(call)
        changes = writable(body) | {name: None for name, value in body.items() if value is None}
        if isinstance(body.get("metadata"), dict):
            changes["metadata"] = body["metadata"]  # its nulls count: each removes a key
        fields = writable(patched(stored.fields, changes))
        return json_response(object_resource(self._store.update(stored, fields), call.base))

    async def update(self, call: Call) -> web.Response:
        body = await call.json()
        changed = self._store.update(self._checked(call), writable(body))
        return json_response(object_resource(changed, call.base))

    async def delete(self, call: Call) -> web.Response:
        self._store.delete(self._checked(call))
        return web.Response(status=204)

    def _checked(self, call: Call, *, reading: bool = False) -> StoredObject:
        """The object that the call names, if all its conditions hold."""
        args, generation = call.args, int64(call.query, "generation")
        stored = self._store.get(args["bucket"], args["object"], generation)
        conditions = Conditions.of(call.query)
        conditions.check(stored.generation, stored.metageneration, reading=reading)
        return stored
