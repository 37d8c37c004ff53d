"""Messages as they arrive: Pub/Sub's push envelope, made a CloudEvent by functions-framework."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fitsense.config import Training
from fitsense.errors import BadMessage
from fitsense.events import TrainingRequested, decode, parse_json

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@dataclass(frozen=True)
class Message:
    """A Pub/Sub message with the short name of the topic that it came from."""

    topic: str
    id: str
    data: bytes
    attributes: dict[str, str]

    @classmethod
    def from_event(cls, event: CloudEvent) -> Message:
        """Raises BadMessage for an event that Pub/Sub did not send."""
        body = event.data.get("message") if isinstance(event.data, dict) else None
        if not isinstance(body, dict) or "/topics/" not in event["source"]:
            raise BadMessage(f"not a Pub/Sub message: {event['source']}")
        try:
            data = base64.b64decode(body.get("data") or "", validate=True)
        except binascii.Error as error:
            raise BadMessage(f"data is not base64: {error}") from error
        topic = event["source"].rsplit("/topics/", 1)[1]
        return cls(topic, str(body.get("messageId", "")), data, dict(body.get("attributes") or {}))


@dataclass(frozen=True)
class ArtifactWritten:
    """An object of the bucket was finalized."""

    bucket: str
    name: str
    generation: int


def parse_notification(message: Message) -> ArtifactWritten | None:
    """A Storage notification, None for kinds that do not matter here. Raises BadMessage."""
    attributes = message.attributes
    if missing := [k for k in ("eventType", "bucketId", "objectId") if not attributes.get(k)]:
        raise BadMessage(
            f"not a Storage notification: attributes {missing} are missing",
            hint="topic `artifacts` is for the bucket's notifications alone",
        )
    if attributes["eventType"] != "OBJECT_FINALIZE":
        return None
    generation = attributes.get("objectGeneration", "0")
    if not generation.isdigit():
        raise BadMessage(f"objectGeneration is {generation!r}, not a number")
    return ArtifactWritten(attributes["bucketId"], attributes["objectId"], int(generation))


def parse_training(message: Message) -> TrainingRequested:
    """A CloudEvent, or the bare JSON that a person publishes. Raises BadMessage with the right form."""
    hint = '{"run_id": "coaching-small-…", "training": {"epochs": 2}}'
    value = parse_json(message.data, "a training request")
    if "specversion" in value:
        event = decode(message.data)
        if not isinstance(event, TrainingRequested):
            raise BadMessage(f"{event.type} is not a training request")
        return event
    unknown = sorted(set(value) - {"run_id", "training"})
    if unknown or not isinstance(value.get("run_id"), str):
        raise BadMessage(f"unknown keys {unknown}" if unknown else "run_id is missing", hint=hint)
    overrides = value.get("training", {})
    _check_overrides(overrides, hint)
    return TrainingRequested(run_id=value["run_id"], overrides=overrides)


def _check_overrides(overrides: Any, hint: str) -> None:
    if not isinstance(overrides, dict):
        raise BadMessage("training must be a mapping of overrides", hint=hint)
    if unknown := sorted(set(overrides) - set(Training.model_fields)):
        raise BadMessage(
            f"unknown training keys {unknown}; known: {sorted(Training.model_fields)}", hint=hint
        )
