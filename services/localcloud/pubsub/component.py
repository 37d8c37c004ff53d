"""Pub/Sub as a part of the local cloud."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from services.localcloud.component import Context
from services.localcloud.http import json_response
from services.localcloud.pubsub import grpc_server, rest
from services.localcloud.pubsub.broker import Broker
from services.localcloud.pubsub.methods import Call, implement
from services.localcloud.pubsub.oidc import CERTS_MAX_AGE_S, CERTS_PATH, SigningKey
from services.localcloud.pubsub.publisher import Publisher
from services.localcloud.pubsub.push import Pushers
from services.localcloud.pubsub.retention import Retention
from services.localcloud.pubsub.store import Store
from services.localcloud.pubsub.subscriber import Subscriber
from services.localcloud.pubsub.subscription import Subscription
from services.localcloud.pubsub.wire import new_message


class PubSub:
    """Pub/Sub v1 over gRPC (``grpc_path``) and REST (``routes``). Sets ``context.publish``.

    Settings, under ``pubsub``: ``min_ack_deadline_seconds`` (10, as Google's; tests of lost deliveries may
    want less).
    """

    def __init__(self, context: Context) -> None:
        self._folder = context.state / "pubsub"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._faults = context.faults
        self._min_ack_deadline_s = int(context.settings.get("pubsub", {}).get("min_ack_deadline_seconds", 10))
        self.grpc_path: Path = grpc_server.socket_path(self._folder)
        self._key = SigningKey.at(self._folder / "oidc.pem")
        self._broker: Broker | None = None
        self._pushers: Pushers | None = None
        self._retention: Retention | None = None
        self._server: Any = None
        self._calls: dict[str, Call] = {}
        context.publish = self.publish

    async def publish(self, topic: str, data: bytes, attributes: dict[str, str]) -> None:
        """Publish from within the local cloud; returns once the message is safe. ApiError 400, 404."""
        await self._running().publish(topic, [new_message(data, attributes)])

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [web.get(CERTS_PATH, self._certificates), *rest.routes(self._calls)]

    async def _certificates(self, _: web.Request) -> web.Response:
        """What the identity tokens of pushes are checked with: ``{key id: PEM}``."""
        headers = {"Cache-Control": f"public, max-age={CERTS_MAX_AGE_S}"}
        return json_response({self._key.id: self._key.certificate}, headers=headers)

    async def start(self) -> None:
        broker = self._broker = Broker(Store(self._folder), self._faults)
        pushers = self._pushers = Pushers(self._key)
        retention = self._retention = Retention(broker)

        def follow(subscription: Subscription | None) -> None:
            if subscription is not None:
                pushers.follow(subscription)
            retention.changed()

        broker.on_change = follow
        broker.recover()
        retention.start()
        self._calls = implement(Publisher(broker), Subscriber(broker, self._min_ack_deadline_s))
        self._server = grpc_server.new_server(self.grpc_path, broker, self._calls)
        await self._server.start()

    async def stop(self) -> None:
        if self._broker is None or self._pushers is None or self._retention is None:
            return
        await self._server.stop(None)
        self._retention.stop()
        await self._pushers.close()
        self._broker.close()
        self.grpc_path.unlink(missing_ok=True)
        if self.grpc_path.parent != self._folder:
            await asyncio.to_thread(self.grpc_path.parent.rmdir)

    def _running(self) -> Broker:
        if self._broker is None:
            raise RuntimeError("Pub/Sub has not been started")
        return self._broker
