"""Teacher throughput: the whole stage against a scripted endpoint with jitter, 429s, 500s and dropped calls.

``python -m tests.bench.teacher``. Each run is the real stage over the local cloud's Storage, in this
process; the endpoint is a process of its own. The ideal is in-flight / mean latency.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from tests.cloud import CloudProcess
from tests.integration.teacher.stage import Stage, answerable, teacher
from tests.scripted_endpoint import Script, ScriptedEndpoint

PROMPTS = 2000
LATENCY_S = 0.2
TROUBLE = Script(latency_s=LATENCY_S, jitter_s=0.05, rate_limited=0.01, errors=0.005, drops=0.002)
TARGET_RATIO = 0.9
"""Of in-flight / latency, at 64."""
TARGET_RATE = 460.0
"""Prompts a second at 256: four times the best measured of distilabel, 115."""


def measure(stage: Stage, folder: Path, in_flight: int, script: Script) -> dict[str, Any]:
    """One run. ``rate`` is of the calls, from the first sent to the last answer durable in the bucket;
    ``seconds`` and CPU are of the whole stage, reading the queries and writing the manifest included."""
    run_id = f"bench-{in_flight}-{len(script.behaviours)}"
    with ScriptedEndpoint(folder / run_id, script) as endpoint:
        stage.land(
            run_id, answerable(PROMPTS), teacher(endpoint.base_url, max_in_flight=in_flight, cache=False)
        )
        began, cpu = time.perf_counter(), time.process_time()
        manifest = stage.run(run_id)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        stats = endpoint.stats()
    counters = manifest.counters
    rate = PROMPTS / counters.extra["asking_s"]
    return {
        "bare": ceiling(folder, in_flight),
        "in_flight": in_flight,
        "rate": rate,
        "ratio": rate / (in_flight / LATENCY_S),
        "seconds": seconds,
        "cpu_ms": 1000 * cpu / PROMPTS,
        "lost": PROMPTS - counters.rows_out - sum(counters.rejected.values()),
        "rejected": counters.rejected,
        "paid_twice": sum(key["delivered"] > 1 for key in stats["keys"].values()),
        "retries": counters.extra["retries"],
        "commits": counters.extra["commits"],
    }


async def bare(url: str, in_flight: int) -> float:
    """Prompts a second of a bare aiohttp loop that parses, checks, keeps and retries nothing: what this
    machine and this endpoint can do at the moment."""
    body = orjson.dumps({"max_tokens": 1024, "messages": [{"role": "user", "content": "x" * 7000}]})
    todo = iter(range(PROMPTS))

    async def worker(session: aiohttp.ClientSession) -> None:
        for i in todo:
            headers = {"Idempotency-Key": f"bare-{in_flight}-{i}"}
            async with session.post(f"{url}/chat/completions", data=body, headers=headers) as response:
                await response.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:
        began = time.perf_counter()
        await asyncio.gather(*(worker(session) for _ in range(in_flight)))
        return PROMPTS / (time.perf_counter() - began)


def ceiling(folder: Path, in_flight: int) -> float:
    with ScriptedEndpoint(
        folder / f"bare-{in_flight}", Script(latency_s=LATENCY_S, jitter_s=0.05)
    ) as endpoint:
        return asyncio.run(bare(endpoint.base_url, in_flight))


def bad_prompts(n: int) -> Script:
    """The same trouble, and ``n`` prompts that always fail."""
    behaviours = {f"Question {i * 400:05d}:": "500" for i in range(n)}
    return Script(**{**TROUBLE.__dict__, "behaviours": behaviours})


def main() -> int:
    """Print the figures; 1 when a target is missed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cloud = CloudProcess(folder / "cloud", parts="storage").start()
        try:
            stage = Stage(cloud, "teacher-bench")
            results = [measure(stage, folder, n, TROUBLE) for n in (64, 256)]
            bad = measure(stage, folder, 256, bad_prompts(4))
        finally:
            cloud.stop()
    return report(results, bad)


def report(results: list[dict[str, Any]], bad: dict[str, Any]) -> int:
    print(f"{PROMPTS} prompts, endpoint {LATENCY_S:g} s ± 0.05 s, 1 % 429, 0.5 % 500, 0.2 % dropped")
    for row in results:
        share = f"{row['ratio']:.0%} of in-flight/latency, {row['rate'] / row['bare']:.0%} of a bare loop"
        print(
            f"  {row['in_flight']:>4} in flight: {row['rate']:6.0f} prompts/s = {share}; stage "
            f"{row['seconds']:.2f} s, {row['cpu_ms']:.2f} CPU ms a prompt; {row['retries']:.0f} retries, "
            f"{row['lost']} lost, {row['paid_twice']} paid twice, {row['commits']:.0f} commits"
        )
    print(f"  with 4 prompts that always fail: rejected {bad['rejected']}, {bad['lost']} lost")
    met = {
        f"≥ {TARGET_RATIO:.0%} of the ideal at 64": results[0]["ratio"] >= TARGET_RATIO,
        f"≥ {TARGET_RATE:g} prompts/s at 256": results[1]["rate"] >= TARGET_RATE,
        "nothing lost": not any(row["lost"] or row["rejected"] for row in results),
        "exactly 4 rejected": sum(bad["rejected"].values()) == 4 and not bad["lost"],
    }
    for target, good in met.items():
        print(f"  {'met   ' if good else 'MISSED'} {target}")
    return 0 if all(met.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
