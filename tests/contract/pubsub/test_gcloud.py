"""``gcloud pubsub`` against the local cloud."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.pubsub.api import PROJECT, Api, data

pytestmark = [
    pytest.mark.gcloud,
    pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not installed"),
]

Gcloud = Callable[..., Any]


@pytest.fixture
def gcloud(ours: Api, tmp_path: Path) -> Gcloud:
    """Runs ``gcloud pubsub ...`` and returns what it prints, as JSON."""
    environment = {
        **os.environ,
        "CLOUDSDK_CONFIG": str(tmp_path),
        "CLOUDSDK_CORE_PROJECT": PROJECT,
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB": f"{ours.backend.url}/",
    }

    def run(*arguments: str) -> Any:
        command = ["gcloud", "pubsub", *arguments, "--format=json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout or "null")

    return run


def test_topics_and_subscriptions(ours: Api, gcloud: Gcloud) -> None:
    topic, name = ours.new_name("topics"), ours.new_name("subscriptions")
    short_topic, short_name = topic.rsplit("/", 1)[1], name.rsplit("/", 1)[1]
    gcloud("topics", "create", short_topic, "--labels=team=coach")
    assert topic in [one["name"] for one in gcloud("topics", "list")]
    assert gcloud("topics", "describe", short_topic)["labels"] == {"team": "coach"}
    options = ("--ack-deadline=30", '--message-filter=attributes.kind="plan"', "--enable-message-ordering")
    gcloud("subscriptions", "create", short_name, f"--topic={short_topic}", *options)
    got = gcloud("subscriptions", "describe", short_name)
    assert (got["topic"], got["ackDeadlineSeconds"], got["enableMessageOrdering"]) == (topic, 30, True)
    gcloud("subscriptions", "update", short_name, "--ack-deadline=60")
    assert [s["ackDeadlineSeconds"] for s in gcloud("subscriptions", "list") if s["name"] == name] == [60]
    gcloud("subscriptions", "delete", short_name)
    gcloud("topics", "delete", short_topic)
    with pytest.raises(RuntimeError, match="NOT_FOUND"):
        gcloud("topics", "describe", short_topic)


def test_publish_and_pull(ours: Api, gcloud: Gcloud) -> None:
    topic = ours.topic()
    name = ours.subscription(topic)
    answer = gcloud("topics", "publish", topic, '--message={"run_id": "r1"}', "--attribute=kind=training")
    pulled = gcloud("subscriptions", "pull", name, "--auto-ack", "--limit=5")
    assert [one["message"]["messageId"] for one in pulled] == answer["messageIds"]
    assert pulled[0]["message"]["attributes"] == {"kind": "training"}
    assert ours.pull(name) == []
    ours.publish(topic, b"by gRPC")
    [kept] = gcloud("subscriptions", "pull", name, "--limit=5")
    gcloud(
        "subscriptions", "modify-message-ack-deadline", name, f"--ack-ids={kept['ackId']}", "--ack-deadline=0"
    )
    assert data(ours.pull_some(name, 1)) == [b"by gRPC"]
