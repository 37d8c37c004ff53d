"""The records that a backlog is made of."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, eq=False)
class Message:
    """A stored message, shared by the backlogs of all subscriptions that want it."""

    id: int
    topic: str
    publish_ns: int
    wire: Any
    """The PubsubMessage as subscribers get it, id and time included."""
    size: int
    pending: int = 0
    """How many subscriptions have not acknowledged it."""


@dataclass(slots=True, eq=False)
class Holder:
    """A consumer's flow control: what it holds unacknowledged."""

    messages: int = 0
    size: int = 0


@dataclass(slots=True, eq=False)
class Delivery:
    """One message on its way to one subscription."""

    message: Message
    attempts: int = 0
    turn: int = 0
    leased: bool = False
    gone: bool = False
    acked: bool = False
    """In a lane: acknowledged, but an earlier one of its key is not."""
    deadline: float = 0.0
    lane: Lane | None = None
    holder: Holder | None = None
    fault_checked: bool = False
    """It was held back by a fault already; the next hand-out is not subject to it again."""

    @property
    def next_size(self) -> int:
        """Bytes that the next hand-out takes, as of a lane."""
        return self.message.size


@dataclass(slots=True, eq=False)
class Lane:
    """The pending deliveries of one ordering key, oldest first."""

    key: str
    waiting: deque[Delivery] = field(default_factory=deque)
    out: deque[Delivery] = field(default_factory=deque)
    parked: bool = False
    """It is in line, or in the timer heap."""
    not_before: float = 0.0
    turn: int = 0

    @property
    def next_size(self) -> int:
        """Bytes of the message at the head."""
        return self.waiting[0].message.size if self.waiting else 0

    def start(self, limit: int, room: int) -> list[Delivery]:
        """Hand out a run from the head: at most ``limit`` and ``room`` bytes, but at least one."""
        run: list[Delivery] = []
        while self.waiting and len(run) < limit and (self.next_size <= room or not run):
            delivery = self.waiting.popleft()
            if not delivery.gone:
                run.append(delivery)
                room -= delivery.message.size
        self.out.extend(run)
        return run

    def settle(self) -> list[Delivery]:
        """Take the acknowledged ones off the head of what is out."""
        settled = []
        while self.out and self.out[0].acked:
            settled.append(self.out.popleft())
        return settled


@dataclass(frozen=True, slots=True)
class Policy:
    """How failures are met. Backoffs in seconds; no ``max_attempts`` means for ever."""

    ordered: bool = False
    min_backoff: float = 0.0
    max_backoff: float = 0.0
    max_attempts: int = 0

    def backoff(self, attempts: int) -> float:
        """Seconds to wait after the ``attempts``-th failure: doubling from the least to the most."""
        return min(self.max_backoff, self.min_backoff * 2.0 ** min(max(attempts - 1, 0), 32))


@dataclass(frozen=True, slots=True)
class Want:
    """What a consumer can take now. ``per_key`` bounds the run of one ordering key."""

    messages: int
    lease_s: float
    size: int = 1 << 62
    per_key: int = 1000
    holder: Holder | None = None
