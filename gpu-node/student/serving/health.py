"""How the node is, in one JSON object: what serves, since when, what is loading, what went wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import aiohttp

from student.serving.hosts import Host
from student.serving.node import Node

ANSWER_S = 2.0
_QUEUE = re.compile(r"^vllm:num_requests_(running|waiting)(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)


async def health(
    node: Node, session: aiohttp.ClientSession, told: Mapping[str, Any], *, draining: bool
) -> dict[str, Any]:
    """``status``: ok, waiting (no champion yet), loading (the first one), down (its engine) or draining.

    ``told`` is what the follower knows: ``wanted``, ``refused``, ``error``, ``last_error``. The champion's
    engine is asked now; nothing here is remembered.
    """
    routes = node.routes
    serving = node.servings.get(routes.champion or "")
    alive = serving is not None and await serving.host.answers(ANSWER_S)
    status = _status(draining=draining, champion=serving is not None, alive=alive, loading=bool(node.loading))
    facts = {name: _now(value) for name, value in told.items()}
    return {
        "status": status,
        "reason": _reason(status, facts, serving.host if serving else None),
        "version": routes.champion,
        "since": serving.since.isoformat(timespec="seconds") if serving else None,
        "challenger": routes.challenger,
        "traffic": routes.traffic,
        "loading": node.loading or None,
        "engine": await _engine(serving.host, session, alive=alive) if serving else None,
        "versions": {v: s.in_flight for v, s in sorted(node.servings.items())},
        **facts,
    }


def _now(value: Any) -> Any:
    return value() if callable(value) else value


def _status(*, draining: bool, champion: bool, alive: bool, loading: bool) -> str:
    if draining:
        return "draining"
    if champion:
        return "ok" if alive else "down"
    return "loading" if loading else "waiting"


def _reason(status: str, facts: Mapping[str, Any], host: Host | None) -> str:
    if status in ("ok", "draining"):
        return ""
    if host is not None:
        return host.error or "the champion's engine does not answer"
    if facts.get("error"):
        return str(facts["error"])
    return "the first model is being loaded" if status == "loading" else "there is no champion yet"


async def _engine(host: Host, session: aiohttp.ClientSession, *, alive: bool) -> dict[str, Any]:
    queue = await _queue(host, session) if alive else {}
    return {
        "state": host.state if alive or host.state != "ready" else "silent",
        "pid": host.pid,
        "since": host.since.isoformat(timespec="seconds"),
        "restarts": host.restarts,
        "error": host.error or None,
        "running": queue.get("running"),
        "waiting": queue.get("waiting"),
    }


async def _queue(host: Host, session: aiohttp.ClientSession) -> dict[str, int]:
    try:
        limit = aiohttp.ClientTimeout(total=ANSWER_S)
        async with session.get(f"{host.url}/metrics", timeout=limit) as answer:
            return queue_of(await answer.text())
    except (aiohttp.ClientError, TimeoutError):
        return {}


def queue_of(metrics: str) -> dict[str, int]:
    """How many answers vLLM writes, and how many requests wait, by its own metrics."""
    return {kind: int(float(value)) for kind, value in _QUEUE.findall(metrics)}
