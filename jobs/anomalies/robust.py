"""Robust z-scores: distance from a group's median in median absolute deviations (Hampel 1974)."""

from __future__ import annotations

import polars as pl

from jobs.anomalies.rules import Number, Table

SHOWN = 20
MIN_GROUP = 20
"""Groups of fewer people (or records) have no median worth the name: their values are not judged."""


def learn(frame: pl.DataFrame, number: Number, person: str) -> pl.DataFrame:
    """Group → median, mad (at least ``number.least``)."""
    value = number.value.cast(pl.Float64).alias("value")
    values = frame.select(pl.col(person).alias("who"), number.group.alias("group"), value)
    values = values.filter(pl.col("value").is_finite())
    medians = values.group_by("group").agg(
        pl.col("value").median().alias("median"), pl.col("who").n_unique().alias("n")
    )
    off = values.join(medians, on="group").with_columns(
        (pl.col("value") - pl.col("median")).abs().alias("off")
    )
    spread = off.group_by("group").agg(mad=pl.col("off").median())
    mad = pl.max_horizontal("mad", pl.lit(number.least))
    known = medians.join(spread, on="group").filter(pl.col("n") >= MIN_GROUP)
    return known.select("group", "median", mad.alias("mad")).sort("group")


def score(frame: pl.DataFrame, number: Number, reference: pl.DataFrame) -> pl.DataFrame:
    """A row a judged value: row (of ``frame``), value, median, z; values of unknown groups are left out."""
    values = frame.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
        number.group.alias("group"),
        number.value.cast(pl.Float64).alias("value"),
    )
    judged = values.filter(pl.col("value").is_finite()).join(reference, on="group", maintain_order="left")
    z = (pl.col("value") - pl.col("median")) / pl.col("mad")
    return judged.select("row", "group", "value", "median", z.alias("z"))


def furthest(scored: pl.DataFrame, frame: pl.DataFrame, number: Number, table: Table) -> pl.DataFrame:
    """The SHOWN values furthest from their medians: who, when, number, group, value, median, z.

    Equally far ones are ranked by who and when, so that the order of rows decides nothing.
    """
    cut = scored["z"].abs().top_k(SHOWN).min()
    far = scored.filter(pl.col("z").abs() >= cut)
    when = pl.col(table.when).cast(pl.String) if table.when else pl.lit("")
    rows = frame[far["row"]].select(pl.col(table.person).alias("who"), when.alias("when"))
    named = rows.with_columns(pl.lit(number.name).alias("number"))
    return ranked(pl.concat([named, far.drop("row")], how="horizontal"))


def ranked(rows: pl.DataFrame) -> pl.DataFrame:
    """The first SHOWN, furthest first."""
    order = [pl.col("z").abs().round(6), pl.col("who"), pl.col("when"), pl.col("number")]
    return rows.sort(order, descending=[True, False, False, False]).head(SHOWN)
