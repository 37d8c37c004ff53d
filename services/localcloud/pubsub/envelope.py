"""The JSON that push sends: https://cloud.google.com/pubsub/docs/push#receive_push"""

from __future__ import annotations

import base64
from typing import Any

import orjson

from services.localcloud.pubsub.deliveries import Message

ACKNOWLEDGED = frozenset({102, 200, 201, 202, 204})
"""The statuses that Google counts as an acknowledgement."""


def envelope(subscription: str, message: Message, delivery_attempt: int = 0) -> bytes:
    """The request's body. ``delivery_attempt`` 0 leaves it out (no dead-letter policy)."""
    wire = message.wire
    published = wire.publish_time.ToJsonString()
    inner: dict[str, Any] = {
        "attributes": dict(wire.attributes),
        "data": base64.b64encode(wire.data).decode(),
        "messageId": wire.message_id,
        "message_id": wire.message_id,
        "publishTime": published,
        "publish_time": published,
    }
    if wire.ordering_key:
        inner["orderingKey"] = wire.ordering_key
    outer: dict[str, Any] = {"message": inner, "subscription": subscription}
    if delivery_attempt:
        outer["deliveryAttempt"] = delivery_attempt
    return orjson.dumps(outer)
