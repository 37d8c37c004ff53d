"""Pub/Sub notifications of changes to objects, as Cloud Storage sends them. Pure.

https://cloud.google.com/storage/docs/pubsub-notifications
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson

from services.localcloud.http import ApiError
from services.localcloud.storage.records import Fields, Message, Notification, StoredObject
from services.localcloud.storage.resources import object_resource, timestamp

EVENT_TYPES = ("OBJECT_FINALIZE", "OBJECT_METADATA_UPDATE", "OBJECT_DELETE", "OBJECT_ARCHIVE")
MAX_CONFIGS, MAX_CONFIGS_OF_AN_EVENT = 100, 10
_TOPIC = re.compile(r"(?://pubsub\.googleapis\.com/)?(projects/[^/]+/topics/[^/]+)")


@dataclass(frozen=True)
class Event:
    """What happened to an object, at ``time`` (microseconds). ``extra``: attributes beyond the usual."""

    type: str
    stored: StoredObject
    time: int
    extra: dict[str, str] = field(default_factory=dict)


def landed(stored: StoredObject, overwritten: StoredObject | None) -> list[Event]:
    """A new object; what it replaced is gone for good, since buckets here keep no versions."""
    time = stored.created
    if overwritten is None:
        return [Event("OBJECT_FINALIZE", stored, time)]
    return [
        Event("OBJECT_FINALIZE", stored, time, {"overwroteGeneration": str(overwritten.generation)}),
        Event("OBJECT_DELETE", overwritten, time, {"overwrittenByGeneration": str(stored.generation)}),
    ]


def config_of(body: Fields) -> Fields:
    """A notification config as it is kept: defaults filled in, topic in full; 400 if it is none."""
    match = _TOPIC.fullmatch(str(body.get("topic", "")))
    if match is None:
        raise ApiError(400, f"Invalid Google Cloud Pub/Sub topic: '{body.get('topic')}'", "invalid")
    unknown = [event for event in body.get("event_types", []) if event not in EVENT_TYPES]
    payload_format = body.get("payload_format", "JSON_API_V1")
    if unknown or payload_format not in ("JSON_API_V1", "NONE"):
        raise ApiError(400, f"Invalid notification: {unknown or payload_format}", "invalid")
    kept = ("event_types", "custom_attributes", "object_name_prefix")
    chosen = {name: body[name] for name in kept if body.get(name)}
    return chosen | {"topic": f"//pubsub.googleapis.com/{match[1]}", "payload_format": payload_format}


def check_room(there: Iterable[Fields], new: Fields) -> None:
    """400 if a bucket with the configs ``there`` may not have ``new`` too. Prefixes make no difference:
    https://cloud.google.com/storage/docs/pubsub-notifications#notification-configurations"""
    there = list(there)
    if len(there) >= MAX_CONFIGS:
        raise ApiError(400, f"Too many notifications. The maximum is {MAX_CONFIGS}.", "invalid")
    for event in new.get("event_types", EVENT_TYPES):
        alike = sum(event in config.get("event_types", EVENT_TYPES) for config in there)
        if alike >= MAX_CONFIGS_OF_AN_EVENT:
            message = f"Too many overlapping notifications. The maximum is {MAX_CONFIGS_OF_AN_EVENT}."
            raise ApiError(400, message, "invalid")


def messages(configs: Iterable[Notification], events: Iterable[Event], base: str) -> list[Message]:
    """The messages that ``events`` cause, in order."""
    configs = list(configs)
    return [
        _message(config, event, base)
        for event in events
        for config in configs
        if _concerns(config.config, event)
    ]


def _concerns(config: Fields, event: Event) -> bool:
    prefix = config.get("object_name_prefix", "")
    return event.type in config.get("event_types", EVENT_TYPES) and event.stored.name.startswith(prefix)


def _message(notification: Notification, event: Event, base: str) -> Message:
    config, stored = notification.config, event.stored
    attributes = {
        "notificationConfig": f"projects/_/buckets/{stored.bucket}/notificationConfigs/{notification.id}",
        "eventType": event.type,
        "payloadFormat": config["payload_format"],
        "bucketId": stored.bucket,
        "objectId": stored.name,
        "objectGeneration": str(stored.generation),
        "eventTime": timestamp(event.time),
    }
    topic = config["topic"].removeprefix("//pubsub.googleapis.com/")
    with_payload = config["payload_format"] == "JSON_API_V1"
    data = orjson.dumps(object_resource(stored, base)) if with_payload else b""
    return Message(topic, data, config.get("custom_attributes", {}) | attributes | event.extra)
