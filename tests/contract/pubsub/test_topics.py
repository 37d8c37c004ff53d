"""Topics: names, errors, lists, updates; and what publishing refuses."""

from __future__ import annotations

import pytest
from google.api_core import exceptions

from tests.contract.pubsub.api import PROJECT, Api

BAD_IDS = ["ab", "1abc", "google", "white space", "sl/ash", "x" * 256, "", "ümlaut"]


def test_create_get_delete(api: Api) -> None:
    name = api.topic(labels={"team": "coach"})
    got = api.publisher.get_topic(topic=name)
    assert (got.name, dict(got.labels)) == (name, {"team": "coach"})
    api.publisher.delete_topic(topic=name)
    with pytest.raises(exceptions.NotFound):
        api.publisher.get_topic(topic=name)


def test_create_twice_is_already_exists(api: Api) -> None:
    name = api.topic()
    with pytest.raises(exceptions.AlreadyExists):
        api.publisher.create_topic(name=name)


@pytest.mark.parametrize("bad", BAD_IDS)
def test_bad_ids_are_invalid(ours: Api, bad: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        ours.publisher.create_topic(name=f"projects/{PROJECT}/topics/{bad}")


@pytest.mark.parametrize("bad", BAD_IDS[:3])
def test_short_and_reserved_ids_are_invalid_everywhere(api: Api, bad: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        api.publisher.create_topic(name=f"projects/{PROJECT}/topics/{bad}")


def test_all_allowed_characters(ours: Api) -> None:
    name = f"projects/{PROJECT}/topics/aZ0-_.~+%41"
    assert ours.publisher.create_topic(name=name).name == name
    assert ours.publisher.get_topic(topic=name).name == name
    ours.publisher.delete_topic(topic=name)


def test_missing_topic_is_not_found(api: Api) -> None:
    name = api.new_name("topics")
    for call in (api.publisher.get_topic, api.publisher.delete_topic):
        with pytest.raises(exceptions.NotFound):
            call(topic=name)
    with pytest.raises(exceptions.NotFound):
        api.publish(name, b"x")


def test_subscriptions_of_a_missing_topic_are_not_found(ours: Api) -> None:
    with pytest.raises(exceptions.NotFound):
        ours.publisher.list_topic_subscriptions(topic=ours.new_name("topics"))


def test_list_in_pages(api: Api) -> None:
    names = {api.topic() for _ in range(5)}
    pages = list(api.publisher.list_topics(request={"project": f"projects/{PROJECT}", "page_size": 2}).pages)
    assert all(len(page.topics) <= 2 for page in pages)
    listed = [topic.name for page in pages for topic in page.topics]
    assert len(listed) == len(set(listed))
    assert names <= set(listed)


def test_projects_are_apart(api: Api) -> None:
    name = "projects/another-project/topics/" + api.topic().rsplit("/", 1)[1]
    api.publisher.create_topic(name=name)
    here = {topic.name for topic in api.publisher.list_topics(project=f"projects/{PROJECT}")}
    there = {topic.name for topic in api.publisher.list_topics(project="projects/another-project")}
    assert name in there - here


def test_list_subscriptions_of_a_topic(api: Api) -> None:
    topic = api.topic()
    names = {api.subscription(topic) for _ in range(3)}
    assert set(api.publisher.list_topic_subscriptions(topic=topic)) == names


def test_update_labels_and_retention(ours: Api) -> None:
    name = ours.topic(labels={"a": "1"})
    request = {
        "topic": {"name": name, "labels": {"b": "2"}, "message_retention_duration": {"seconds": 600}},
        "update_mask": {"paths": ["labels", "message_retention_duration"]},
    }
    ours.publisher.update_topic(request=request)
    got = ours.publisher.get_topic(topic=name)
    assert dict(got.labels) == {"b": "2"}
    assert got.message_retention_duration.total_seconds() == 600


@pytest.mark.parametrize("paths", [[], ["bogus"], ["name"]])
def test_bad_update_masks_are_invalid(ours: Api, paths: list[str]) -> None:
    request = {"topic": {"name": ours.topic()}, "update_mask": {"paths": paths}}
    with pytest.raises(exceptions.InvalidArgument):
        ours.publisher.update_topic(request=request)


def test_unoffered_features_say_so(ours: Api) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match="schema_settings"):
        ours.topic(schema_settings={"schema": "projects/p/schemas/s", "encoding": "JSON"})


def test_publish_needs_data_or_attributes(api: Api) -> None:
    topic = api.topic()
    assert api.publish(topic, b"", only="attributes")
    with pytest.raises(exceptions.InvalidArgument):
        api.publish(topic, b"")


@pytest.mark.parametrize(
    "attributes",
    [{"goog-mine": "x"}, {"k" * 257: "x"}, {"k": "v" * 1025}, {"": "x"}, {f"k{i}": "v" for i in range(101)}],
)
def test_publish_refuses_bad_attributes(ours: Api, attributes: dict[str, str]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        ours.publish(ours.topic(), b"x", **attributes)


def test_ids_are_unique_and_rise(api: Api) -> None:
    ids = [int(one) for one in api.publish(api.topic(), *[b"x"] * 20)]
    assert ids == sorted(set(ids))
