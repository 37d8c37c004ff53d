"""``metrics.json``: what a training did, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from fitsense.models.manifest import Base
from student.flops import peak_flops
from student.watch import Point

if TYPE_CHECKING:
    from student.tuning import Tuned

CURVE = "curve.json"
"""Beside a base that was made here: its steps as ``[step, loss, tokens]``; no clock in it."""


def write_curve(points: Sequence[Point], folder: Path) -> None:
    rows = [[point.step, None if point.loss != point.loss else point.loss, point.tokens] for point in points]
    (folder / CURVE).write_bytes(orjson.dumps(rows))


def base_points(folder: Path) -> list[Point]:
    """The curve that came with the base; none for a base from elsewhere."""
    path = folder / CURVE
    rows = orjson.loads(path.read_bytes()) if path.exists() else []
    return [
        Point("base", step, float("nan") if loss is None else loss, tokens, 0.0)
        for step, loss, tokens in rows
    ]


def summary(version: str, base: Base, tuned: Tuned, points: Sequence[Point]) -> dict[str, Any]:
    """Losses are nats a token of the answer; seconds are of this version's fine-tuning steps alone.

    ``mfu`` is the share of a known GPU's peak in bfloat16 that the mathematics took, else None.
    """
    tuning = [point for point in points if point.phase == "tuning"]
    seconds, tokens = sum(p.seconds for p in tuning), sum(p.tokens for p in tuning)
    peak = peak_flops()
    return {
        "version": version,
        "base": base.model_dump(mode="json"),
        "records": {
            "train": len(tuned.corpus.train),
            "val": len(tuned.corpus.val),
            "left_out": tuned.corpus.left_out,
            "unread": tuned.corpus.unread,
        },
        "steps": tuned.steps,
        "best_step": tuned.best_step,
        "tokens": tokens,
        "seconds": round(seconds, 3),
        "tokens_per_s": round(tokens / seconds, 1) if seconds else None,
        "flops": tuned.flops,
        "mfu": round(tuned.flops / seconds / peak, 4) if seconds and peak else None,
        "train_loss": tuning[-1].loss if tuning else None,
        "validation_loss": {str(step): loss for step, loss in tuned.validation.items()},
        "base_steps": sum(point.phase == "base" for point in points),
        "base_tokens": sum(point.tokens for point in points if point.phase == "base"),
    }


def tiles(metrics: dict[str, Any]) -> dict[str, str]:
    """The key numbers of the page."""
    best = metrics["validation_loss"].get(str(metrics["best_step"]))
    mfu = {} if metrics["mfu"] is None else {"Of the GPU's peak": f"{metrics['mfu']:.0%}"}
    return mfu | {
        "Steps": str(metrics["steps"]),
        "Best step": str(metrics["best_step"]),
        "Validation loss": "none" if best is None else f"{best:.3f}",
        "Tokens": f"{metrics['tokens']:,}",
        "Tokens a second": "none" if metrics["tokens_per_s"] is None else f"{metrics['tokens_per_s']:,.0f}",
        "Records": f"{metrics['records']['train']:,}",
    }
