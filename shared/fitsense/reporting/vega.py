"""Pieces that the charts' Vega-Lite specs are put together from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

WIDTH = 340
ROW = 24
"""Height of one bar with its gap, px."""
FONT = "Liberation Sans"
"""Comes with vl-convert, so that text is measured alike on every machine; as wide as Arial."""
COLOURS = [f"var(--s{number})" for number in range(1, 6)]
Spec = dict[str, Any]

CONFIG: Spec = {
    "font": FONT,
    "background": "transparent",
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--ink)",
        "titleColor": "var(--muted)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 150,
        "domainColor": "var(--line)",
        "gridColor": "var(--grid)",
        "ticks": False,
        "labelPadding": 6,
    },
    "text": {"color": "var(--ink)", "fontSize": 12},
}


def frame(values: list[Spec]) -> Spec:
    """What every chart has: size, data, look."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": WIDTH,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": 2,
        "data": {"values": values},
        "config": CONFIG,
    }


def rows_spec(values: list[Spec], top: float, layers: list[Spec]) -> Spec:
    """Horizontal rows, a label each; all layers share one axis from 0 to ``top`` that is not drawn."""
    for layer in layers:
        layer["encoding"]["x"] = {
            **layer["encoding"]["x"],
            "scale": {"domain": [0, top], "nice": False},
            "axis": None,
        }
    return {**frame(values), "height": {"step": ROW}, "encoding": {"y": labels()}, "layer": layers}


def labels() -> Spec:
    """The rows' names, in the order given."""
    return {"field": "label", "type": "nominal", "sort": None, "title": None}


def x_of(field: str) -> Spec:
    """A number along the chart."""
    return {"field": field, "type": "quantitative"}


def bar() -> Spec:
    """A bar as long as ``value``."""
    return {"mark": {"type": "bar", "color": COLOURS[0]}, "encoding": {"x": x_of("value")}}


def end_text(field: str = "value") -> Spec:
    """``text`` at the end of ``field``."""
    return {
        "mark": {"type": "text", "align": "left", "dx": 6},
        "encoding": {"x": x_of(field), "text": {"field": "text"}},
    }


def room(values: Sequence[float]) -> float:
    """Room for the text at the end of the longest bar."""
    return max([*values, 1e-9]) * 1.35


def share_axis() -> Spec:
    """Shares upwards, as percent."""
    return {
        "field": "share",
        "type": "quantitative",
        "title": None,
        "axis": {"format": ".0%", "tickCount": 4},
    }


def colour_of(series: Sequence[str]) -> Spec:
    """A colour a series; the legend is HTML."""
    scale = {"domain": list(series), "range": COLOURS[: len(series)]}
    return {"field": "series", "type": "nominal", "scale": scale, "legend": None}


def pieces(label: str, shares: Mapping[str, float], series: Sequence[str]) -> Iterator[Spec]:
    """The pieces of one bar, each with where it starts and stops."""
    start = 0.0
    for name in series:
        value = shares.get(name, 0.0)
        place = {"start": start, "middle": start + value / 2, "stop": start + value}
        yield {"label": label, "series": name, "value": value, "text": f"{value * 100:.0f} %", **place}
        start += value


def vertical(at: float, *, solid: bool = False) -> Spec:
    """A line from top to bottom: dashed for a limit, solid for zero."""
    mark: Spec = {"type": "rule", "color": "var(--muted)" if solid else "var(--bad)", "strokeWidth": 1}
    if not solid:
        mark["strokeDash"] = [4, 3]
    return {
        "data": {"values": [{"at": at}]},
        "mark": mark,
        "encoding": {"x": x_of("at"), "y": {"value": 0}, "y2": {"value": "height"}},
    }
