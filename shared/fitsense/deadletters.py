"""Dead letters: what could not be handled, why, and sending it again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fitsense.cloud import Cloud
from fitsense.errors import Misconfigured
from fitsense.pipeline import load_pipelines

BATCH = 100
PULL_TIMEOUT_S = 1.5
RETRY_S = 5.0
EMPTY_PULLS = 2
"""Pub/Sub may answer with nothing although there is something; twice in a row it is believed."""
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
    with _leased(cloud, _subscription(cloud, topic)) as (batches, _):
        messages = [received.message for batch in batches for received in batch]
        return [_letter(message) for message in sorted(messages, key=lambda message: message.publish_time)]


def replay_letters(cloud: Cloud, topic: str) -> int:
    """Publish each letter that there is now to ``topic`` again, then take it out; how many.

    One that is buried anew meanwhile stays: it would come round for ever. A fault in between leaves the
    letter where it was: sent twice at worst, never lost.
    """
    begun, count = dt.datetime.now(dt.UTC), 0
    subscription = _subscription(cloud, topic)
    with _leased(cloud, subscription) as (batches, held):
        for batch in batches:
            due = [received for received in batch if received.message.publish_time < begun]
            for future in [_publish(cloud, topic, received.message) for received in due]:
                future.result(timeout=30)
            if due:
                ids = [received.ack_id for received in due]
                cloud.subscriber.acknowledge(subscription=subscription, ack_ids=ids)
                held.update((received.message.message_id, "") for received in due)
            count += len(due)
    return count


def _publish(cloud: Cloud, topic: str, message: Any) -> Any:
    attributes = {k: v for k, v in message.attributes.items() if not k.startswith((OURS, GOOGLES))}
    return cloud.publisher.publish(cloud.topic(topic), message.data, **attributes)


def _subscription(cloud: Cloud, topic: str) -> str:
    topics = load_pipelines(cloud.settings.schema_dir).topics
    letters = topics[topic].dead_letter if topic in topics else None
    if letters is None:
        known = ", ".join(name for name, spec in topics.items() if spec.dead_letter)
        raise Misconfigured(f"topic {topic!r} has no dead letters", hint=f"topics that have: {known}")
    return cloud.subscription(letters)


def _pull(cloud: Cloud, subscription: str) -> list[Any]:
    from google.api_core.exceptions import DeadlineExceeded
    from google.api_core.retry import Retry

    request = {"subscription": subscription, "max_messages": BATCH}
    retry = Retry(timeout=RETRY_S)  # Google's own goes on for a minute
    try:
        pulled = cloud.subscriber.pull(request=request, timeout=PULL_TIMEOUT_S, retry=retry)
        return list(pulled.received_messages)
    except DeadlineExceeded:
        return []


@contextmanager
def _leased(cloud: Cloud, subscription: str) -> Iterator[tuple[Iterator[list[Any]], dict[str, str]]]:
    """Batches of all letters there are, each once, and their message id → ack id, empty once acknowledged.

    What was not is given back at the end.
    """
    held: dict[str, str] = {}
    try:
        yield _batches(cloud, subscription, held), held
    finally:
        acks = [ack_id for ack_id in held.values() if ack_id]
        for start in range(0, len(acks), BATCH):
            ids = acks[start : start + BATCH]
            cloud.subscriber.modify_ack_deadline(
                request={"subscription": subscription, "ack_ids": ids, "ack_deadline_seconds": 0}
            )


def _batches(cloud: Cloud, subscription: str, held: dict[str, str]) -> Iterator[list[Any]]:
    """Fills ``held``. A letter that comes again ends it: its lease has run out."""
    empty = 0
    while empty < EMPTY_PULLS:
        batch = _pull(cloud, subscription)
        empty = 0 if batch else empty + 1
        fresh = [received for received in batch if received.message.message_id not in held]
        held |= {received.message.message_id: received.ack_id for received in batch}
        if fresh:
            yield fresh
        if len(fresh) < len(batch):
            return


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
