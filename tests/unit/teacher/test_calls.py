"""Retries and the budget against an endpoint in the same process that does what a seed says."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson
import pytest

from fitsense.errors import BudgetExceeded, Misconfigured
from jobs.teacher.admission import Gate, Halted
from jobs.teacher.budget import Ledger, Price
from jobs.teacher.calls import Caller
from jobs.teacher.completion import Completion, Trace
from jobs.teacher.failures import CallFailed, Kind
from jobs.teacher.requests import TeacherRequest
from tests.unit.teacher.test_requests import params

Behaviour = Callable[[TeacherRequest, int], CallFailed | None]


def request(i: int = 0, size: int = 100) -> TeacherRequest:
    return TeacherRequest(b"x" * size, f"{i:064d}", 50)


@dataclass
class Endpoint:
    """Answers after a few turns of the loop; ``behaviour`` may fail the n-th try of a request."""

    behaviour: Behaviour = lambda _request, _number: None
    tries: Counter[str] = field(default_factory=Counter)
    billed: int = 0

    async def complete(self, request: TeacherRequest) -> tuple[Completion, Trace]:
        self.tries[request.sha256] += 1
        await asyncio.sleep(0)
        if failure := self.behaviour(request, self.tries[request.sha256]):
            raise failure
        self.billed += 20 + 4 * 10
        return Completion(request.sha256, "ok", "stop", 20, 10), Trace()


@dataclass
class Lines:
    """A journal in memory: the bucket's edge."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def note(self, line: bytes) -> None:
        self.rows.append(orjson.loads(line))

    async def append(self, line: bytes) -> None:
        self.note(line)


def caller(
    endpoint: Endpoint, ledger: Ledger, gate: Gate | None = None, journal: Lines | None = None
) -> Caller:
    prices = {"usd_per_million_input_tokens": 1e-6, "usd_per_million_output_tokens": 4e-6}
    section = params(max_attempts=3, **prices)
    assert Price.of(section) == Price(1, 4)
    return Caller(endpoint, gate or Gate(8), ledger, journal or Lines(), section, seed=1, counts=Counter())


def failing(kind: Kind, times: int, **more: Any) -> Behaviour:
    return lambda _, number: CallFailed(kind, f"{kind}!", **more) if number <= times else None


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.teacher.calls.backoff", lambda failures, rng: 0.0)


def test_a_call_is_retried_until_it_succeeds() -> None:
    endpoint, ledger = Endpoint(failing("server", 2)), Ledger(10_000)
    completion, trace = asyncio.run(caller(endpoint, ledger).call(request()))
    assert completion.text == "ok"
    assert trace.tries == 3
    assert (ledger.spent, ledger.reserved, ledger.at_risk) == (60, 0, 0)


def test_failures_use_up_the_attempts() -> None:
    endpoint = Endpoint(failing("server", 99))
    completion, _ = asyncio.run(caller(endpoint, Ledger(10_000)).call(request()))
    assert completion.failed == "attempts_exhausted"
    assert completion.error == "server!"
    assert endpoint.tries.total() == 3


def test_rate_limits_do_not_use_up_the_attempts() -> None:
    completion, trace = asyncio.run(
        caller(Endpoint(failing("rate_limited", 20)), Ledger(10_000)).call(request())
    )
    assert completion.failed is None
    assert trace.tries == 21


def test_endless_rate_limits_end_too() -> None:
    endpoint = Endpoint(failing("rate_limited", 10_000))
    completion, _ = asyncio.run(caller(endpoint, Ledger(10_000)).call(request()))
    assert completion.failed == "attempts_exhausted"
    assert endpoint.tries.total() == 24


def test_a_bad_request_is_asked_once() -> None:
    endpoint = Endpoint(failing("rejected", 99))
    completion, _ = asyncio.run(caller(endpoint, Ledger(10_000)).call(request()))
    assert completion.failed == "permanent_error"
    assert endpoint.tries.total() == 1


def test_a_refused_key_is_everybody_s_error() -> None:
    with pytest.raises(Misconfigured, match="fatal!"):
        asyncio.run(caller(Endpoint(failing("fatal", 99)), Ledger(10_000)).call(request()))


def test_money_of_a_call_of_unknown_fate_stays_held_and_is_on_record() -> None:
    ledger, journal = Ledger(10_000), Lines()
    endpoint = Endpoint(failing("timeout", 1, maybe_charged=True))
    asyncio.run(caller(endpoint, ledger, journal=journal).call(request()))
    assert ledger.at_risk == 100 + 4 * 50
    assert [row["at_risk_pico"] for row in journal.rows] == [300]


def test_a_call_that_does_not_fit_waits_for_those_in_flight() -> None:
    """300 at most and 60 in truth: a budget of 400 pays for two, one after the other."""
    endpoint, ledger = Endpoint(), Ledger(400)

    async def run() -> list[Any]:
        calls = caller(endpoint, ledger)
        return await asyncio.gather(*(calls.call(request(i)) for i in range(2)))

    assert len(asyncio.run(run())) == 2
    assert ledger.spent == 120


@pytest.mark.parametrize("seed", range(20))
def test_no_mix_of_answers_and_failures_spends_more_than_the_budget(seed: int) -> None:
    rng = Random(seed)
    budget = rng.randrange(300, 4000)

    def behaviour(_request: TeacherRequest, _number: int) -> CallFailed | None:
        draw = rng.random()
        if draw < 0.1:
            return CallFailed("connection", "dropped", maybe_charged=True)
        return CallFailed("server", "boom") if draw < 0.2 else None

    endpoint, ledger = Endpoint(behaviour), Ledger(budget)

    async def run() -> list[Any]:
        calls = caller(endpoint, ledger)
        return await asyncio.gather(*(calls.call(request(i)) for i in range(100)), return_exceptions=True)

    results = asyncio.run(run())
    assert endpoint.billed <= ledger.spent + ledger.at_risk <= budget
    assert any(isinstance(one, BudgetExceeded) for one in results)
    assert all(isinstance(one, tuple | BudgetExceeded) for one in results)


def test_once_halted_nothing_is_sent_even_when_money_comes_back() -> None:
    async def run() -> Endpoint:
        endpoint, ledger, gate = Endpoint(), Ledger(300), Gate(8)
        ledger.reserve(300)
        calls = caller(endpoint, ledger, gate)
        waiting = asyncio.create_task(calls.call(request()))
        await asyncio.sleep(0)
        gate.halt()
        ledger.settle(300, 0)
        calls._settled.set()
        with pytest.raises(Halted):
            await waiting
        return endpoint

    assert asyncio.run(run()).tries.total() == 0
