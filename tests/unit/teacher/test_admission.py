from __future__ import annotations

import asyncio
import time
from random import Random

import pytest

from jobs.teacher.admission import DECREASE, Aimd, Gate, Halted


def test_starts_at_the_cap_and_stray_429s_do_not_move_it() -> None:
    rng, aimd = Random(1), Aimd(64)
    limits = []
    for _ in range(20_000):
        aimd.finished(aimd.epoch, rng.random() < 0.01)
        limits.append(aimd.limit)
    assert sum(limits) / len(limits) > 0.97 * 64


def test_decreases_once_for_all_calls_of_one_window() -> None:
    aimd = Aimd(64)
    sent_in = aimd.epoch
    for _ in range(64):
        aimd.finished(sent_in, True)
    assert aimd.limit == 64 * DECREASE
    assert aimd.epoch == sent_in + 1


def test_goes_down_under_steady_overload_and_never_under_one() -> None:
    aimd = Aimd(64)
    for _ in range(1000):
        aimd.finished(aimd.epoch, True)
    assert aimd.limit == 1.0


def test_comes_back_to_the_cap_and_not_over_it() -> None:
    aimd = Aimd(64)
    for _ in range(200):
        aimd.finished(aimd.epoch, True)
    for _ in range(5000):
        aimd.finished(aimd.epoch, False)
    assert aimd.limit == 64.0


def test_settles_near_the_capacity_of_the_endpoint() -> None:
    aimd, refused, total = Aimd(64), 0, 0
    for _ in range(400):
        sent, epoch = int(aimd.limit), aimd.epoch
        for call in range(sent):
            aimd.finished(epoch, call >= 16)
        refused += max(0, sent - 16)
        total += sent
    assert aimd.limit < 32
    assert refused / total < 0.2


async def _hold(gate: Gate, seen: list[int]) -> None:
    epoch = await gate.enter()
    seen.append(gate.in_flight)
    await asyncio.sleep(0)
    gate.leave(epoch, congested=False)


def test_gate_holds_the_bound() -> None:
    async def run() -> list[int]:
        gate, seen = Gate(3), list[int]()
        await asyncio.gather(*(_hold(gate, seen) for _ in range(50)))
        return seen

    seen = asyncio.run(run())
    assert len(seen) == 50
    assert max(seen) == 3


def test_retries_go_before_first_tries() -> None:
    async def run() -> list[str]:
        gate, order = Gate(1), list[str]()

        async def go(name: str, retry: bool) -> None:
            epoch = await gate.enter(retry=retry)
            order.append(name)
            gate.leave(epoch, congested=False)

        held = await gate.enter()
        waiting = [asyncio.create_task(go("first", False)), asyncio.create_task(go("retry", True))]
        await asyncio.sleep(0)
        gate.leave(held, congested=False)
        await asyncio.gather(*waiting)
        return order

    assert asyncio.run(run()) == ["retry", "first"]


def test_a_pause_holds_everybody_back_until_it_is_over() -> None:
    async def run() -> list[float]:
        gate, times = Gate(8), list[float]()

        async def go() -> None:
            epoch = await gate.enter()
            times.append(time.monotonic())
            gate.leave(epoch, congested=False)

        began = time.monotonic()
        gate.pause(0.05)
        gate.pause(0.01)
        await asyncio.gather(*(go() for _ in range(20)))
        return [at - began for at in times]

    waited = asyncio.run(run())
    assert len(waited) == 20
    assert min(waited) >= 0.05


def test_halt_frees_whoever_waits_and_lets_nobody_in() -> None:
    async def run() -> None:
        gate = Gate(1)
        await gate.enter()
        waiter = asyncio.create_task(gate.enter())
        sleeper = asyncio.create_task(gate.sleep(60))
        await asyncio.sleep(0)
        gate.halt()
        for task in (waiter, sleeper):
            with pytest.raises(Halted):
                await task
        with pytest.raises(Halted):
            await gate.enter()

    asyncio.run(run())
