"""How a client of the student sees its node: loading, refused, gone; and what it makes of an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from fitsense.models.serving import Health, NotServed, Student, TakenBack
from tests.factories import queries

OK: dict[str, Any] = {"status": "ok", "version": "m-2", "reason": "", "refused": {}}
LOADING = OK | {"status": "loading", "version": "m-1"}
QUERY: dict[str, Any] = next(
    found
    for found in queries(60)
    if found["language"] == "en"
    and not found["context"]["conditions"]
    and found["context"]["pain_area"] is None
    and not found["tags"]
) | {"type": "plan_creation", "expected_action": "answer", "safety": ["G-02"]}
QUERY["context"] |= {"notes": [], "pain": 0}
SAID = "Here is what I would do with your training this week."
PLAN = {
    "goal": "general_fitness",
    "days": [
        {"exercises": [{"id": "xx99", "sets": 9, "reps": [1, 2], "rir": 0.0, "kg": 500.0, "rest_s": 15}]}
    ],
    "deload": False,
}


class Node:
    """Answers ``/healthz`` with ``states``, one after the other, and any chat with ``text``."""

    def __init__(self) -> None:
        self.states: list[tuple[int, dict[str, Any]]] = []
        self.text, self.finish = "", "stop"
        self.asked: list[dict[str, Any]] = []
        node = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = node.states.pop(0) if len(node.states) > 1 else node.states[0]
                self._answer(status, body)

            def do_POST(self) -> None:
                node.asked.append(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                message = {"role": "assistant", "content": node.text}
                choice = {"index": 0, "message": message, "finish_reason": node.finish}
                usage = {"prompt_tokens": 1, "completion_tokens": 7, "total_tokens": 8}
                made = {"id": "c", "object": "chat.completion", "created": 0, "model": "m-2"}
                self._answer(200, made | {"choices": [choice], "usage": usage})

            def _answer(self, status: int, body: dict[str, Any]) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(orjson.dumps(body))

            def log_message(self, format: str, *arguments: Any) -> None:
                """Silence."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def student(self) -> Student:
        return Student(f"http://127.0.0.1:{self.server.server_port}/v1")


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.server.shutdown()
    node.server.server_close()


def test_it_waits_until_the_new_version_answers(node: Node) -> None:
    node.states = [(503, LOADING), (200, LOADING | {"status": "ok"}), (200, OK)]
    seen: list[Health] = []
    node.student.wait_for("m-2", 60, seen.append)
    assert [(health.ok, health.status, health.version) for health in seen] == [
        (False, "loading", "m-1"),
        (True, "ok", "m-1"),
    ]


def test_a_version_that_the_node_refuses_is_not_waited_for(node: Node) -> None:
    node.states = [(503, LOADING | {"status": "waiting", "refused": {"m-2": "the probe: cut off"}})]
    with pytest.raises(TakenBack, match="the node refuses m-2: the probe: cut off") as error:
        node.student.wait_for("m-2", 60, lambda health: None)
    assert error.value.exit_code == 1


def test_a_node_that_is_not_there_says_so(node: Node) -> None:
    node.states = [(503, {"type": "about:blank", "status": 503, "detail": "student does not accept"})]
    with pytest.raises(NotServed, match="not reachable: student does not accept"):
        node.student.wait_for("m-2", 0, lambda health: None)
    assert not Student("http://127.0.0.1:1/v1").health().ok


def test_a_request_holds_only_the_exercises_that_this_person_may_do(node: Node) -> None:
    node.text = "{}"
    node.student.ask(QUERY)
    (asked,) = node.asked
    exercises = asked["response_format"]["json_schema"]["schema"]["properties"]["plan"]["anyOf"][0]
    one = exercises["properties"]["days"]["items"]["properties"]["exercises"]["items"]
    ids = one["properties"]["id"]["enum"]
    assert ids
    assert "xx99" not in ids
    assert (asked["model"], asked["user"]) == ("student", QUERY["user_id"])


def test_an_answer_that_was_cut_off_is_none(node: Node) -> None:
    node.text, node.finish = '{"action": "answer", "mess', "length"
    reply = node.student.ask(QUERY)
    assert reply.answer is None
    assert "cut off" in reply.problem


def test_a_plan_that_breaks_rules_is_objected_to_and_a_missing_one_too(node: Node) -> None:
    node.text = orjson.dumps({"action": "answer", "message": SAID, "plan": PLAN, "rules": []}).decode()
    reply = node.student.ask(QUERY)
    assert (reply.version, reply.tokens) == ("m-2", 7)
    assert any(objection.startswith("E-01: ") for objection in reply.objections), reply.objections
    node.text = orjson.dumps({"action": "answer", "message": SAID, "plan": None, "rules": []}).decode()
    assert node.student.ask(QUERY).objections == ["no plan, though one was asked for"]
    assert node.student.ask(QUERY | {"type": "free_coaching"}).objections == []
