"""Notifications from an object's change to a Pub/Sub subscription."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import requests
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import storage

from tests.cloud import PROJECT, CloudProcess
from tests.contract.storage.conftest import connect


class Topic:
    """A topic with one subscription, over Pub/Sub's REST surface."""

    def __init__(self, cloud: CloudProcess, *, create: bool = True) -> None:
        self._cloud = cloud
        self.id = f"topic-{uuid.uuid4().hex[:8]}"
        self.name = f"projects/{PROJECT}/topics/{self.id}"
        self._subscription = f"projects/{PROJECT}/subscriptions/{self.id}"
        if create:
            self.create()

    def create(self) -> None:
        requests.put(f"{self._cloud.url}/v1/{self.name}", json={}).raise_for_status()
        body = {"topic": self.name}
        requests.put(f"{self._cloud.url}/v1/{self._subscription}", json=body).raise_for_status()

    def pull(self, count: int) -> list[dict[str, str]]:
        """The attributes of the next ``count`` messages, their data decoded under ``data``."""
        messages: list[dict[str, str]] = []
        url = f"{self._cloud.url}/v1/{self._subscription}"
        deadline = time.monotonic() + 30
        while len(messages) < count:
            assert time.monotonic() < deadline, f"only {len(messages)} of {count} messages came"
            answer = requests.post(f"{url}:pull", json={"maxMessages": count, "returnImmediately": True})
            received = answer.json().get("receivedMessages", [])
            ids = [entry["ackId"] for entry in received]
            if ids:
                requests.post(f"{url}:acknowledge", json={"ackIds": ids}).raise_for_status()
            messages += [entry["message"] for entry in received]
            time.sleep(0 if received else 0.01)
        return [
            {**message["attributes"], "data": message.get("data", "")}  # type: ignore[dict-item]
            for message in messages
        ]

    def empty(self) -> bool:
        url = f"{self._cloud.url}/v1/{self._subscription}:pull"
        body = {"maxMessages": 10, "returnImmediately": True}
        return not requests.post(url, json=body).json().get("receivedMessages")


@pytest.fixture(scope="module")
def notifying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    process = CloudProcess(tmp_path_factory.mktemp("notifying"), parts="pubsub,storage").start()
    yield process
    process.stop()


@pytest.fixture
def topic(notifying: CloudProcess) -> Topic:
    return Topic(notifying)


@pytest.fixture
def watched(notifying: CloudProcess) -> storage.Bucket:
    return connect(notifying).create_bucket(f"bucket-{uuid.uuid4().hex[:12]}")


def test_configs_are_created_listed_found_and_deleted(watched: storage.Bucket, topic: Topic) -> None:
    config = watched.notification(
        topic.id,
        event_types=["OBJECT_FINALIZE"],
        blob_name_prefix="configs/",
        custom_attributes={"who": "me"},
        payload_format="JSON_API_V1",
    )
    config.create()
    again = watched.get_notification(config.notification_id)
    assert (again.event_types, again.blob_name_prefix) == (["OBJECT_FINALIZE"], "configs/")
    assert (again.custom_attributes, again.payload_format) == ({"who": "me"}, "JSON_API_V1")
    listed = list(watched.list_notifications())
    assert [entry.notification_id for entry in listed] == [config.notification_id]
    assert (listed[0].topic_name, listed[0].topic_project) == (topic.id, PROJECT)
    config.delete()
    assert not config.exists()
    assert list(watched.list_notifications()) == []
    with pytest.raises(NotFound):
        config.delete()


def test_bad_configs_are_refused(watched: storage.Bucket, topic: Topic) -> None:
    with pytest.raises(BadRequest):
        watched.notification(topic.id, event_types=["OBJECT_LOST"]).create()
    with pytest.raises(BadRequest):
        watched.notification(topic.id, payload_format="XML").create()


def test_a_bucket_has_at_most_ten_configs_for_an_event(watched: storage.Bucket, topic: Topic) -> None:
    def config(events: list[str] | None, prefix: str) -> storage.BucketNotification:
        return watched.notification(topic.id, event_types=events, blob_name_prefix=prefix)

    for number in range(10):
        config(["OBJECT_FINALIZE"], f"{number}/").create()
    for events in (["OBJECT_FINALIZE"], ["OBJECT_DELETE", "OBJECT_FINALIZE"], None):
        with pytest.raises(BadRequest, match="Too many overlapping notifications") as refused:
            config(events, "another/").create()
        assert refused.value.errors[0]["reason"] == "invalid"
    config(["OBJECT_DELETE"], "another/").create()
    there = list(watched.list_notifications())
    assert len(there) == 11
    there[0].delete()
    config(["OBJECT_FINALIZE"], "another/").create()


def test_the_topic_may_be_given_in_short(notifying: CloudProcess, watched: storage.Bucket) -> None:
    url = f"{notifying.url}/storage/v1/b/{watched.name}/notificationConfigs"
    created = requests.post(url, json={"topic": "projects/p-1/topics/abc"}).json()
    assert created["topic"] == "//pubsub.googleapis.com/projects/p-1/topics/abc"
    assert requests.post(url, json={"topic": "abc"}).status_code == 400
    requests.delete(f"{url}/{created['id']}").raise_for_status()


