"""Charts as Vega-Lite specs: every chart is 340 px wide, so that it stands on a phone as it is.

Values, bins and labels are made before; a spec only draws. Colours are CSS variables of page.css, so
one SVG serves light, dark and print. Specs are written out because importing a builder for them costs
half a second of every stage; a test holds them against the Vega-Lite schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fitsense.reporting.elements import Chart, Legend
from fitsense.reporting.text import percent
from fitsense.reporting.vega import (
    COLOURS,
    ROW,
    Spec,
    bar,
    colour_of,
    end_text,
    frame,
    labels,
    pieces,
    room,
    rows_spec,
    share_axis,
    vertical,
    x_of,
)

Format = Callable[[float], str]


def bars(
    title: str, rows: Sequence[tuple[str, float]], form: Format = percent, *, alt: str = "", note: str = ""
) -> Chart:
    """Horizontal bars in the order given, each with its value at its end."""
    values = [{"label": label, "value": value, "text": form(value)} for label, value in rows]
    spec = rows_spec(values, room([value for _, value in rows]), [bar(), end_text()])
    return Chart(title, alt or described(title, rows, form), spec, note=note)


def against(
    title: str,
    rows: Sequence[tuple[str, float, float]],
    names: tuple[str, str],
    form: Format = percent,
    note: str = "",
) -> Chart:
    """Bars of one thing with a tick for what they are held against: ``(label, value, reference)``."""
    values: list[Spec] = [
        {
            "label": label,
            "value": value,
            "reference": reference,
            "text": form(value),
            "end": max(value, reference),
        }
        for label, value, reference in rows
    ]
    tick = {
        "mark": {"type": "tick", "color": COLOURS[1], "thickness": 3, "size": 18},
        "encoding": {"x": x_of("reference")},
    }
    spec = rows_spec(values, room([row["end"] for row in values]), [bar(), tick, end_text(field="end")])
    said = "; ".join(f"{label} {form(value)} against {form(reference)}" for label, value, reference in rows)
    legend = [Legend(names[0], 1), Legend(names[1], 2, "tick")]
    return Chart(title, f"{title}: {names[0]} against {names[1]}: {said}", spec, legend, note)


def stacked(
    title: str, rows: Sequence[tuple[str, Mapping[str, float]]], series: Sequence[str], note: str = ""
) -> Chart:
    """One bar of shares per row, cut into ``series`` (at most five)."""
    values = [value for label, shares in rows for value in pieces(label, shares, series)]
    inside = {
        "transform": [{"filter": "datum.value >= 0.12"}],
        "mark": {"type": "text", "color": "var(--card)", "fontSize": 11},
        "encoding": {
            "x": {**x_of("middle")},
            "text": {"field": "text"},
        },
    }
    boxes = {
        "mark": {"type": "bar", "stroke": "var(--card)", "strokeWidth": 1},
        "encoding": {
            "x": x_of("start"),
            "x2": {"field": "stop"},
            "color": colour_of(series),
        },
    }
    said = "; ".join(
        f"{label}: " + ", ".join(f"{name} {percent(shares.get(name, 0.0))}" for name in series)
        for label, shares in rows
    )
    return Chart(title, f"{title}. {said}", rows_spec(values, 1.0, [boxes, inside]), _legend(series), note)


def histogram(
    title: str,
    edges: Sequence[float],
    shares: Mapping[str, Sequence[float]],
    axis: str,
    *,
    marks: Sequence[float] = (),
    note: str = "",
) -> Chart:
    """Shares per bin, a stepped line per series; ``edges`` are one more than the bins; ``marks`` dashed."""
    values = [
        {"x": edge, "series": name, "share": [*column, column[-1] if column else 0.0][place]}
        for name, column in shares.items()
        for place, edge in enumerate(edges)
    ]
    single = len(shares) == 1
    line = {
        "mark": {
            "type": "area" if single else "line",
            "interpolate": "step-after",
            "line": {"color": COLOURS[0]} if single else False,
            "fillOpacity": 0.25 if single else 0,
            "strokeWidth": 1.5,
        },
        "encoding": {
            "x": {
                "field": "x",
                "type": "quantitative",
                "title": axis,
                "axis": {"grid": False, "tickCount": 5},
            },
            "y": share_axis(),
            "color": colour_of(list(shares)),
        },
    }
    spec = {**frame(values), "height": 170, "layer": [line, *(vertical(mark) for mark in marks)]}
    said = "; ".join(f"{name}: most between {_mode(edges, column)}" for name, column in shares.items())
    return Chart(title, f"{title}, {axis}. {said}", spec, () if single else _legend(list(shares)), note)


def intervals(
    title: str,
    rows: Sequence[tuple[str, float, float, float, str]],
    limit: float | None,
    form: Format,
    axis: str,
    note: str = "",
) -> Chart:
    """``(label, low, value, high, state)`` with state judged, crossed or shown; dashed lines at ± limit."""
    values = [
        {"label": label, "low": low, "value": value, "high": high, "state": state, "text": form(value)}
        for label, low, value, high, state in rows
    ]
    reach = max([max(abs(low), abs(high)) for _, low, _, high, _ in rows] + [limit or 0.0, 1e-9]) * 1.08
    x = {"scale": {"domain": [-reach, reach], "nice": False}, "title": axis}
    x["axis"] = {"grid": True, "tickCount": 5, "format": "+.0%"}
    colour = {
        "field": "state",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": list(_STATES), "range": [s[0] for s in _STATES.values()]},
    }
    whisker = {
        "mark": {"type": "rule", "strokeWidth": 2},
        "encoding": {
            "x": {"field": "low", "type": "quantitative", **x},
            "x2": {"field": "high"},
            "color": colour,
        },
    }
    shape = {**colour, "scale": {"domain": list(_STATES), "range": [s[1] for s in _STATES.values()]}}
    dot = {
        "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
        "encoding": {"x": {"field": "value", "type": "quantitative", **x}, "color": colour, "shape": shape},
    }
    lines = [vertical(0.0, solid=True)] + [vertical(sign * limit) for sign in (-1, 1) if limit]
    spec = {
        **frame(values),
        "height": {"step": ROW},
        "encoding": {"y": labels()},
        "layer": [*lines, whisker, dot],
    }
    said = "; ".join(
        f"{label} {form(value)} ({form(low)} to {form(high)}, {state})"
        for label, low, value, high, state in rows
    )
    legend = [Legend(f"{state}", 0, s[2]) for state, s in _STATES.items() if any(r[4] == state for r in rows)]
    return Chart(title, f"{title}. {said}", spec, legend, note)


_STATES = {
    "judged": ("var(--s1)", "circle", "dot-judged"),
    "crossed": ("var(--bad)", "triangle-up", "dot-crossed"),
    "shown": ("var(--muted)", "diamond", "dot-shown"),
}


def described(title: str, rows: Sequence[tuple[str, float]], form: Format) -> str:
    """The alternative text of a bar chart: its numbers."""
    return f"{title}: " + "; ".join(f"{label} {form(value)}" for label, value in rows)


def _legend(series: Sequence[str]) -> list[Legend]:
    return [Legend(name, place + 1) for place, name in enumerate(series)]


def _mode(edges: Sequence[float], column: Sequence[float]) -> str:
    if not column:
        return "nothing"
    place = max(range(len(column)), key=column.__getitem__)
    return f"{edges[place]:g} and {edges[place + 1]:g}"
