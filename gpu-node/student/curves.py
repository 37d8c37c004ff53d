"""The curves of a training as one page: ``curves.html``, in the look of the quality reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from fitsense.reporting.elements import Chart, Legend
from fitsense.reporting.render import HERE, svg
from fitsense.reporting.vega import COLOURS, Spec, frame, vertical
from student.watch import Point

_POINTS = 300
"""Of a drawn line; a longer training is averaged down to them."""
_SMOOTH = 25
"""Points of the trend's running mean, half of them on each side."""
_STEEP = 5.0
"""A loss that falls by more is drawn on a logarithmic axis: what matters is at its end."""


def curves_page(
    title: str, facts: Mapping[str, str], points: Sequence[Point], losses: Mapping[int, float], best: int
) -> str:
    """One self-contained document: key numbers, then loss and speed of each phase.

    ``losses`` are validation's by step of the phase ``tuning``, ``best`` the step whose weights were kept.
    """
    charts = list(_charts(points, losses, best))
    tiles = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for label, value in facts.items()
    )
    figures = "".join(_figure(chart, f"c{place}") for place, chart in enumerate(charts))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{(HERE / 'page.css').read_text()}</style></head><body><main><h1>{escape(title)}</h1>"
        f'<dl class="tiles">{tiles}</dl><section><h2>Curves</h2><div class="grid">{figures}</div></section>'
        "</main></body></html>\n"
    )


def _figure(chart: Chart, name: str) -> str:
    keys = "".join(
        f'<li><i class="{key.shape} s{key.colour}" aria-hidden="true"></i>{escape(key.label)}</li>'
        for key in chart.legend
    )
    return (
        f'<figure><figcaption>{escape(chart.title)}</figcaption><ul class="legend">{keys}</ul>'
        f'{svg(chart, name)}<p class="note">{escape(chart.note)}</p></figure>'
    )


def _charts(points: Sequence[Point], losses: Mapping[int, float], best: int) -> Iterator[Chart]:
    for phase in dict.fromkeys(point.phase for point in points):
        own = [point for point in points if point.phase == phase]
        tuning = phase == "tuning"
        yield _loss(phase, own, losses if tuning else {}, best if tuning else 0)
        if any(point.seconds for point in own):
            yield _speed(phase, own)


def _loss(phase: str, points: Sequence[Point], losses: Mapping[int, float], best: int) -> Chart:
    """Each step faintly, their trend, and validation."""
    seen = thinned([(p.step, p.loss) for p in points if p.loss == p.loss], _POINTS)
    shown = [loss for _, loss in seen] + list(losses.values())
    steep = bool(shown) and min(shown) > 0 and max(shown) / min(shown) > _STEEP
    layers = [_line(seen, COLOURS[0], 0.3, steep), _line(trend(seen), COLOURS[0], 1.0, steep)]
    legend = [Legend("training, a step and its trend", 1)]
    note = f"{len(points):,} steps"
    if losses:
        layers += [_line(sorted(losses.items()), COLOURS[1], 1.0, steep, dots=True), vertical(best)]
        legend += [Legend("validation", 2)]
        note += f"; best on validation: {losses.get(best, float('nan')):.4f} at step {best:,} (dashed), kept"
    elif seen:
        note += f"; {trend(seen)[-1][1]:.4f} at the end"
    title = f"Loss, {phase}: nats a token of the answer"
    return Chart(title, f"{title}. {note}", _layered(layers), legend, note)


def _speed(phase: str, points: Sequence[Point]) -> Chart:
    timed = [(p.step, p.tokens / p.seconds) for p in points if p.seconds]
    seen = thinned(timed, _POINTS)
    tokens, seconds = sum(p.tokens for p in points), sum(p.seconds for p in points)
    layers = [_line(seen, COLOURS[0], 0.3), _line(trend(seen), COLOURS[0], 1.0)]
    note = f"{tokens:,} tokens in {seconds:,.0f} s; saving and validation are in the step after them"
    title = f"Speed, {phase}: tokens a second"
    return Chart(title, f"{title}. {note}", _layered(layers), [Legend("a step and its trend", 1)], note)


def _layered(layers: list[Spec]) -> Spec:
    return {**frame([]), "height": 200, "layer": layers}


def _line(
    rows: Sequence[tuple[int, float]], colour: str, opacity: float, steep: bool = False, *, dots: bool = False
) -> Spec:
    scale = {"type": "log", "nice": False} if steep else {"zero": False}
    return {
        "data": {"values": [{"step": step, "value": value} for step, value in rows]},
        "mark": {
            "type": "line",
            "color": colour,
            "opacity": opacity,
            "strokeWidth": 1.5,
            "point": {"color": colour, "size": 30} if dots else False,
        },
        "encoding": {
            "x": {
                "field": "step",
                "type": "quantitative",
                "title": "step",
                "axis": {"grid": False, "tickCount": 5},
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": None,
                "scale": scale,
                "axis": {"tickCount": 5, "format": "~g" if steep else ",~r"},
            },
        },
    }


def thinned(rows: Sequence[tuple[int, float]], count: int) -> list[tuple[int, float]]:
    """At most ``count`` means of neighbours, each at its last step."""
    width = max(1, -(-len(rows) // count))
    groups = [rows[start : start + width] for start in range(0, len(rows), width)]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]


def trend(rows: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """The running mean; at the ends over what there is."""
    half = _SMOOTH // 2
    near = ([value for _, value in rows[max(0, at - half) : at + half + 1]] for at in range(len(rows)))
    return [(step, sum(values) / len(values)) for (step, _), values in zip(rows, near, strict=True)]
