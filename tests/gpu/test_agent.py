"""The agent on real vLLM: versions come and go under running streams, and what is broken goes back."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import requests

from tests.cloud import CloudProcess
from tests.gpu import parrot
from tests.gpu.agents import ANSWER, MESSAGES, AgentProcess, World, gone, until

GOOD = ("v1", "v2", "v3", "v4")


@pytest.fixture(scope="module")
def world(storage_process: CloudProcess, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Four sound versions of one base, and broken ones of all kinds."""
    home = tmp_path_factory.mktemp("serving")
    world = World(storage_process, home)
    folder = parrot.make_base(home / "base")
    adapter = parrot.make_adapter(folder, home / "adapter")
    endless = parrot.make_adapter(folder, home / "endless", "endless")
    diverged = parrot.make_adapter(folder, home / "diverged", "diverged")
    base = world.land_base("lab/parrot", folder)
    for version in (*GOOD, "v5", "v6"):
        world.land(version, base, adapter)
    world.land("endless", base, endless)
    world.land("diverged", base, diverged)
    world.land("changed", base, adapter, sha256="0" * 64)
    world.land("absent", base, adapter, uri=world.store.uri("models/absent/nothing"))
    world.land("whole", base, folder, kind="weights")
    return world


@pytest.fixture(scope="module")
def agent(world: World) -> Iterator[AgentProcess]:
    agent = AgentProcess(world, "node-1")
    yield agent
    assert agent.stop() == 0, agent.tail()


@pytest.fixture
def serving(world: World, agent: AgentProcess) -> AgentProcess:
    """The agent with ``v1`` as its champion and nothing on trial."""
    now = world.now()
    if now.challenger and now.traffic:
        world.canary(now.challenger, 0)
    world.promote("v1")
    agent.await_version("v1")
    until(lambda: agent.health()["challenger"] is None or not agent.health()["traffic"])
    return agent


def test_it_is_not_healthy_before_there_is_a_champion(agent: AgentProcess) -> None:
    found = agent.health()

    assert (found["code"], found["status"], found["version"]) == (503, "waiting", None)
    assert agent.ask().status_code == 503


def test_a_promoted_version_answers_a_real_client(serving: AgentProcess) -> None:
    client = openai.OpenAI(base_url=f"{serving.url}/v1", api_key="none", max_retries=0)

    raw = client.chat.completions.with_raw_response.create(
        model="student",
        messages=MESSAGES,
        temperature=0,
        max_tokens=400,
    )
    answer = raw.parse()

    assert answer.choices[0].message.content == ANSWER
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == raw.headers["x-fitsense-model-version"] == "v1"
    assert {"student", "v1"} <= {model.id for model in client.models.list()}


def test_a_stream_comes_in_pieces_and_names_its_version(serving: AgentProcess) -> None:
    client = openai.OpenAI(base_url=f"{serving.url}/v1", api_key="none", max_retries=0)

    chunks = list(
        client.chat.completions.create(
            model="student",
            messages=MESSAGES,
            temperature=0,
            max_tokens=400,
            stream=True,
        )
    )

    assert len(chunks) > 10
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER
    assert {chunk.model for chunk in chunks} == {"v1"}


def test_health_and_metrics_tell_of_the_engine(serving: AgentProcess) -> None:
    serving.ask()
    found = serving.health()
    metrics = requests.get(f"{serving.url}/metrics", timeout=10).text

    assert (found["status"], found["engine"]["state"], found["engine"]["waiting"]) == ("ok", "ready", 0)
    assert found["last_error"] is None
    assert "vllm:num_requests_running" in metrics
    assert 'fitsense_student_serving{channel="champion",version="v1"} 1.0' in metrics
    assert 'fitsense_student_requests_total{status="200",version="v1"}' in metrics


def test_what_a_client_does_wrong_is_said_in_openais_form(serving: AgentProcess) -> None:
    unknown = serving.ask(model="nobody")
    nonsense = requests.post(f"{serving.url}/v1/chat/completions", data=b"[", timeout=10)
    refused = serving.ask(temperature=-7)

    assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "not_found_error")
    assert (nonsense.status_code, nonsense.json()["error"]["type"]) == (400, "invalid_request_error")
    assert refused.status_code == 400


