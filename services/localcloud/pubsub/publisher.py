"""google.pubsub.v1.Publisher: topics, and publishing to them."""

from __future__ import annotations

from typing import Any

from google.protobuf import field_mask_pb2

from services.localcloud.http import ApiError
from services.localcloud.pubsub import names, validation
from services.localcloud.pubsub.broker import Broker, Topic
from services.localcloud.pubsub.pages import page
from services.localcloud.pubsub.wire import Empty, PublishResponse, message_class

_ListTopics = message_class("ListTopicsResponse")
_ListSubscriptions = message_class("ListTopicSubscriptionsResponse")
_ListSnapshots = message_class("ListTopicSnapshotsResponse")
_Detached = message_class("DetachSubscriptionResponse")


class Publisher:
    """One coroutine per method of the service: protobuf request in, response out, ApiError for the rest."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def create_topic(self, config: Any) -> Any:
        names.check_new(config.name, "topics")
        if config.name in self._broker.topics:
            raise ApiError(409, f"Topic already exists (resource={names.short(config.name)}).")
        validation.complete_topic(config)
        self._broker.store.save_topic(config.name, config.SerializeToString())
        self._broker.topics[config.name] = Topic(config)
        return config

    async def update_topic(self, request: Any) -> Any:
        topic = self._broker.topic(request.topic.name)
        validation.check_mask(request.update_mask.paths, validation.TOPIC_FIELDS, topic.config.DESCRIPTOR)
        updated = merged(topic.config, request.topic, request.update_mask)
        validation.complete_topic(updated)
        self._broker.store.save_topic(topic.name, updated.SerializeToString())
        topic.config = updated
        self._broker.on_change(None)
        return updated

    async def publish(self, request: Any) -> Any:
        return PublishResponse(message_ids=await self._broker.publish(request.topic, request.messages))

    async def get_topic(self, request: Any) -> Any:
        return self._broker.topic(request.topic).config

    async def list_topics(self, request: Any) -> Any:
        prefix = f"projects/{names.project_of(request.project)}/"
        found = [name for name in self._broker.topics if name.startswith(prefix)]
        shown, token = page(found, request.page_size, request.page_token)
        return _ListTopics(topics=[self._broker.topics[n].config for n in shown], next_page_token=token)

    async def list_topic_subscriptions(self, request: Any) -> Any:
        topic = self._broker.topic(request.topic)
        found = [subscription.name for subscription in topic.subscriptions]
        shown, token = page(found, request.page_size, request.page_token)
        return _ListSubscriptions(subscriptions=shown, next_page_token=token)

    async def list_topic_snapshots(self, request: Any) -> Any:
        self._broker.topic(request.topic)
        return _ListSnapshots()

    async def delete_topic(self, request: Any) -> Any:
        """Its subscriptions stay, with what they have not delivered yet."""
        topic = self._broker.topic(request.topic)
        store = self._broker.store
        store.flush()
        del self._broker.topics[topic.name]
        for subscription in topic.subscriptions:
            orphaned = merged(subscription.config)
            orphaned.topic = names.DELETED_TOPIC
            store.save_subscription(subscription.number, orphaned.SerializeToString())
            subscription.configure(orphaned)
        store.delete_topic(topic.name)
        self._broker.on_change(None)
        return Empty()

    async def detach_subscription(self, request: Any) -> Any:
        """It gets nothing more from its topic, and loses what it had."""
        subscription = self._broker.subscription(request.subscription)
        detached = merged(subscription.config)
        detached.detached = True
        self._broker.store.save_subscription(subscription.number, detached.SerializeToString())
        subscription.configure(detached)
        subscription.purge(lambda _: True)
        topic = self._broker.topics.get(subscription.topic)
        if topic is not None and subscription in topic.subscriptions:
            topic.subscriptions.remove(subscription)
        return _Detached()


def merged(config: Any, changes: Any = None, mask: Any = None) -> Any:
    """A copy of ``config`` with the masked fields of ``changes`` in it."""
    copy = type(config)()
    copy.CopyFrom(config)
    if mask is not None:
        paths = field_mask_pb2.FieldMask(paths=mask.paths)
        try:
            paths.MergeMessage(changes, copy, True, True)
        except ValueError as error:
            raise ApiError(400, f"Invalid update_mask: {error}") from error
    return copy
