"""Day logs as series of a person: gaps, stuck values, jumps, and weight against energy."""

from __future__ import annotations

import polars as pl

STUCK_RUN = 10
"""Equal readings in a row: scales, watches and food logs do not repeat themselves that long."""
JUMP = 0.05
"""Share of body weight between two readings at most JUMP_DAYS apart: more than water explains."""
JUMP_DAYS = 3
KCAL_PER_KG = 7700.0
"""Energy of a kilogram of body mass, kcal (Wishnofsky 1958)."""
WATER_KG = 2.0
UNSEEN = 0.2
"""Share of the need that logs miss and formulas err by: people leave out a tenth of what they eat or
more, and Mifflin-St Jeor is right to a tenth for about eight of ten (Frankenfield 2005)."""
MIN_DAYS = 21
"""Shorter logs say nothing of a trend."""
LOGGED = ("sleep_h", "kcal", "weight_kg")


def people(days: pl.DataFrame, needs: pl.DataFrame) -> pl.DataFrame:
    """A row a person: gap_days, stuck, jump, residual_kg, tolerance_kg.

    ``days``: the day log with tdee_kcal; ``needs``: user_id of whoever logged. residual_kg is the weight
    change that energy does not explain; null for short logs.
    """
    days = days.sort("user_id", "date")
    frames = [_gaps(days), _stuck(days), _jumps(days), _energy(days)]
    found = needs.select("user_id").unique().sort("user_id")
    for frame in frames:
        found = found.join(frame, on="user_id", how="left", maintain_order="left")
    return found


def _gaps(days: pl.DataFrame) -> pl.DataFrame:
    span = (pl.col("date").max() - pl.col("date").min()).dt.total_days() + 1
    return days.group_by("user_id").agg(
        (span - pl.col("date").n_unique()).alias("gap_days"),
        days_logged=pl.len(),
        dates=pl.col("date").n_unique(),
    )


def _stuck(days: pl.DataFrame) -> pl.DataFrame:
    """The longest run of one value among all that a person logs."""
    runs = [_longest_run(days, column) for column in LOGGED]
    return pl.concat(runs).group_by("user_id").agg(pl.col("run").max().alias("stuck"))


def _longest_run(days: pl.DataFrame, column: str) -> pl.DataFrame:
    values = days.select("user_id", value=pl.col(column)).drop_nulls()
    new = (pl.col("value") != pl.col("value").shift()) | (pl.col("user_id") != pl.col("user_id").shift())
    runs = values.with_columns(run=new.fill_null(True).cum_sum()).group_by("user_id", "run").len()
    return runs.group_by("user_id").agg(pl.col("len").max().alias("run"))


def _jumps(days: pl.DataFrame) -> pl.DataFrame:
    """The largest relative change of weight between two readings close in time."""
    read = days.select("user_id", "date", "weight_kg").drop_nulls()
    near = (pl.col("date") - pl.col("date").shift()).dt.total_days() <= JUMP_DAYS
    same = pl.col("user_id") == pl.col("user_id").shift()
    moved = (pl.col("weight_kg") / pl.col("weight_kg").shift() - 1).abs()
    return (
        read.select("user_id", moved=pl.when(near & same).then(moved))
        .group_by("user_id")
        .agg(jump=pl.col("moved").max())
    )


def _energy(days: pl.DataFrame) -> pl.DataFrame:
    """Weight change from the first to the last week of readings, against Σ(eaten - need) / 7,700."""
    weight = pl.col("weight_kg").drop_nulls()
    span = (pl.col("date").max() - pl.col("date").min()).dt.total_days() + 1
    told = days.group_by("user_id").agg(
        actual=weight.tail(7).mean() - weight.head(7).mean(),
        predicted=(pl.col("kcal") - pl.col("tdee_kcal")).mean() * (span - 7) / KCAL_PER_KG,
        need=pl.col("tdee_kcal").first(),
        span=span,
    )
    long = pl.col("span") >= MIN_DAYS
    return told.select(
        "user_id",
        residual_kg=pl.when(long).then(pl.col("actual") - pl.col("predicted")),
        tolerance_kg=WATER_KG + UNSEEN * pl.col("need") * pl.col("span") / KCAL_PER_KG,
    )
