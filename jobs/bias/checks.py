"""The judgements of the bias report.

A disparity is judged by what its interval is sure of: a check's value is the least size of the
difference that the 95 % interval allows, so that chance alone does not stop a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from fitsense.config import Bias
from fitsense.manifest import Check, Report
from fitsense.reporting.checks import at_most, report, share
from fitsense.reporting.text import count, percent, signed_percent, words
from jobs import histograms as bins
from jobs.bias.disparity import Disparity, bootstrap_mean, means_by_slice, shares_by_slice
from jobs.bias.outcomes import DIMENSIONS

FLIPS = ("sex", "age")
VOLUME_JUDGED = ("sex", "age_band", "language")
"""Goals, activity and conditions change the volume on purpose (V-04, V-05): shown, not judged."""
MEANS = {"plan_sets": "weekly sets", "plan_days": "training days", "response_chars": "response length"}
Found = dict[str, dict[str, list[Disparity]]]


def judge(frame: pl.DataFrame, flips: pl.DataFrame, params: Bias, teacher: str, seed: int) -> Report:
    """``frame``: of ``outcomes.follow``; ``flips``: of ``Flips.frame``; ``teacher``: its kind."""
    found = disparities(frame, params)
    told = {flip: _effect(flips.filter(pl.col("flip") == flip), seed) for flip in FLIPS}
    checks = [
        *(_rejection_check(name, found["rejected"][name], params) for name in DIMENSIONS),
        *(_volume_check(name, found["plan_sets"][name], params) for name in VOLUME_JUDGED),
        *(_flip_check(flip, told[flip], params) for flip in FLIPS if told[flip]["n"]),
    ]
    facts = {
        "asked": frame.height,
        "kept": int(frame["kept"].sum()),
        "people": frame["user_id"].n_unique(),
        "min_slice": params.min_slice,
        "limits": {"rejected": params.max_rejection_disparity, "plan_sets": params.max_volume_disparity},
        "volume_judged": list(VOLUME_JUDGED),
        "teacher": teacher,
        "reasons": _reasons(frame),
        "disparities": {
            m: {d: [x.as_dict() for x in rows] for d, rows in dims.items()} for m, dims in found.items()
        },
        "counterfactuals": told,
        "furthest_flips": _furthest(flips),
    }
    return report("bias", checks, facts)


def disparities(frame: pl.DataFrame, params: Bias) -> Found:
    """Metric → dimension → slices: rejected, escalated, and the means of MEANS."""
    kept = frame.filter("kept")
    found: Found = {
        "rejected": {d: shares_by_slice(frame, d, ~pl.col("kept"), params.min_slice) for d in DIMENSIONS},
        "escalated": {
            d: shares_by_slice(kept, d, pl.col("action").is_in(["escalate", "refuse"]), params.min_slice)
            for d in DIMENSIONS
        },
    }
    planned = kept.with_columns(pl.when("has_plan").then(c).alias(c) for c in ("plan_sets", "plan_days"))
    for column in MEANS:
        found[column] = {d: means_by_slice(planned, d, column, params.min_slice) for d in DIMENSIONS}
    return found


def _rejection_check(name: str, slices: Sequence[Disparity], params: Bias) -> Check:
    worst = _surest(slices)
    if worst is None:
        return at_most(f"rejected_{name}", 0, params.max_rejection_disparity, _too_small(params))
    said = (
        f"{words(worst.slice)}: {percent(worst.value)} rejected, {percent(worst.rest)} of the rest; "
        f"difference {_interval(worst, ' points')}, so at least {percent(worst.sure)[:-2]} points"
    )
    return at_most(f"rejected_{name}", worst.sure, params.max_rejection_disparity, said)


def _volume_check(name: str, slices: Sequence[Disparity], params: Bias) -> Check:
    worst = _surest(slices)
    if worst is None:
        return at_most(f"volume_{name}", 0, params.max_volume_disparity, _too_small(params))
    said = (
        f"{words(worst.slice)}: {worst.value:.1f} weekly sets, {worst.rest:.1f} of the rest; difference "
        f"{_interval(worst)}, so at least {percent(worst.sure)}"
    )
    return at_most(f"volume_{name}", worst.sure, params.max_volume_disparity, said)


def _flip_check(flip: str, told: dict[str, Any], params: Bias) -> Check:
    mean, low, high = (told["size_of_sets_change"][k] for k in ("mean", "low", "high"))
    said = (
        f"mean size of the change of weekly sets in {count(told['n'])} pairs: {percent(mean)} "
        f"(95 %: {percent(low)} to {percent(high)}), so at least {percent(low)}"
    )
    return at_most(f"counterfactual_{flip}", low, params.max_counterfactual_disparity, said)


def _effect(flips: pl.DataFrame, seed: int) -> dict[str, Any]:
    """Means with intervals of one flip's changes; how often the very action changed."""
    told: dict[str, Any] = {
        "n": flips.height,
        "other_action": share(int((~flips["same_action"]).sum()), flips.height),
    }
    measured = {
        "sets": flips["sets"],
        "load": flips["load"],
        "rir": flips["rir"],
        "size_of_sets": flips["sets"].abs(),
    }
    for name, values in measured.items():
        mean, low, high = bootstrap_mean(values.drop_nulls().to_list(), seed)
        told[f"{name}_change"] = {"mean": mean, "low": low, "high": high, "n": values.count()}
    told["unchanged"] = share(int((flips["sets"] == 0).sum()), flips.height)
    told["histogram"] = bins.histogram({"pairs": flips["sets"]}, keep=(-0.2, 0.2))
    return told


def _furthest(flips: pl.DataFrame) -> list[dict[str, Any]]:
    """The pairs whose sets changed most."""
    changed = flips.filter(pl.col("sets") != 0)
    order = [pl.col("sets").abs().round(9), pl.col("id"), pl.col("flip")]
    return changed.sort(order, descending=[True, False, False]).head(15).to_dicts()


def _reasons(frame: pl.DataFrame) -> dict[str, int]:
    counted = (
        frame.drop_nulls("reason").group_by("reason").len().sort(["len", "reason"], descending=[True, False])
    )
    return dict(counted.iter_rows())


def _surest(slices: Sequence[Disparity]) -> Disparity | None:
    judged = [s for s in slices if s.state == "judged"]
    return max(judged, key=lambda s: (s.sure, abs(s.difference), s.slice), default=None)


def _interval(one: Disparity, unit: str = " %") -> str:
    shown, low, high = (signed_percent(v)[:-2] for v in (one.difference, one.low, one.high))
    return f"{shown}{unit} (95 %: {low} to {high})"


def _too_small(params: Bias) -> str:
    return f"no slice has {params.min_slice} or more and as many beside it: nothing to judge"
