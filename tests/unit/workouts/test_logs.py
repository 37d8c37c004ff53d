"""The three tables: valid records that agree with each other, the same bytes every time."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fitsense.config import Workouts
from fitsense.records import DayLog, Record, SetLog, WeekSummary
from fitsense.training.load.rounding import KG_PER_LB
from jobs.workouts import SCHEMAS
from jobs.workouts.logs import transform
from jobs.workouts.note_texts import AREAS, ORDINARY, RED_FLAGS
from jobs.workouts.notes import CHANCE, KINDS
from jobs.workouts.tables import PartFile
from tests.unit.workouts.people import copies, logs, population

RECORDS: dict[str, type[Record]] = {"sets": SetLog, "days": DayLog, "weeks": WeekSummary}


@pytest.mark.parametrize("table", RECORDS)
def test_rows_are_valid_records(table: str) -> None:
    frame, record = logs().frame(table), RECORDS[table]
    assert frame.columns == list(record.model_fields)
    for row in frame.gather_every(max(1, frame.height // 500)).to_dicts():
        record.model_validate(row)


def test_every_person_has_every_day_and_week() -> None:
    days, weeks = logs().frame("days"), logs().frame("weeks")
    assert days.select("user_id", "date").n_unique() == days.height == population().height * 8 * 7
    assert weeks.select("user_id", "week").n_unique() == weeks.height == population().height * 8
    assert weeks["user_id"].unique(maintain_order=True).to_list() == population()["user_id"].to_list()


def test_sets_come_in_order_and_once() -> None:
    sets = logs().frame("sets")
    order = ["user_id", "date", "session"]
    assert sets.select(order).equals(sets.sort(order, maintain_order=True).select(order))
    key = ["user_id", "date", "exercise_id", "set_index"]
    assert sets.select(key).n_unique() == sets.height


def test_week_summaries_agree_with_sets() -> None:
    counted = (
        logs().frame("sets").with_columns(kg=pl.col("weight_kg").fill_null(0) * pl.col("reps"))
        .group_by("user_id", "week")
        .agg(n=pl.len(), t=pl.sum("kg"), r=pl.mean("rir"), s=pl.n_unique("session"))
    )  # fmt: skip
    both = logs().frame("weeks").join(counted, on=["user_id", "week"], how="left")
    both = both.with_columns(pl.col("n", "t", "s").fill_null(0))
    assert (both["sets"] == both["n"]).all()
    assert (both["done_sessions"] == both["s"]).all()
    assert (both["tonnage_kg"] - both["t"]).abs().max() < 0.1  # type: ignore[operator]
    assert (both["mean_rir"] - both["r"]).abs().max() < 0.01  # type: ignore[operator]
    assert both.filter(pl.col("n") == 0)["mean_rir"].null_count() == both.filter(pl.col("n") == 0).height


def test_week_summaries_agree_with_days() -> None:
    start = logs().frame("days")["date"].min()
    days = (
        logs().frame("days").with_columns(week=((pl.col("date") - start).dt.total_days() // 7).cast(pl.Int16))
    )
    means = days.group_by("user_id", "week").agg(
        pl.mean("sleep_h", "kcal", "weight_kg"), pl.sum("planned_session", "done_session")
    )
    both = logs().frame("weeks").join(means, on=["user_id", "week"])
    assert both.height == logs().frame("weeks").height
    assert (both["planned_sessions"] == both["planned_session"]).all()
    assert (both["done_sessions"] == both["done_session"]).all()
    assert (both["sleep_mean_h"] - both["sleep_h"]).abs().max() < 0.01  # type: ignore[operator]
    assert (both["kcal_mean"] - both["kcal"]).abs().max() <= 0.5  # type: ignore[operator]
    assert (both["weight_mean_kg"] - both["weight_kg"]).abs().max() < 0.01  # type: ignore[operator]


def test_sets_were_done_on_days_that_say_so() -> None:
    trained = logs().frame("sets").select("user_id", "date").unique()
    said = logs().frame("days").filter("done_session").select("user_id", "date")
    assert trained.sort(trained.columns).equals(said.sort(said.columns))
    days = logs().frame("days")
    assert days.filter(pl.col("done_session") & ~pl.col("planned_session")).is_empty()
    assert days.filter((pl.col("pain") > 0) != pl.col("pain_area").is_not_null()).is_empty()


def test_some_values_are_missing_and_none_is_impossible() -> None:
    days = logs().frame("days")
    for name, low, high in (("sleep_h", 2.5, 11), ("kcal", 700, 6500), ("weight_kg", 35, 220)):
        assert 0.02 < days[name].null_count() / days.height < 0.5
        assert days[name].drop_nulls().is_between(low, high).all()
    assert logs().frame("sets")["reps"].is_between(1, 36).all()


def test_pounds_are_lifted_in_pounds() -> None:
    found = transform(copies(20, units="lb"), Workouts(weeks=2), 1, 0).frame("sets")
    pounds = found.filter(pl.col("exercise_id") == "hp06")["planned_kg"].drop_nulls() / KG_PER_LB
    assert len(pounds) > 0
    assert (pounds / 5 - (pounds / 5).round()).abs().max() < 0.01  # type: ignore[operator]


def test_notes_are_few_in_the_persons_language_and_some_are_red_flags() -> None:
    notes = logs().frame("days").join(population().select("user_id", "language"), on="user_id")
    written = notes.filter(pl.col("note").is_not_null())
    assert 0.02 < written.height / notes.height < 0.08
    for language in ORDINARY:
        flags = {text for texts in RED_FLAGS[language].values() for text in texts}
        own = written.filter(pl.col("language") == language)
        assert own.height > 20
        assert own["note"].is_in(list(flags)).sum() <= 0.05 * own.height
    assert (
        written["note"].is_in([t for flags in RED_FLAGS.values() for ts in flags.values() for t in ts]).any()
    )
    assert written["note"].str.contains(r"[{}]").sum() == 0
    assert written.filter(pl.col("language") == "hi")["note"].str.contains("[\u0900-\u097f]").all()


def test_note_texts_are_complete_in_every_language() -> None:
    for language in ORDINARY:
        assert set(ORDINARY[language]) | {"red_flag", "pain_start"} == set(KINDS) == set(CHANCE)
        assert set(RED_FLAGS[language]) == set(RED_FLAGS["en"])
        assert set(AREAS[language]) == set(logs().names["pain_area"])


def test_red_flags_of_a_condition_are_written_by_those_who_have_it() -> None:
    healthy = transform(copies(400), Workouts(weeks=12), 2, 0).frame("days")["note"].drop_nulls()
    assert not healthy.is_in([*RED_FLAGS["en"]["X-HYPO"], *RED_FLAGS["en"]["C-PREG-STOP"]]).any()
    assert healthy.is_in(RED_FLAGS["en"]["X-CARD"]).any()


def written(folder: Path, seed: int) -> dict[str, str]:
    """Checksums of the part's files, of two blocks."""
    folder.mkdir()
    sums = {}
    for name, schema in SCHEMAS.items():
        with PartFile(folder / name, schema) as file:
            for block in range(2):
                found = transform(population().slice(block * 40, 40), Workouts(weeks=3), seed, 0, block)
                file.append(found.columns[name], found.names)
        sums[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return sums


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    first, again, other = (written(tmp_path / name, seed) for name, seed in (("a", 5), ("b", 5), ("c", 6)))
    assert first == again
    assert set(first.values()).isdisjoint(other.values())


def test_files_read_back_with_plain_types(tmp_path: Path) -> None:
    written(tmp_path / "a", 5)
    sets = pl.read_parquet(tmp_path / "a" / "sets")
    assert sets.schema["exercise_id"] == sets.schema["user_id"] == pl.String
    assert sets.schema["date"] == pl.Date
    days = pl.read_parquet(tmp_path / "a" / "days")
    assert days["note"].null_count() > days.height / 2
    assert days.height == 80 * 21


@pytest.mark.parametrize("params", [{"miss_rate": 1.0}, {"pain_rate": 1.0}, {"weeks": 1}, {"rir_noise": 0.0}])
def test_the_edges_of_the_config_hold(params: dict[str, Any]) -> None:
    found = transform(copies(12), Workouts(**{"weeks": 2, **params}), 2**53 - 1, 0)
    weeks = found.frame("weeks")
    assert weeks.height == 12 * (params.get("weeks", 2))
    assert weeks["sets"].sum() == found.frame("sets").height
    assert (weeks["sets"].sum() == 0) == ("miss_rate" in params)
    assert WeekSummary.model_validate(weeks.row(0, named=True))
