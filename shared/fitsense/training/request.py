"""What a prompt asks for on top of the stored context, as tags of the query say it.

Tags are ``name`` or ``name:value``: ``pain:<area>``, ``last_night:<hours>``, ``break_days:<n>``,
``ill:fever``, ``ill:cold``, ``days:<n>``, ``minutes:<n>``, ``kit:<kit>``, ``goal:<goal>``,
``avoid:<exercise id>``, ``lift:<exercise id>`` and ``muscle:<muscle>`` (what the prompt speaks of).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fitsense.training.history.log import Log

KITS: dict[str, frozenset[str]] = {
    "bodyweight": frozenset({"bodyweight", "mat", "wall", "box"}),
    "bands": frozenset({"bodyweight", "mat", "wall", "box", "band"}),
    "dumbbells": frozenset({"bodyweight", "mat", "wall", "box", "bench", "dumbbell", "band"}),
}
"""What can be on hand away from the usual place; only what the person owns of it counts."""


@dataclass(frozen=True, slots=True)
class Request:
    """The context as the prompt changes it, and what it says about today."""

    context: Mapping[str, Any]
    pain: frozenset[str] = frozenset()
    last_night_h: float | None = None
    break_days: int = 0
    ill: str = ""
    avoid: frozenset[str] = frozenset()
    focus: str = ""
    """Exercise that the prompt speaks of: kept in the plan where nothing forbids it."""
    log: Log | None = None
    """All sessions, where they are known; None when the context's summary is all there is."""
    today: bool = False
    """One session is asked for, not a week (S-02)."""


def tag_values(tags: Iterable[str]) -> dict[str, str]:
    """Tags as a mapping; a tag that never has a value maps to the empty text."""
    values: dict[str, str] = {}
    for name, _, value in (tag.partition(":") for tag in tags):
        values[name] = value or values.get(name, "")
    return values


def request_of(query: Mapping[str, Any]) -> Request:
    """The request of a Query as a dict. Raises KeyError for an unknown kit, ValueError for a bad number."""
    tags = tag_values(query["tags"])
    return Request(
        context=_changed(query["context"], tags),
        pain=frozenset({tags["pain"]} if tags.get("pain") else ()),
        last_night_h=float(tags["last_night"]) if "last_night" in tags else None,
        break_days=int(tags.get("break_days", 0)),
        ill=tags.get("ill", ""),
        avoid=frozenset({tags["avoid"]} if "avoid" in tags else ()),
        focus=tags.get("lift", ""),
    )


def _changed(context: Mapping[str, Any], tags: Mapping[str, str]) -> Mapping[str, Any]:
    changes: dict[str, Any] = {}
    if "days" in tags:
        changes["days_per_week"] = int(tags["days"])
    if "minutes" in tags:
        changes["minutes_per_session"] = int(tags["minutes"])
    if "goal" in tags:
        changes["goal"] = tags["goal"]
    if "kit" in tags:
        changes["equipment"] = [item for item in context["equipment"] if item in KITS[tags["kit"]]]
    return {**context, **changes} if changes else context
