"""What can never be handled goes to its topic's dead letters, with the reason, and is acknowledged.

Pub/Sub moves a message there by itself after too many attempts, but cannot say why.
"""

from __future__ import annotations

from fitsense.cloud import Cloud
from fitsense.errors import Permanent
from services.conductor.messages import Message

MAX_REASON = 1000
"""Pub/Sub allows 1,024 bytes an attribute."""


def bury(cloud: Cloud, topic: str, message: Message, error: Permanent) -> None:
    """Publish ``message`` to ``topic`` as it came; returns once Pub/Sub has it, else raises."""
    attributes = message.attributes | {
        "fitsense_error": type(error).__name__,
        "fitsense_reason": error.message.encode()[:MAX_REASON].decode(errors="ignore"),
        "fitsense_hint": error.hint.encode()[:MAX_REASON].decode(errors="ignore"),
        "fitsense_topic": message.topic,
        "fitsense_message_id": message.id,
    }
    cloud.publisher.publish(cloud.topic(topic), message.data or b"{}", **attributes).result(timeout=30)
