"""``models/channels.json``: which version serves whom. Changed only by compare-and-swap.

The history is the truth: champions form a stack that a promotion pushes and a roll-back pops, and the
other fields are what it comes to. A change carries an id of its own, so that a swap whose answer was
lost is recognised as one's own.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable
from typing import Literal

from pydantic import Field

from fitsense.artifacts import ArtifactStore, to_json
from fitsense.errors import Permanent, Unavailable
from fitsense.manifest import Model

CHANNELS = "models/channels.json"
MAX_TRIES = 40
PAUSE_S = 0.02
Action = Literal["challenged", "promoted", "canaried", "rolled_back"]


class NotPossible(Permanent):
    """The channels do not allow this change."""

    status = 409


class Change(Model):
    """One entry of the history. ``champion``, ``challenger`` and ``traffic`` are as they were after it."""

    number: int = Field(ge=1)
    id: str
    action: Action
    version: str = Field(description="whom it was about: who is promoted, tried, or taken back")
    by: str = Field(description="`registration <key>`, or who asked")
    reason: str
    forced: bool = False
    at: dt.datetime
    champion: str | None
    challenger: str | None
    traffic: int


class Channels(Model):
    """``traffic`` is the challenger's share of requests, in percent."""

    schema_version: Literal[1] = 1
    champion: str | None = None
    challenger: str | None = None
    traffic: int = Field(default=0, ge=0, le=100)
    previous: str | None = Field(default=None, description="what a roll-back goes back to")
    history: list[Change] = Field(default_factory=list)

    def mark(self, version: str) -> str:
        """``champion``, ``challenger 10 %``, ``previous`` or nothing."""
        if version == self.champion:
            return "champion"
        if version == self.challenger:
            return f"challenger {self.traffic} %" if self.traffic else "challenger"
        return "previous" if version == self.previous else ""

    def changed_by(self, by: str) -> Change | None:
        return next((change for change in self.history if change.by == by), None)


class Wish(Model):
    """A change that somebody wants, before it has a number and a time."""

    action: Action
    version: str
    by: str
    reason: str
    traffic: int = Field(default=0, ge=0, le=100)
    forced: bool = False


Wanted = Callable[[Channels], Wish | None]
"""What is wanted of the channels as they are now; None for nothing. Raises NotPossible."""


def read(store: ArtifactStore) -> Channels:
    """As they are now; empty before the first model."""
    return store.read_model(CHANNELS, Channels) or Channels()


def apply(channels: Channels, wish: Wish, identity: str, at: dt.datetime) -> Channels:
    """The channels after ``wish``. Pure."""
    stack = champions(channels.history)
    challenger, traffic = channels.challenger, channels.traffic
    if wish.action == "promoted":
        stack.append(wish.version)
        if challenger == wish.version:
            challenger, traffic = None, 0
    elif wish.action == "rolled_back":
        stack.pop()
        traffic = 0
    else:
        challenger, traffic = wish.version, wish.traffic
    champion, previous = [*reversed(stack), None, None][:2]
    if challenger == champion:
        challenger, traffic = None, 0
    after = {"champion": champion, "challenger": challenger, "traffic": traffic}
    told = wish.model_dump(exclude={"traffic"})
    change = Change(number=len(channels.history) + 1, id=identity, at=at, **told, **after)
    return Channels(previous=previous, history=[*channels.history, change], **after)


def champions(history: list[Change]) -> list[str]:
    """All champions since the last roll-back below them, the present one last."""
    stack: list[str] = []
    for change in history:
        if change.action == "promoted":
            stack.append(change.version)
        elif change.action == "rolled_back":
            stack.pop()
    return stack


def change(
    store: ArtifactStore,
    wanted: Wanted,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> Channels:
    """Carry out what is wanted, on fresh state after each swap that another won.

    Raises what ``wanted`` raises, and Unavailable if others always win.
    """
    identity = uuid.uuid4().hex
    for attempt in range(MAX_TRIES):
        stored = store.read(CHANNELS)
        channels = Channels.model_validate_json(stored.data) if stored else Channels()
        if any(entry.id == identity for entry in channels.history):
            return channels  # the swap got through, its answer did not
        wish = wanted(channels)
        if wish is None:
            return channels
        new = apply(channels, wish, identity, now())
        if store.replace(CHANNELS, to_json(new), stored.generation if stored else 0):
            return new
        time.sleep(PAUSE_S * min(attempt, 5))
    raise Unavailable("others change the channels all the time", hint="try again")


def promote(version: str, by: str, reason: str, *, forced: bool = False) -> Wanted:
    """Champion it; nothing when it is already."""

    def wanted(channels: Channels) -> Wish | None:
        if channels.champion == version:
            return None
        return Wish(action="promoted", version=version, by=by, reason=reason, forced=forced)

    return wanted


def canary(version: str, traffic: int, by: str, reason: str, *, forced: bool = False) -> Wanted:
    """Give it ``traffic`` percent of the requests as the challenger; nothing when it has them."""

    def wanted(channels: Channels) -> Wish | None:
        if channels.champion is None:
            raise NotPossible("there is no champion to share traffic with", hint="fitsense models promote")
        if channels.champion == version:
            raise NotPossible(f"{version} is the champion", hint="a canary is another version")
        if (channels.challenger, channels.traffic) == (version, traffic):
            return None
        return Wish(action="canaried", version=version, by=by, reason=reason, traffic=traffic, forced=forced)

    return wanted


def roll_back(by: str, reason: str, expected: str | None = None) -> Wanted:
    """Take the champion back to the one before it, and end any canary.

    ``expected``: whom the caller saw as the champion; a second roll-back at the same moment does nothing.
    """

    def wanted(channels: Channels) -> Wish | None:
        if channels.champion is None or channels.previous is None:
            raise NotPossible("there is no earlier champion to go back to", hint="fitsense models list")
        if expected is not None and channels.champion != expected:
            return None
        return Wish(action="rolled_back", version=channels.champion, by=by, reason=reason)

    return wanted
