"""What becomes of a message whose deliveries failed too often.

https://cloud.google.com/pubsub/docs/handling-failures#dead_letter_topic
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from services.localcloud.pubsub import names
from services.localcloud.pubsub.deliveries import Delivery
from services.localcloud.pubsub.subscription import Subscription
from services.localcloud.pubsub.wire import PubsubMessage

log = structlog.get_logger(__name__)

_PREFIX = "CloudPubSubDeadLetterSource"
_RETRY_S = 1.0


def wrap(delivery: Delivery, source: Subscription) -> Any:
    """The message for the dead-letter topic: the original, and attributes that say where it comes from."""
    wire = delivery.message.wire
    name = names.parse(source.name, "subscriptions")
    wrapped = PubsubMessage(data=wire.data, attributes=wire.attributes, ordering_key=wire.ordering_key)
    wrapped.attributes[_PREFIX + "DeliveryCount"] = str(delivery.attempts)
    wrapped.attributes[_PREFIX + "Subscription"] = name.id
    wrapped.attributes[_PREFIX + "SubscriptionProject"] = name.project
    wrapped.attributes[_PREFIX + "TopicPublishTime"] = wire.publish_time.ToJsonString()
    return wrapped


def keep_trying(source: Subscription, delivery: Delivery) -> None:
    """The dead-letter topic is gone, so the message stays, and is delivered on."""
    log.warning("pubsub.dead_letter_topic_missing", subscription=source.name, message=delivery.message.id)
    wait = max(source.backlog.policy.backoff(delivery.attempts), _RETRY_S)
    source.backlog.revive(delivery, asyncio.get_running_loop().time() + wait)