def test_swaps_under_running_streams_drop_nothing(world: World, serving: AgentProcess) -> None:
    with Streams(serving) as streams:
        for version in ("v2", "v3", "v4"):
            world.promote(version)
            serving.await_version(version)
            streams.go_on()
        for version in ("v3", "v2", "v1"):
            world.roll_back()
            serving.await_version(version)
            streams.go_on()

    assert streams.problems == []
    assert set(streams.answered) == set(GOOD)
    assert streams.texts == {ANSWER}


def test_old_versions_leave_the_engine_but_what_a_roll_back_needs(
    world: World, serving: AgentProcess
) -> None:
    for version in ("v2", "v3", "v4", "v5", "v6"):
        world.promote(version)
        serving.await_version(version)

    until(lambda: set(serving.health()["versions"]) == {"v6", "v5", "v4", "v3"}, told=serving.tail)
    assert serving.ask(model="v4").json()["model"] == "v4"
    assert serving.ask(model="v2").status_code == 404


def test_canary_traffic_is_sticky_by_user(world: World, serving: AgentProcess) -> None:
    world.canary("v2", 40)
    until(lambda: serving.health()["challenger"] == "v2")

    def versions(users: range) -> dict[int, str]:
        return {user: serving.ask(user=f"u{user}", max_tokens=1).json()["model"] for user in users}

    first = versions(range(40))
    assert versions(range(40)) == first
    assert set(first.values()) == {"v1", "v2"}
    world.canary("v2", 90)
    until(lambda: serving.health()["traffic"] == 90)
    wider = versions(range(40))
    assert all(wider[user] == "v2" for user, version in first.items() if version == "v2")
    assert Counter(wider.values())["v2"] > Counter(first.values())["v2"]


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("endless", "ProbeFailed"),
        ("diverged", "holds NaN"),
        ("changed", "checksum"),
        ("absent", "is gone"),
    ],
)
def test_a_broken_version_goes_back_by_itself(
    world: World, serving: AgentProcess, version: str, reason: str
) -> None:
    with Streams(serving) as streams:
        world.promote(version)
        now = until(lambda: (found := world.now()).champion == "v1" and found, told=serving.tail)
        streams.go_on()

    change = now.history[-1]
    assert (change.action, change.version, change.by) == ("rolled_back", version, "agent node-1")
    assert reason in change.reason
    assert reason in serving.health()["last_error"]
    assert reason in serving.health()["refused"][version]
    assert streams.problems == []
    assert set(streams.answered) == {"v1"}


def test_a_broken_challenger_loses_its_trial(world: World, serving: AgentProcess) -> None:
    world.canary("endless", 50)

    now = until(lambda: (found := world.now()).traffic == 0 and found, told=serving.tail)

    assert (now.champion, now.history[-1].by) == ("v1", "agent node-1")
    assert "ProbeFailed" in now.history[-1].reason
    assert {serving.ask(user=f"u{n}", max_tokens=1).json()["model"] for n in range(8)} == {"v1"}


def test_a_killed_engine_comes_back_and_nobody_is_told_otherwise(serving: AgentProcess) -> None:
    engine = serving.health()["engine"]
    with Streams(serving, may_fail=True) as streams:
        streams.go_on()
        for process in serving.engines:
            process.send_signal(signal.SIGKILL)
        down = until(lambda: (found := serving.health())["code"] == 503 and found)
        refused = serving.ask()
        serving.await_version("v1")
        streams.go_on()

    assert (down["status"], down["version"]) == ("down", "v1")
    assert down["reason"]
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    found = serving.health()["engine"]
    assert found["restarts"] == engine["restarts"] + 1
    assert found["pid"] != engine["pid"]
    assert streams.texts == {ANSWER}
    assert {code for code in streams.problems if code != "broken off"} <= {503}


