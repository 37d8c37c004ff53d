"""Faults on request: rules that drop, delay, duplicate, reorder, fail or kill, deterministically by seed.

A rule is JSON, set over ``PUT /_localcloud/faults`` (a list replaces all rules), or from the settings file::

    {"point": "pubsub.push", "match": {"topic": "artifacts"}, "action": "duplicate",
     "probability": 0.5, "seed": 7, "skip": 0, "times": 3, "delay_ms": 50, "status": 503}

Points and the attributes that ``match`` sees are named where ``check`` is called: ``storage.request``
(method, path), ``pubsub.publish``, ``pubsub.deliver``, ``pubsub.push`` (topic, subscription),
``run.request``, ``run.task`` (job, task, attempt), ``batch.request``, ``batch.task``.
"""

from __future__ import annotations

import fnmatch
import random
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Action = Literal["drop", "delay", "duplicate", "reorder", "error", "kill"]
ACTIONS: tuple[str, ...] = get_args(Action)


class Rule(BaseModel):
    """One fault. ``match`` maps attribute → shell pattern; all must match. ``times`` < 0 means for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    point: str
    action: Action
    match: dict[str, str] = Field(default_factory=dict)
    probability: float = Field(default=1.0, gt=0, le=1)
    seed: int = 0
    skip: int = Field(default=0, ge=0, description="how many matching calls pass unharmed first")
    times: int = Field(default=-1, description="how often the fault strikes; -1 is for ever")
    delay_ms: int = Field(default=0, ge=0, description="delay, reorder and kill: how long after")
    status: int = Field(default=503, description="error: the HTTP status answered")

    def matches(self, point: str, attributes: dict[str, str]) -> bool:
        return fnmatch.fnmatchcase(point, self.point) and all(
            fnmatch.fnmatchcase(attributes.get(name, ""), pattern) for name, pattern in self.match.items()
        )


@dataclass
class _Armed:
    rule: Rule
    seen: int = 0
    struck: int = 0
    random: random.Random = field(default_factory=random.Random)

    def strikes(self) -> bool:
        self.seen += 1
        if self.seen <= self.rule.skip or 0 <= self.rule.times <= self.struck:
            return False
        if self.random.random() >= self.rule.probability:
            return False
        self.struck += 1
        return True


class Faults:
    """The rules in force. ``check`` is cheap when there are none."""

    def __init__(self, rules: list[Rule] | None = None) -> None:
        self._armed: list[_Armed] = []
        self.replace(rules or [])

    def replace(self, rules: list[Rule]) -> None:
        self._armed = [_Armed(rule, random=random.Random(rule.seed)) for rule in rules]

    def check(self, point: str, **attributes: str) -> Rule | None:
        """The first rule that strikes at ``point``, or None. The caller carries the action out."""
        for armed in self._armed:
            if armed.rule.matches(point, attributes) and armed.strikes():
                return armed.rule
        return None

    def report(self) -> list[dict[str, Any]]:
        """Each rule with how often it was considered and how often it struck."""
        return [a.rule.model_dump() | {"seen": a.seen, "struck": a.struck} for a in self._armed]
