"""Screening as the tests ask for it: one plain person, changed, with notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fitsense.training.people.screening import Screening, screen
from tests.unit.training.people import context


@dataclass(frozen=True)
class Said:
    """Notes as screening reads them."""

    pain: Mapping[str, float] = field(default_factory=dict)
    illness: str = ""
    flags: tuple[tuple[str, str], ...] = ()
    signs: frozenset[str] = frozenset()


def look(notes: Said | None = None, **changes: Any) -> Screening:
    return screen(context(**changes), notes)


def keys(found: Screening) -> set[str]:
    return {one.key for one in found.findings}


def asked(found: Screening) -> set[str]:
    return {one.key.removeprefix("screening.ask_") for one in found.questions}