def test_two_agents_roll_back_once_and_a_dead_one_leaves_no_engine(
    world: World, serving: AgentProcess
) -> None:
    """The second one looks by itself once in ten minutes: it goes by the events."""
    seconds = {"FITSENSE_FOLLOW_S": "600", "FITSENSE_MODELS_SUBSCRIPTION": "models-agent-2"}
    other = AgentProcess(world, "node-2", **seconds)
    try:
        other.await_version("v1")
        before = len(world.now().history)
        world.tell(world.promote("endless"))
        until(lambda: world.now().champion == "v1", told=serving.tail)
        until(lambda: "endless" in other.health()["refused"] or other.health()["change"] == before + 2)
        world.tell(world.promote("v2"))
        serving.await_version("v2")
        other.await_version("v2")
        done = [change.action for change in world.now().history[before:]]
        engines = other.engines
    finally:
        other.process.kill()
        other.process.wait()

    assert done == ["promoted", "rolled_back", "promoted"]
    assert engines
    until(lambda: all(gone(process) for process in engines))
    assert serving.ask().json()["model"] == "v2"


def test_full_weights_get_an_engine_beside_the_old_one(world: World, serving: AgentProcess) -> None:
    old = serving.health()["engine"]["pid"]
    with Streams(serving) as streams:
        world.promote("whole")
        serving.await_version("whole")
        streams.go_on()

    assert streams.problems == []
    assert set(streams.answered) == {"v1", "whole"}
    assert serving.health()["engine"]["pid"] != old
    until(lambda: old not in {process.pid for process in serving.engines if not gone(process)})


def test_sigterm_lets_what_is_under_way_end(agent: AgentProcess) -> None:
    """The last test: it stops the module's agent, whoever its champion is."""
    engines = agent.engines
    with Streams(agent, clients=2) as streams:
        streams.go_on()
        agent.process.send_signal(signal.SIGTERM)
        streams.enough()
        code = agent.process.wait(60)

    assert code == 0, agent.tail()
    assert streams.texts == {ANSWER}
    assert all(gone(process) for process in engines)


def test_an_agent_that_is_stopped_while_its_engine_starts_leaves_nothing(world: World) -> None:
    world.promote("v1")
    agent = AgentProcess(world, "node-3", FITSENSE_SPARE_ENGINE="1")
    try:
        until(lambda: agent.health()["status"] == "loading" and agent.engines)
        engines = agent.engines
    finally:
        code = agent.stop()

    assert code == 0, agent.tail()
    assert all(gone(process) for process in engines)


class Streams:
    """Clients that ask for one stream after another, and what became of each."""

    def __init__(self, agent: AgentProcess, clients: int = 3, *, may_fail: bool = False) -> None:
        self.answered: Counter[str] = Counter()
        self.problems: list[Any] = []
        self.texts: set[str] = set()
        self._agent = agent
        self._may_fail = may_fail
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(clients)]

    def __enter__(self) -> Streams:
        for thread in self._threads:
            thread.start()
        self.go_on()
        return self

    def __exit__(self, *_: object) -> None:
        self.enough()
        for thread in self._threads:
            thread.join(60)

    def enough(self) -> None:
        """No new streams; those under way are read to their end."""
        self._done.set()

    def go_on(self, more: int = 3) -> None:
        """Return after some more answers have come whole."""
        goal = self.answered.total() + more
        until(lambda: self.answered.total() >= goal, 60, lambda: f"{self.problems}\n{self._agent.tail()}")

    def _ask_on(self) -> None:
        client = openai.OpenAI(base_url=f"{self._agent.url}/v1", api_key="none", max_retries=0)
        while not self._done.is_set():
            try:
                self._ask(client)
            except openai.APIStatusError as error:
                self.problems.append(error.status_code)
                time.sleep(0.1)
            except openai.APIError as error:
                self.problems.append("broken off" if self._may_fail else repr(error))

    def _ask(self, client: openai.OpenAI) -> None:
        stream = client.chat.completions.create(
            model="student",
            messages=MESSAGES,
            temperature=0,
            max_tokens=400,
            stream=True,
        )
        chunks = list(stream)
        ends = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason]
        names = {chunk.model for chunk in chunks}
        if ends != ["stop"] or len(names) != 1:
            self.problems.append((ends, names))
            return
        self.texts.add("".join(chunk.choices[0].delta.content or "" for chunk in chunks))
        self.answered[names.pop()] += 1
