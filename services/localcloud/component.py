"""What a part of the local cloud is made of, and what it is given to live on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from services.localcloud.faults import Faults

Publish = Callable[[str, bytes, dict[str, str]], Awaitable[None]]
"""``await publish("projects/P/topics/T", data, attributes)``: raises ApiError 404 for an unknown topic."""


@dataclass
class Context:
    """Shared by all parts of one local cloud.

    ``publish`` is set by the Pub/Sub part in its constructor and read late by the others.
    """

    state: Path
    """Folder for all durable state; each part keeps to ``state/<its name>``."""
    project: str
    location: str
    faults: Faults
    url: str = ""
    """``http://127.0.0.1:PORT`` of the one port; known before any part's ``start``."""
    port: int = 0
    publish: Publish | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    """Free-form settings of the parts (images, services, ticks), from the local cloud's own JSON file."""


class Component(Protocol):
    """A part: routes for the one HTTP/1.1 port, and a life between ``start`` and ``stop``."""

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Routes by raw path; ``{name:.+}`` patterns see percent-escapes decoded."""
        ...

    async def start(self) -> None:
        """Recover state from disk and begin background work. The port accepts calls only after this."""
        ...

    async def stop(self) -> None:
        """Stop background work, flush, leave no child process and no task behind."""
        ...
