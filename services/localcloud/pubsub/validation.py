"""What Google would refuse, and the defaults it fills in: pure checks of configurations and messages.

https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions
https://cloud.google.com/pubsub/quotas#resource_limits
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from services.localcloud.http import ApiError
from services.localcloud.pubsub import names
from services.localcloud.pubsub.filters import FilterError, compile_filter
from services.localcloud.pubsub.wire import NANOS, duration_ns

MAX_ACK_DEADLINE_S = 600
_MAX_MESSAGES = 1000
_MAX_BYTES = 10_000_000
_MAX_ATTRIBUTES = 100
_MINUTE, _DAY = 60, 86400
_RETENTION_S = (10 * _MINUTE, 31 * _DAY)
_DEFAULT_RETENTION_S = 7 * _DAY
_BACKOFF_S = (10, 600)

TOPIC_FIELDS = {"labels", "message_retention_duration", "message_storage_policy", "kms_key_name"}
SUBSCRIPTION_FIELDS = {
    "push_config",
    "ack_deadline_seconds",
    "retain_acked_messages",
    "message_retention_duration",
    "labels",
    "expiration_policy",
    "dead_letter_policy",
    "retry_policy",
}
_UNOFFERED_TOPIC = ("schema_settings", "ingestion_data_source_settings", "message_transforms")
_UNOFFERED_SUBSCRIPTION = (
    "bigquery_config",
    "cloud_storage_config",
    "bigtable_config",
    "message_transforms",
    "enable_exactly_once_delivery",
)


def check_messages(wires: Sequence[Any]) -> None:
    """ApiError 400 for a batch that Google would not take."""
    if not wires:
        raise ApiError(400, "No messages to publish.")
    if len(wires) > _MAX_MESSAGES:
        raise ApiError(400, f"The request has {len(wires)} messages; the most is {_MAX_MESSAGES}.")
    for wire in wires:
        _check_message(wire)
    if sum(wire.ByteSize() for wire in wires) > _MAX_BYTES + 1024 * len(wires):
        raise ApiError(400, f"The request is larger than {_MAX_BYTES} bytes.")


def _check_message(wire: Any) -> None:
    if not wire.data and not wire.attributes:
        raise ApiError(400, "Some messages are empty: a message needs data or at least one attribute.")
    if len(wire.data) > _MAX_BYTES:
        raise ApiError(400, f"A message's data is larger than {_MAX_BYTES} bytes.")
    if len(wire.attributes) > _MAX_ATTRIBUTES:
        raise ApiError(400, f"A message has more than {_MAX_ATTRIBUTES} attributes.")
    if len(wire.ordering_key) > 1024:
        raise ApiError(400, "An ordering key is longer than 1024 bytes.")
    for key, value in wire.attributes.items():
        if (
            not key
            or len(key.encode()) > 256
            or (key.startswith("goog") and not key.startswith("googclient_"))
        ):
            raise ApiError(400, f"Invalid attribute key: {key[:300]!r}")
        if len(value.encode()) > 1024:
            raise ApiError(400, f"The value of attribute {key!r} is longer than 1024 bytes.")


def complete_topic(config: Any) -> None:
    """Check a topic's configuration in place."""
    _refuse(config, _UNOFFERED_TOPIC)
    if config.HasField("message_retention_duration"):
        _within("message_retention_duration", config.message_retention_duration, *_RETENTION_S)
    config.state = type(config).ACTIVE


def complete_subscription(config: Any, min_ack_deadline_s: int) -> None:
    """Check a subscription's configuration, and fill in Google's defaults, in place."""
    _refuse(config, _UNOFFERED_SUBSCRIPTION)
    _complete_delivery(config, min_ack_deadline_s)
    _complete_retention(config)
    _complete_push(config.push_config)
    config.push_config.SetInParent()
    if config.HasField("dead_letter_policy"):
        _complete_dead_letters(config.dead_letter_policy)
    if config.HasField("retry_policy"):
        _complete_retry(config.retry_policy)
    config.state = type(config).ACTIVE


