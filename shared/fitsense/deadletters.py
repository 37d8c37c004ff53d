"""Dead letters: what could not be handled, why, and sending it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fitsense.cloud import Cloud
from fitsense.errors import Misconfigured
from fitsense.pipeline import load_pipelines

BATCH = 100
OURS = "fitsense_"
GOOGLES = "CloudPubSubDeadLetterSource"


@dataclass(frozen=True)
class Letter:
    """One message. ``reason`` is the conductor's, or Pub/Sub's count of deliveries."""

    id: str
    published: str
    reason: str
    hint: str
    data: str
    attributes: dict[str, str]


def list_letters(cloud: Cloud, topic: str) -> list[Letter]:
    """The dead letters of ``topic``, oldest first; they stay where they are."""
    with _pulled(cloud, topic) as messages:
        return [_letter(received.message) for received in messages]


def replay_letters(cloud: Cloud, topic: str) -> int:
    """Publish each letter to ``topic`` again, then take it out; how many.

    A fault in between leaves the letter where it was: sent twice at worst, never lost.
    """
    subscription = _subscription(cloud, topic)
    count = 0
    while messages := _pull(cloud, subscription):
        for received in messages:
            attributes = {
                k: v for k, v in received.message.attributes.items() if not k.startswith((OURS, GOOGLES))
            }
            future = cloud.publisher.publish(cloud.topic(topic), received.message.data, **attributes)
            future.result(timeout=30)
            cloud.subscriber.acknowledge(subscription=subscription, ack_ids=[received.ack_id])
            count += 1
    return count


def _subscription(cloud: Cloud, topic: str) -> str:
    topics = load_pipelines(cloud.settings.schema_dir).topics
    letters = topics[topic].dead_letter if topic in topics else None
    if letters is None:
        known = ", ".join(name for name, spec in topics.items() if spec.dead_letter)
        raise Misconfigured(f"topic {topic!r} has no dead letters", hint=f"topics that have: {known}")
    return cloud.subscription(letters)


def _pull(cloud: Cloud, subscription: str) -> list[Any]:
    from google.api_core.exceptions import DeadlineExceeded

    request = {"subscription": subscription, "max_messages": BATCH, "return_immediately": True}
    try:
        return list(cloud.subscriber.pull(request=request, timeout=10).received_messages)
    except DeadlineExceeded:
        return []


@contextmanager
def _pulled(cloud: Cloud, topic: str) -> Iterator[list[Any]]:
    """All letters there are, given back at the end."""
    subscription = _subscription(cloud, topic)
    messages: list[Any] = []
    try:
        while batch := _pull(cloud, subscription):
            messages += batch
        yield sorted(messages, key=lambda received: received.message.publish_time)
    finally:
        for start in range(0, len(messages), BATCH):
            ids = [received.ack_id for received in messages[start : start + BATCH]]
            cloud.subscriber.modify_ack_deadline(
                request={"subscription": subscription, "ack_ids": ids, "ack_deadline_seconds": 0}
            )


def _letter(message: Any) -> Letter:
    attributes = dict(message.attributes)
    deliveries = attributes.get(f"{GOOGLES}DeliveryCount")
    reason = attributes.get(f"{OURS}reason") or f"not handled after {deliveries} deliveries; see the logs"
    return Letter(
        id=message.message_id,
        published=message.publish_time.isoformat(),
        reason=reason,
        hint=attributes.get(f"{OURS}hint", ""),
        data=message.data.decode(errors="replace"),
        attributes={k: v for k, v in attributes.items() if not k.startswith((OURS, GOOGLES))},
    )
