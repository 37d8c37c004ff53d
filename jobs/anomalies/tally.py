"""Counts over all parts of all tables: memory holds one part, and what people add up to."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import polars as pl

from jobs.anomalies.robust import SHOWN, furthest, learn, ranked, score
from jobs.anomalies.rules import TABLES, Table
from jobs.anomalies.series import people

REFERENCE_PARTS = 8
"""Parts that medians are learned from; a part is some hundred people."""
REFERENCE_ROWS = 50_000
"""Rows of each of them."""


class Tally:
    """``learn`` a table before ``add``; ``add_whole`` does both for a table in one piece."""

    def __init__(self, limit: float, profiles: pl.DataFrame) -> None:
        self.limit = limit
        self.rows: Counter[str] = Counter()
        self.impossible_rows: Counter[str] = Counter()
        self.broken: dict[str, Counter[str]] = defaultdict(Counter)
        self.judged: dict[str, Counter[str]] = defaultdict(Counter)
        self.outliers: dict[str, Counter[str]] = defaultdict(Counter)
        self.references: dict[tuple[str, str], pl.DataFrame] = {}
        self.samples: dict[str, pl.DataFrame] = {}
        self._needs = profiles.select("user_id", "tdee_kcal", start_kg="weight_kg")
        self._worst: dict[str, pl.DataFrame] = {}
        self._impossible: list[pl.DataFrame] = []
        self._people: list[pl.DataFrame] = []

    def add_whole(self, name: str, frame: pl.DataFrame) -> None:
        self.learn(name, frame)
        self.add(name, frame)

    def learn(self, name: str, frame: pl.DataFrame) -> None:
        """Medians and spreads of every number of the table."""
        frame = self._joined(name, frame)
        self.samples[name] = frame
        for number in TABLES[name].numbers:
            self.references[name, number.name] = learn(frame, number, TABLES[name].person)

    def add(self, name: str, frame: pl.DataFrame) -> None:
        frame, table = self._joined(name, frame), TABLES[name]
        self.rows[name] += frame.height
        self._count_impossible(name, table, frame)
        self._count_outliers(name, table, frame)
        if name == "days":
            self._people.append(people(frame, frame))

    def people(self) -> pl.DataFrame:
        """See ``series.people``."""
        return pl.concat(self._people)

    def worst(self) -> pl.DataFrame:
        """The furthest values of each table: table, who, when, number, group, value, median, z."""
        named = [frame.select(pl.lit(name).alias("table"), "*") for name, frame in self._worst.items()]
        return pl.concat(named)

    def impossible(self) -> pl.DataFrame:
        """Some rows that cannot be: table, who, when, what."""
        schema = dict.fromkeys(("table", "who", "when", "what"), pl.String)
        return pl.concat([pl.DataFrame(schema=schema), *self._impossible])

    def _joined(self, name: str, frame: pl.DataFrame) -> pl.DataFrame:
        if name != "days" or "tdee_kcal" in frame.columns:
            return frame
        return frame.join(self._needs, on="user_id", how="left", maintain_order="left")

    def _count_impossible(self, name: str, table: Table, frame: pl.DataFrame) -> None:
        broken = frame.select(rule.broken.fill_null(False).alias(rule.name) for rule in table.rules)
        rows = broken.select(pl.any_horizontal(pl.all())).to_series()
        self.impossible_rows[name] += int(rows.sum())
        for rule in table.rules:
            self.broken[name][rule.name] += int(broken[rule.name].sum())
            bad = frame.filter(broken[rule.name]).head(SHOWN - self._shown(name))
            if bad.height:
                when = pl.col(table.when).cast(pl.String) if table.when else pl.lit("")
                named = (pl.lit(name).alias("table"), pl.col(table.person).alias("who"), when.alias("when"))
                self._impossible.append(bad.select(*named, pl.lit(rule.says).alias("what")))

    def _shown(self, name: str) -> int:
        return sum(frame.height for frame in self._impossible if frame["table"][0] == name)

    def _count_outliers(self, name: str, table: Table, frame: pl.DataFrame) -> None:
        found = [self._worst[name]] if name in self._worst else []
        for number in table.numbers:
            scored = score(frame, number, self.references[name, number.name])
            self.judged[name][number.name] += scored.height
            self.outliers[name][number.name] += int((scored["z"].abs() > self.limit).sum())
            found.append(furthest(scored, frame, number, table))
        self._worst[name] = ranked(pl.concat(found))


def reference_parts(parts: int, seed: int) -> list[int]:
    """Numbers of the parts that medians are learned from, ascending."""
    chosen = np.random.default_rng([seed, parts]).choice(parts, min(parts, REFERENCE_PARTS), replace=False)
    return sorted(int(number) for number in chosen)


def thinned(frame: pl.DataFrame) -> pl.DataFrame:
    """At most about REFERENCE_ROWS rows, evenly spaced."""
    return frame.gather_every(max(1, frame.height // REFERENCE_ROWS))