def check_ack_deadline(seconds: int, least: int = 0) -> None:
    """ApiError 400 outside ``least`` to 600 s."""
    if not least <= seconds <= MAX_ACK_DEADLINE_S:
        message = f"Invalid ack deadline given: {seconds}; it must be {least} to {MAX_ACK_DEADLINE_S} s."
        raise ApiError(400, message)


def check_mask(paths: Sequence[str], known: set[str], descriptor: Any) -> None:
    """ApiError 400 for an update mask that is empty, names an unknown field, or one that cannot change."""
    if not paths:
        raise ApiError(400, "The update_mask must be set, and must contain a non-empty paths list.")
    for path in paths:
        root = path.partition(".")[0]
        if root not in descriptor.fields_by_name:
            raise ApiError(400, f"Invalid update_mask: {path} is not a known field of {descriptor.name}.")
        if root not in known:
            raise ApiError(400, f"Invalid update_mask: {path} cannot be updated.")


def _refuse(config: Any, unoffered: Sequence[str]) -> None:
    for descriptor, _ in config.ListFields():
        if descriptor.name in unoffered:
            raise ApiError(501, f"{descriptor.name} is not offered by the local cloud.")


def _complete_delivery(config: Any, min_ack_deadline_s: int) -> None:
    config.ack_deadline_seconds = config.ack_deadline_seconds or 10
    check_ack_deadline(config.ack_deadline_seconds, min_ack_deadline_s)
    try:
        compile_filter(config.filter)
    except FilterError as error:
        raise ApiError(400, f"Invalid filter: {error}") from error


def _complete_retention(config: Any) -> None:
    if config.HasField("message_retention_duration"):
        _within("message_retention_duration", config.message_retention_duration, *_RETENTION_S)
    else:
        config.message_retention_duration.seconds = _DEFAULT_RETENTION_S
    if not config.HasField("expiration_policy"):
        config.expiration_policy.ttl.seconds = _RETENTION_S[1]


def _complete_push(push: Any) -> None:
    if push.HasField("no_wrapper"):
        raise ApiError(501, "push_config.no_wrapper is not offered by the local cloud.")
    if not push.push_endpoint:
        return
    url = urlsplit(push.push_endpoint)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ApiError(400, f"Invalid push endpoint given (endpoint={push.push_endpoint}).")
    if push.HasField("oidc_token") and not push.oidc_token.service_account_email:
        raise ApiError(400, "push_config.oidc_token needs a service_account_email.")


def _complete_dead_letters(policy: Any) -> None:
    names.parse(policy.dead_letter_topic, "topics")
    policy.max_delivery_attempts = policy.max_delivery_attempts or 5
    if not 5 <= policy.max_delivery_attempts <= 100:
        passed = policy.max_delivery_attempts
        message = f"max_delivery_attempts must be between 5 and 100. You passed {passed} in the request."
        raise ApiError(400, message, status="OUT_OF_RANGE")


def _complete_retry(policy: Any) -> None:
    for name, default in zip(("minimum_backoff", "maximum_backoff"), _BACKOFF_S, strict=True):
        if policy.HasField(name):
            _within(name, getattr(policy, name), 0, _BACKOFF_S[1])
        else:
            getattr(policy, name).seconds = default
    if duration_ns(policy.minimum_backoff) > duration_ns(policy.maximum_backoff):
        raise ApiError(400, "minimum_backoff must not be larger than maximum_backoff.")


def _within(name: str, value: Any, least: int, most: int) -> None:
    if not least * NANOS <= duration_ns(value) <= most * NANOS:
        passed = duration_ns(value) / NANOS
        message = f"{name} is out of bounds: you passed {passed:g}s, it must be between {least}s and {most}s."
        raise ApiError(400, message)