def test_every_event_with_its_attributes(watched: storage.Bucket, topic: Topic) -> None:
    config = watched.notification(topic.id, payload_format="JSON_API_V1", custom_attributes={"who": "me"})
    config.create()
    blob = watched.blob("runs/ü/x")
    blob.upload_from_string("one")
    first = blob.generation
    blob.metadata = {"a": "b"}
    blob.patch()
    blob.upload_from_string("two")
    second = blob.generation
    blob.delete()
    events = topic.pull(5)
    parent = f"projects/_/buckets/{watched.name}/notificationConfigs"
    common = {
        "notificationConfig": f"{parent}/{config.notification_id}",
        "payloadFormat": "JSON_API_V1",
        "bucketId": watched.name,
        "objectId": "runs/ü/x",
        "who": "me",
    }
    assert all(common.items() <= event.items() for event in events)
    assert [(event["eventType"], int(event["objectGeneration"])) for event in events] == [
        ("OBJECT_FINALIZE", first),
        ("OBJECT_METADATA_UPDATE", first),
        ("OBJECT_FINALIZE", second),
        ("OBJECT_DELETE", first),
        ("OBJECT_DELETE", second),
    ]
    assert events[2]["overwroteGeneration"] == str(first)
    assert events[3]["overwrittenByGeneration"] == str(second)
    assert not any("overwr" in key for index in (0, 1, 4) for key in events[index])


def test_the_payload_is_the_resource(watched: storage.Bucket, topic: Topic) -> None:
    watched.notification(topic.id, payload_format="JSON_API_V1").create()
    blob = watched.blob("x")
    blob.upload_from_string("one", content_type="text/x-test")
    resource = orjson.loads(base64.b64decode(topic.pull(1)[0]["data"]))
    assert (resource["kind"], resource["name"], resource["size"]) == ("storage#object", "x", "3")
    assert (resource["generation"], resource["contentType"]) == (str(blob.generation), "text/x-test")
    assert requests.get(resource["mediaLink"]).text == "one"


def test_no_payload_filters_and_deleted_configs(watched: storage.Bucket, topic: Topic) -> None:
    config = watched.notification(topic.id, event_types=["OBJECT_DELETE"], blob_name_prefix="in/")
    config.create()
    for name in ("in/a", "out/a", "in/b"):
        watched.blob(name).upload_from_string("x")
        watched.blob(name).delete()
    events = topic.pull(2)
    assert [event["objectId"] for event in events] == ["in/a", "in/b"]
    assert [(event["data"], event["payloadFormat"]) for event in events] == [("", "NONE")] * 2
    config.delete()
    watched.blob("in/c").upload_from_string("x")
    watched.blob("in/c").delete()
    assert topic.empty()


def test_copies_and_batches_notify_too(watched: storage.Bucket, topic: Topic) -> None:
    source = watched.blob("source")
    source.upload_from_string("x")
    watched.notification(topic.id, event_types=["OBJECT_FINALIZE", "OBJECT_DELETE"]).create()
    watched.copy_blob(source, watched, "copy")
    watched.blob("composed").compose([source])
    watched.move_blob(source, "moved")
    with watched.client.batch():
        watched.delete_blob("copy")
    assert [(event["eventType"], event["objectId"]) for event in topic.pull(5)] == [
        ("OBJECT_FINALIZE", "copy"),
        ("OBJECT_FINALIZE", "composed"),
        ("OBJECT_FINALIZE", "moved"),
        ("OBJECT_DELETE", "source"),
        ("OBJECT_DELETE", "copy"),
    ]


def test_a_pubsub_fault_never_fails_an_upload(
    notifying: CloudProcess, watched: storage.Bucket, topic: Topic
) -> None:
    watched.notification(topic.id).create()
    notifying.faults({"point": "pubsub.publish", "action": "error", "times": 2})
    for name in "abc":
        watched.blob(name).upload_from_string("x")
    assert [event["objectId"] for event in topic.pull(3)] == ["a", "b", "c"]
    notifying.faults()


def test_a_missing_topic_gets_its_messages_once_it_exists(
    notifying: CloudProcess, watched: storage.Bucket, topic: Topic
) -> None:
    late = Topic(notifying, create=False)
    watched.notification(late.id).create()
    watched.notification(topic.id).create()
    watched.blob("x").upload_from_string("x")
    assert topic.pull(1)[0]["objectId"] == "x"
    late.create()
    assert late.pull(1)[0]["objectId"] == "x"


def test_notifications_are_sent_after_a_kill(tmp_path: Path) -> None:
    """Uploads are acknowledged while Pub/Sub refuses; then the whole cloud dies."""
    cloud = CloudProcess(tmp_path, parts="pubsub,storage").start()
    try:
        bucket = connect(cloud).create_bucket("durable")
        topic = Topic(cloud)
        bucket.notification(topic.id).create()
        cloud.faults({"point": "pubsub.publish", "action": "error"})
        for number in range(5):
            bucket.blob(f"x{number}").upload_from_string("x")
        cloud.restart()
        assert [event["objectId"] for event in topic.pull(5)] == [f"x{number}" for number in range(5)]
        cloud.restart()
        assert topic.empty()
    finally:
        cloud.stop()
