"""The methods of the API, once for gRPC and REST: name, request type, and where REST has them.

https://cloud.google.com/pubsub/docs/reference/rest
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from services.localcloud.pubsub.publisher import Publisher
from services.localcloud.pubsub.subscriber import Subscriber
from services.localcloud.pubsub.wire import message_class

Call = Callable[..., Awaitable[Any]]

_PROJECT = "/v1/projects/{project:[^/:]+}"
_TOPIC = "/v1/projects/{project:[^/:]+}/topics/{id:[^/:]+}"
_SUBSCRIPTION = "/v1/projects/{project:[^/:]+}/subscriptions/{id:[^/:]+}"
_SNAPSHOT = "/v1/projects/{project:[^/:]+}/snapshots/{id:[^/:]+}"


@dataclass(frozen=True, slots=True)
class Method:
    """``call`` names a method of Publisher or Subscriber.

    REST: the path gives the resource's name, which goes into the request's ``target`` field; what else the
    request needs comes as query parameters (GET, DELETE) or as the JSON body.
    """

    name: str
    request: Any
    call: str
    verb: str
    path: str
    target: str

    @property
    def collection(self) -> str:
        """Which kind of resource the path names; empty for a project."""
        return next(
            (kind for kind in ("topics", "subscriptions", "snapshots") if kind + "/{id" in self.path), ""
        )


def _method(name: str, request: str, call: str, verb: str, path: str, target: str) -> Method:
    return Method(name, message_class(request), call, verb, path, target)


PUBLISHER = (
    _method("CreateTopic", "Topic", "create_topic", "PUT", _TOPIC, "name"),
    _method("UpdateTopic", "UpdateTopicRequest", "update_topic", "PATCH", _TOPIC, "topic.name"),
    _method("Publish", "PublishRequest", "publish", "POST", _TOPIC + ":publish", "topic"),
    _method("GetTopic", "GetTopicRequest", "get_topic", "GET", _TOPIC, "topic"),
    _method("ListTopics", "ListTopicsRequest", "list_topics", "GET", _PROJECT + "/topics", "project"),
    _method(
        "ListTopicSubscriptions",
        "ListTopicSubscriptionsRequest",
        "list_topic_subscriptions",
        "GET",
        _TOPIC + "/subscriptions",
        "topic",
    ),
    _method(
        "ListTopicSnapshots",
        "ListTopicSnapshotsRequest",
        "list_topic_snapshots",
        "GET",
        _TOPIC + "/snapshots",
        "topic",
    ),
    _method("DeleteTopic", "DeleteTopicRequest", "delete_topic", "DELETE", _TOPIC, "topic"),
    _method(
        "DetachSubscription",
        "DetachSubscriptionRequest",
        "detach_subscription",
        "POST",
        _SUBSCRIPTION + ":detach",
        "subscription",
    ),
)

SUBSCRIBER = (
    _method("CreateSubscription", "Subscription", "create_subscription", "PUT", _SUBSCRIPTION, "name"),
    _method(
        "GetSubscription", "GetSubscriptionRequest", "get_subscription", "GET", _SUBSCRIPTION, "subscription"
    ),
    _method(
        "UpdateSubscription",
        "UpdateSubscriptionRequest",
        "update_subscription",
        "PATCH",
        _SUBSCRIPTION,
        "subscription.name",
    ),
    _method(
        "ListSubscriptions",
        "ListSubscriptionsRequest",
        "list_subscriptions",
        "GET",
        _PROJECT + "/subscriptions",
        "project",
    ),
    _method(
        "DeleteSubscription",
        "DeleteSubscriptionRequest",
        "delete_subscription",
        "DELETE",
        _SUBSCRIPTION,
        "subscription",
    ),
    _method(
        "ModifyAckDeadline",
        "ModifyAckDeadlineRequest",
        "modify_ack_deadline",
        "POST",
        _SUBSCRIPTION + ":modifyAckDeadline",
        "subscription",
    ),
    _method(
        "Acknowledge",
        "AcknowledgeRequest",
        "acknowledge",
        "POST",
        _SUBSCRIPTION + ":acknowledge",
        "subscription",
    ),
    _method("Pull", "PullRequest", "pull", "POST", _SUBSCRIPTION + ":pull", "subscription"),
    _method(
        "ModifyPushConfig",
        "ModifyPushConfigRequest",
        "modify_push_config",
        "POST",
        _SUBSCRIPTION + ":modifyPushConfig",
        "subscription",
    ),
    _method("Seek", "SeekRequest", "seek", "POST", _SUBSCRIPTION + ":seek", "subscription"),
    _method(
        "ListSnapshots", "ListSnapshotsRequest", "list_snapshots", "GET", _PROJECT + "/snapshots", "project"
    ),
    _method("CreateSnapshot", "CreateSnapshotRequest", "no_snapshots", "PUT", _SNAPSHOT, "name"),
    _method("GetSnapshot", "GetSnapshotRequest", "no_snapshots", "GET", _SNAPSHOT, "snapshot"),
    _method("UpdateSnapshot", "UpdateSnapshotRequest", "no_snapshots", "PATCH", _SNAPSHOT, "snapshot.name"),
    _method("DeleteSnapshot", "DeleteSnapshotRequest", "no_snapshots", "DELETE", _SNAPSHOT, "snapshot"),
)


def implement(publisher: Publisher, subscriber: Subscriber) -> dict[str, Call]:
    """``Method.call`` → the coroutine function that does it."""
    calls: dict[str, Call] = {}
    for methods, service in ((PUBLISHER, publisher), (SUBSCRIBER, subscriber)):
        calls.update({method.call: getattr(service, method.call) for method in methods})
    return calls
