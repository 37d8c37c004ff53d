"""Seeking a subscription to a time: what was published before is acknowledged, what came after is not.

Replay needs messages that are still stored: a topic's ``message_retention_duration`` keeps them for all its
subscriptions, a subscription's ``retain_acked_messages`` for itself, from its creation on.
"""

from __future__ import annotations

from services.localcloud.pubsub.broker import Broker
from services.localcloud.pubsub.deliveries import Message
from services.localcloud.pubsub.subscription import Subscription
from services.localcloud.pubsub.wire import duration_ns


def to_time(broker: Broker, subscription: Subscription, target_ns: int) -> None:
    """Purge up to ``target_ns`` (since the epoch), and make pending again what is stored from then on."""
    broker.store.flush()
    subscription.purge(lambda delivery: delivery.message.publish_ns < target_ns)
    pending = {d.message.id: d for d in subscription.backlog}
    fresh = [m for m in _stored(broker, subscription, target_ns) if m.id not in pending]
    broker.store.redeliver(subscription.number, [message.id for message in fresh])
    subscription.backlog.clear(lambda _: True)  # to be added again in the order of their ids
    again = [(d.message, d.attempts) for d in pending.values()]
    for found in fresh:
        message = _live(broker, found)
        message.pending += 1
        again.append((message, 0))
    for message, attempts in sorted(again, key=lambda pair: pair[0].id):
        subscription.offer(message, attempts)


def _live(broker: Broker, stored: Message) -> Message:
    """The object that the topic's other subscriptions share for this message, if it is pending there."""
    for subscription in broker.topics[stored.topic].subscriptions:
        delivery = subscription.backlog.find(stored.id)
        if delivery is not None:
            return delivery.message
    return stored


def _stored(broker: Broker, subscription: Subscription, target_ns: int) -> list[Message]:
    topic = broker.topics.get(subscription.topic)
    if topic is None or subscription.config.detached:
        return []
    keeps_all = duration_ns(topic.config.message_retention_duration) > 0
    if not keeps_all and not subscription.config.retain_acked_messages:
        return []
    first = 0 if keeps_all else subscription.first_message
    stored = broker.store.retained(topic.name, target_ns, first)
    return [message for message in stored if subscription.wants(message)]
