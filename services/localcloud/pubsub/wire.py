"""The protobuf classes behind Google's generated Pub/Sub types, and the few conversions they need.

The raw classes (not their proto-plus wrappers) are what is parsed, stored and sent: several times faster.
They are made at run time from descriptors, hence ``Any``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import duration_pb2, empty_pb2
from google.pubsub_v1.types import pubsub as types

Empty: Any = empty_pb2.Empty
Duration: Any = duration_pb2.Duration


def message_class(name: str) -> Any:
    """The raw protobuf class of ``google.pubsub.v1.<name>``."""
    return getattr(types, name).pb()


TopicConfig = message_class("Topic")
SubscriptionConfig = message_class("Subscription")
PubsubMessage = message_class("PubsubMessage")
ReceivedMessage = message_class("ReceivedMessage")
PullResponse = message_class("PullResponse")
PublishResponse = message_class("PublishResponse")
StreamingPullRequest = message_class("StreamingPullRequest")
StreamingPullResponse = message_class("StreamingPullResponse")

NANOS = 1_000_000_000


def duration_ns(value: Any) -> int:
    """A ``google.protobuf.Duration`` in nanoseconds."""
    return int(value.seconds) * NANOS + int(value.nanos)


def timestamp_ns(value: Any) -> int:
    """A ``google.protobuf.Timestamp`` in nanoseconds since the epoch."""
    return int(value.seconds) * NANOS + int(value.nanos)


def new_message(data: bytes, attributes: Mapping[str, str], ordering_key: str = "") -> Any:
    """A PubsubMessage without id and time, as a publisher sends it."""
    return PubsubMessage(data=data, attributes=dict(attributes), ordering_key=ordering_key)
