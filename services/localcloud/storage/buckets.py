"""Buckets and their notification configs."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from services.localcloud.http import ApiError, json_response
from services.localcloud.storage import names
from services.localcloud.storage.calls import Call, Route
from services.localcloud.storage.conditions import Conditions
from services.localcloud.storage.events import check_room, config_of
from services.localcloud.storage.records import Bucket, Fields
from services.localcloud.storage.resources import (
    BUCKET_READ_ONLY,
    bucket_resource,
    notification_resource,
    patched,
)
from services.localcloud.storage.store import Store

_B = "/storage/v1/b"
_N = "/storage/v1/b/{bucket}/notificationConfigs"


class Buckets:
    """Handlers; see ``routes``."""

    def __init__(self, store: Store, project: str) -> None:
        self._store = store
        self._project = project

    def routes(self) -> list[Route]:
        return [
            ("POST", _B, self.create),
            ("GET", _B, self.list),
            ("GET", _B + "/{bucket}", self.get),
            ("PATCH", _B + "/{bucket}", self.patch),
            ("PUT", _B + "/{bucket}", self.update),
            ("DELETE", _B + "/{bucket}", self.delete),
            ("GET", _B + "/{bucket}/storageLayout", self.layout),
            ("GET", _B + "/{bucket}/managedFolders", self.managed_folders),
            ("POST", _N, self.create_notification),
            ("GET", _N, self.list_notifications),
            ("GET", _N + "/{id}", self.get_notification),
            ("DELETE", _N + "/{id}", self.delete_notification),
        ]

    async def create(self, call: Call) -> web.Response:
        body = await call.json()
        name = str(body.get("name", ""))
        names.check_bucket(name)
        if self._store.index.bucket(name):
            raise ApiError(409, f"The requested bucket name is not available: {name}", "conflict")
        now = self._store.now()
        bucket = Bucket(name, call.query.get("project", self._project), now, now, 1, _settable(body))
        self._store.put_bucket(bucket)
        return json_response(bucket_resource(bucket, call.base))

    async def list(self, call: Call) -> web.Response:
        project = call.query.get("project", self._project)
        prefix = call.query.get("prefix", "")
        items = [
            bucket_resource(bucket, call.base)
            for bucket in self._store.index.buckets()
            if bucket.project == project and bucket.name.startswith(prefix)
        ]
        return json_response({"kind": "storage#buckets", "items": items})

    async def get(self, call: Call) -> web.Response:
        return json_response(bucket_resource(self._checked(call, reading=True), call.base))

    async def patch(self, call: Call) -> web.Response:
        body = await call.json()
        bucket = self._checked(call)
        return self._changed(bucket, patched(bucket.fields, _settable(body)), call)

    async def update(self, call: Call) -> web.Response:
        body = await call.json()
        return self._changed(self._checked(call), _settable(body), call)

    async def delete(self, call: Call) -> web.Response:
        self._checked(call)
        self._store.delete_bucket(call.args["bucket"])
        return web.Response(status=204)

    async def layout(self, call: Call) -> web.Response:
        """Asked by gcloud before most commands: an ordinary bucket, without a hierarchical namespace."""
        resource = bucket_resource(self._checked(call), call.base)
        layout = {
            "kind": "storage#storageLayout",
            "bucket": call.args["bucket"],
            "location": resource["location"],
            "locationType": resource["locationType"],
            "hierarchicalNamespace": {"enabled": False},
        }
        return json_response(layout)

    async def managed_folders(self, call: Call) -> web.Response:
        """Asked by ``gcloud storage rm --recursive``: there are none here."""
        self._checked(call)
        return json_response({"kind": "storage#managedFolders", "items": []})

    async def create_notification(self, call: Call) -> web.Response:
        bucket = self._checked(call)
        config = config_of(await call.json())
        check_room((other.config for other in self._store.index.notifications(bucket.name)), config)
        notification = self._store.index.add_notification(bucket.name, config)
        return json_response(notification_resource(notification, call.base))

    async def list_notifications(self, call: Call) -> web.Response:
        configs = self._store.index.notifications(self._checked(call).name)
        items = [notification_resource(config, call.base) for config in configs]
        return json_response({"kind": "storage#notifications", "items": items})

    async def get_notification(self, call: Call) -> web.Response:
        for config in self._store.index.notifications(self._checked(call).name):
            if str(config.id) == call.args["id"]:
                return json_response(notification_resource(config, call.base))
        raise _no_notification(call)

    async def delete_notification(self, call: Call) -> web.Response:
        bucket, id_ = self._checked(call), call.args["id"]
        if not id_.isdecimal() or not self._store.index.delete_notification(bucket.name, int(id_)):
            raise _no_notification(call)
        return web.Response(status=204)

    def _checked(self, call: Call, *, reading: bool = False) -> Bucket:
        bucket = self._store.bucket(call.args["bucket"])
        Conditions.of(call.query).check(0, bucket.metageneration, reading=reading)
        return bucket

    def _changed(self, bucket: Bucket, fields: Fields, call: Call) -> web.Response:
        number, now = bucket.metageneration + 1, self._store.now()
        changed = replace(bucket, metageneration=number, updated=now, fields=fields)
        self._store.put_bucket(changed)
        return json_response(bucket_resource(changed, call.base))


def _settable(body: Fields) -> Fields:
    return {name: value for name, value in body.items() if name not in BUCKET_READ_ONLY}


def _no_notification(call: Call) -> ApiError:
    return ApiError(404, f"Notification {call.args['id']} not found", "notFound")
