"""What one check of the screening sees and says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from fitsense.training.findings import Finding
from fitsense.training.people.conditions import Limits

Level = Literal["none", "advise_clearance", "urgent", "emergency", "crisis"]
LEVELS: tuple[Level, ...] = ("none", "advise_clearance", "urgent", "emergency", "crisis")
"""How soon somebody must be seen (§9); self-harm goes before everything."""
Session = bool | Literal["easy_only"]


@dataclass(frozen=True, slots=True)
class Subject:
    """The person, with what the notes say."""

    person: Mapping[str, Any]
    limits: Limits
    cleared: bool
    pain: Mapping[str, float]
    """Painful area → severity, 0 to 10; 0 where nobody said how bad it is."""
    illness: str
    signs: frozenset[str]
    rules: frozenset[str]
    """Red flags in the notes."""
    symptoms: bool
    """Anything that a very high blood pressure can cause."""


class Part(NamedTuple):
    """One check's answer. ``goal`` replaces the person's own where theirs is not safe for them."""

    level: Level = "none"
    plan: bool = True
    session: Session = True
    findings: tuple[Finding, ...] = ()
    questions: tuple[Finding, ...] = ()
    goal: str = ""


def strictest_session(sessions: Iterable[Session]) -> Session:
    """No session beats an easy one, an easy one beats an ordinary one."""
    found = list(sessions)
    return False if False in found else "easy_only" if "easy_only" in found else True


def ask(name: str, rule: str) -> Finding:
    """The question of that name in ``reasons/screening.yaml``."""
    return Finding(rule, f"screening.ask_{name}")
