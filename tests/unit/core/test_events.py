"""Events survive the wire; what is not one of ours is refused with the reason."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import orjson
import pytest
from cloudevents.http import CloudEvent

from fitsense.errors import BadMessage
from fitsense.events import (
    ConfigRejected,
    Event,
    ModelCanaried,
    ModelChallenged,
    ModelPromoted,
    ModelRegistered,
    ModelRejected,
    ModelRolledBack,
    RunAdmitted,
    RunCompleted,
    RunFailed,
    StageFailed,
    StageLanded,
    StageProgressed,
    StageStarted,
    TrainingRequested,
    decode,
    encode,
)
from services.conductor.messages import Message, parse_notification, parse_training

AFTER: dict[str, Any] = {
    "number": 3,
    "champion": "v",
    "challenger": None,
    "traffic": 0,
    "by": "me",
    "reason": "better",
}
EVENTS: list[Event] = [
    RunAdmitted(run_id="r", pipeline="coaching", config="configs/x.yaml"),
    ConfigRejected(run_id="r", config="configs/x.yaml", problems=["seed: missing"]),
    StageStarted(run_id="r", stage="s", attempt=1, tasks=2, execution="e"),
    StageProgressed(run_id="r", stage="s", task=0, done=1, total=2, unit="rows"),
    StageLanded(run_id="r", stage="s", rows_out=1, seconds=0.5, cost_usd=0),
    StageFailed(run_id="r", stage="s", error="E", message="m"),
    RunCompleted(run_id="r"),
    RunFailed(run_id="r", stage="s", error="E", message="m"),
    TrainingRequested(run_id="r", overrides={"epochs": 2}),
    ModelRegistered(run_id="r", version="v", decision="champion", against=None, reasons=["good"]),
    ModelRejected(run_id="r", version="v", against="c", reasons=["worse"]),
    ModelPromoted(run_id="r", version="v", **AFTER),
    ModelRolledBack(run_id="r", version="v", **AFTER),
    ModelCanaried(run_id="r", version="v", **AFTER),
    ModelChallenged(run_id="r", version="v", **AFTER),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_events_survive_the_wire_as_cloudevents(event: Event) -> None:
    data = encode(event, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    envelope = orjson.loads(data)
    assert envelope["specversion"] == "1.0"
    assert envelope["type"].startswith("ai.fitsense.")
    assert envelope["time"] == "2026-01-01T00:00:00+00:00"
    assert decode(data) == event


def test_the_same_fact_has_the_same_id_whenever_it_is_told() -> None:
    ids = {orjson.loads(encode(EVENTS[4], dt.datetime(2026, 1, d, tzinfo=dt.UTC)))["id"] for d in (1, 2)}
    assert len(ids) == 1


@pytest.mark.parametrize(
    "data",
    [b"", b"no json", b"[]", b'{"a": 1}', b'{"specversion":"1.0","id":"1","source":"x","type":"other.v1"}'],
)
def test_what_is_none_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises(BadMessage):
        decode(data)


def test_facts_that_differ_have_ids_that_differ() -> None:
    asked = [TrainingRequested(run_id="r", overrides={"seed": seed}) for seed in (1, 2)]
    changes = [ModelPromoted(run_id="r", version="v", **AFTER | {"number": n}) for n in (1, 2)]
    ids = {orjson.loads(encode(event))["id"] for event in [*asked, *changes, TrainingRequested(run_id="r")]}
    assert len(ids) == 5


def _message(data: bytes = b"", **attributes: str) -> Message:
    return Message("artifacts", "1", data, attributes)


def test_a_notification_names_the_object_and_its_generation() -> None:
    written = parse_notification(
        _message(eventType="OBJECT_FINALIZE", bucketId="b", objectId="configs/x.yaml", objectGeneration="17")
    )
    assert written is not None
    assert (written.name, written.generation) == ("configs/x.yaml", 17)


def test_other_kinds_of_notifications_do_not_matter() -> None:
    assert parse_notification(_message(eventType="OBJECT_DELETE", bucketId="b", objectId="x")) is None


def test_a_notification_without_its_attributes_is_malformed() -> None:
    with pytest.raises(BadMessage, match="objectId"):
        parse_notification(_message(eventType="OBJECT_FINALIZE", bucketId="b"))


def test_training_takes_the_bare_json_of_a_person_and_a_cloudevent_alike() -> None:
    bare = parse_training(_message(b'{"run_id": "r", "training": {"epochs": 2}}'))
    event = parse_training(_message(encode(TrainingRequested(run_id="r", overrides={"epochs": 2}))))
    assert bare == event


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "not JSON"),
        (b"[]", "JSON object"),
        (b"{}", "run_id is missing"),
        (b'{"run_id": "r", "epochs": 2}', "unknown keys"),
        (b'{"run_id": "r", "training": {"epoch": 2}}', "epochs"),
        (b'{"run_id": "r", "training": 2}', "mapping"),
        (encode(RunCompleted(run_id="r")), "not a training request"),
    ],
)
def test_a_malformed_training_request_says_why(data: bytes, says: str) -> None:
    with pytest.raises(BadMessage, match=says):
        parse_training(_message(data))


def test_the_topic_comes_out_of_the_events_source() -> None:
    attributes = {
        "type": "google.cloud.pubsub.topic.v1.messagePublished",
        "source": "//pubsub/projects/p/topics/t",
    }
    body = {"message": {"data": base64.b64encode(b"x").decode(), "messageId": "7", "attributes": {"a": "b"}}}
    assert Message.from_event(CloudEvent(attributes, body)) == Message("t", "7", b"x", {"a": "b"})
    with pytest.raises(BadMessage):
        Message.from_event(CloudEvent(attributes | {"source": "elsewhere"}, body))
