"""The curves of a training as one page: ``curves.html``, in the look of the quality reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from jobs.reporting.elements import Chart
from jobs.reporting.render import HERE, svg
from jobs.reporting.vega import COLOURS, Spec, colour_of, frame
from student.watch import Point

_POINTS = 120
"""Of a drawn line; a longer training is averaged down to them."""


def curves_page(
    title: str, facts: Mapping[str, str], points: Sequence[Point], losses: Mapping[int, float]
) -> str:
    """One self-contained document: key numbers, then a chart for each phase."""
    charts = [
        _chart(f"Loss, {phase}", [p for p in points if p.phase == phase], losses if phase == "tuning" else {})
        for phase in dict.fromkeys(point.phase for point in points)
    ]
    tiles = "".join(
        f'<div class="tile"><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>'
        for label, value in facts.items()
    )
    figures = "".join(
        f'<figure class="card"><figcaption>{escape(chart.title)}</figcaption>{svg(chart, f"c{place}")}'
        f"<p>{escape(chart.note)}</p></figure>"
        for place, chart in enumerate(charts)
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{(HERE / 'page.css').read_text()}</style></head><body><main><h1>{escape(title)}</h1>"
        f'<dl class="tiles">{tiles}</dl><section><div class="charts">{figures}</div></section>'
        "</main></body></html>\n"
    )


def _chart(title: str, points: Sequence[Point], losses: Mapping[int, float]) -> Chart:
    rows: list[Spec] = [
        {"step": step, "loss": loss, "series": "train"} for step, loss in smoothed(points, _POINTS)
    ]
    rows += [{"step": step, "loss": loss, "series": "validation"} for step, loss in sorted(losses.items())]
    series = ["train", "validation"] if losses else ["train"]
    line: dict[str, Any] = {
        "mark": {"type": "line", "strokeWidth": 1.5, "color": COLOURS[0], "point": bool(losses)},
        "encoding": {
            "x": {
                "field": "step",
                "type": "quantitative",
                "title": "step",
                "axis": {"grid": False, "tickCount": 5},
            },
            "y": {"field": "loss", "type": "quantitative", "title": None, "scale": {"zero": False}},
            "color": colour_of(series),
        },
    }
    last = rows[-1]["loss"] if rows else float("nan")
    note = f"{len(points)} steps; at the end {last:.3f} nats a token of the answer"
    return Chart(title, f"{title}: {note}", {**frame(rows), "height": 170, "layer": [line]}, note=note)


def smoothed(points: Sequence[Point], count: int) -> list[tuple[int, float]]:
    """At most ``count`` means of neighbours, each at its last step; steps without a loss are left out."""
    known = [point for point in points if point.loss == point.loss]
    width = max(1, -(-len(known) // count))
    groups = [known[start : start + width] for start in range(0, len(known), width)]
    return [(group[-1].step, sum(p.loss for p in group) / len(group)) for group in groups]
