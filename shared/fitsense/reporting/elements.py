"""What a report page is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fitsense.manifest import Report


@dataclass(frozen=True)
class Legend:
    """A colour (1 to 5, see page.css) or a mark, and what it stands for."""

    label: str
    colour: int
    shape: str = "bar"


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite spec with its caption; ``alt`` says in words what one sees."""

    title: str
    alt: str
    spec: dict[str, Any]
    legend: Sequence[Legend] = ()
    note: str = ""


@dataclass(frozen=True)
class Table:
    """``rows`` hold text or numbers; numbers are set flush right."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""
    empty: str = "Nothing to show."


@dataclass(frozen=True)
class Section:
    title: str
    text: str = ""
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Tile:
    """A key number at the top of the page."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Page:
    """A whole report. ``notes`` say how to read it, at its foot."""

    title: str
    purpose: str
    report: Report
    tiles: Sequence[Tile] = ()
    sections: Sequence[Section] = ()
    notes: Sequence[str] = ()
    waived: frozenset[str] = field(default_factory=frozenset)
