"""Pub/Sub v1, gRPC and REST: durable topics and subscriptions, pull and push, with faults on request."""

from __future__ import annotations

from services.localcloud.component import Component, Context
from services.localcloud.pubsub.component import PubSub


def create(context: Context) -> Component:
    """The part; ``context.publish`` works once it is started."""
    return PubSub(context)
