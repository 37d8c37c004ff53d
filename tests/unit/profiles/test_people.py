"""The population: shares, correlations, rules, determinism."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from fitsense.config import Profiles
from fitsense.records import Profile
from fitsense.training.catalog.exercises import EQUIPMENT
from fitsense.training.nutrition.energy import deficit_forbidden, kcal_floor
from fitsense.training.people.conditions import limits_for, load_conditions
from jobs.profiles import targets
from jobs.profiles.table import to_parquet, transform


def population(users: int, part_users: int, seed: int = 11, **params: Any) -> pl.DataFrame:
    config = Profiles(users=users, part_users=part_users, **params)
    return pl.concat([transform(config, seed, part) for part in range(-(-users // part_users))])


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    return population(3000, 250)


def corr(people: pl.DataFrame, left: str, right: str) -> float:
    return float(people.select(pl.corr(left, right)).item())


def test_every_person_is_a_valid_record_with_an_id_of_its_own() -> None:
    people = population(150, 64)
    assert people.columns == list(Profile.model_fields)
    records = [Profile.model_validate(row) for row in people.to_dicts()]
    assert [one.user_id for one in records] == [f"u{number:08d}" for number in range(150)]


@pytest.mark.parametrize(("users", "part_users"), [(500, 250), (500, 64), (500, 16), (2000, 2000)])
@pytest.mark.parametrize("seed", [1, 2])
def test_shares_are_near_their_targets(users: int, part_users: int, seed: int) -> None:
    people = population(users, part_users, seed)
    for name in ("age_band", "sex", "activity", "experience", "goal"):
        for value, share in targets.SHARES[name].items():
            assert (people[name] == value).mean() == pytest.approx(share, abs=0.02), (name, value)
    for code in targets.MAIN_CONDITIONS:
        held = int(people["conditions"].list.contains(code).sum()) / users
        assert held == pytest.approx(targets.CONDITIONS[code].share, abs=0.01), code


@pytest.mark.parametrize("part_users", [16, 64, 250])
def test_500_people_leave_no_slice_empty(part_users: int) -> None:
    people = population(500, part_users)
    held = people["conditions"].explode().value_counts()
    counts = dict(zip(held["conditions"], held["count"], strict=True))
    # In parts of 16, a rare consequence of a rare condition may find nobody to strike.
    expected = targets.CONDITIONS if part_users >= 64 else targets.MAIN_CONDITIONS
    assert set(counts) >= set(expected)
    assert all(counts[code] >= 5 for code in (*targets.MAIN_CONDITIONS, "obesity"))
    assert all((people["sex"] == sex).sum() >= 7 for sex in targets.SEXES)


def test_languages_follow_the_config() -> None:
    people = population(400, 100, languages={"en": 0.5, "hi": 0.5})
    assert people["language"].value_counts().sort("language").rows() == [("en", 200), ("hi", 200)]
    assert set(people.filter(pl.col("language") == "hi")["units"]) == {"kg"}


def test_codes_are_the_catalogues() -> None:
    assert set(targets.CONDITIONS) | {"obesity"} <= set(load_conditions().conditions)
    assert set(targets.EQUIPMENT) == EQUIPMENT - {"bodyweight"}


def test_only_possible_combinations(people: pl.DataFrame) -> None:
    has = {code: pl.col("conditions").list.contains(code) for code in targets.CONDITIONS}
    expecting = people.filter(has["pregnant"])
    assert set(expecting["sex"]) == {"F"}
    assert expecting["age"].max() <= 45  # type: ignore[operator]
    assert expecting["gestation_weeks"].is_between(1, 42).all()
    assert people.filter(~has["pregnant"])["gestation_weeks"].is_null().all()
    assert people.filter(~has["postpartum"])["postpartum_weeks"].is_null().all()
    assert people.filter(has["pregnant"] & has["postpartum"]).is_empty()
    assert people.filter(has["diabetes_t1"] & has["diabetes_t2"]).is_empty()
    assert people.filter(has["vertebral_fracture"] & ~has["osteoporosis"]).is_empty()
    assert people.filter(has["retinopathy"] & ~(has["diabetes_t1"] | has["diabetes_t2"])).is_empty()
    assert people.filter(pl.col("conditions").list.contains("obesity") != (pl.col("bmi") >= 35)).is_empty()
    assert people.filter(pl.col("training_months") > (pl.col("age") - 15) * 12).is_empty()


def test_energy_targets_keep_the_rules(people: pl.DataFrame) -> None:
    for row in people.to_dicts():
        assert row["kcal_target"] >= kcal_floor(row), "N-03"
        deficit = row["tdee_kcal"] - row["kcal_target"]
        assert deficit <= min(750, 0.25 * row["tdee_kcal"]) + 1, "N-02"
        if row["goal"] == "fat_loss":
            assert not deficit_forbidden(row), "N-08"
            assert deficit * 7 / 7700 <= 0.01 * row["weight_kg"], "N-01"
        if row["age"] >= 65:
            assert deficit <= 501, "N-02"
        if row["days_per_week"] >= 4:
            assert row["kcal_target"] >= row["bmr_kcal"], "N-03"
        lowest = min(20 * (row["height_cm"] / 100) ** 2, row["weight_kg"])
        assert row["target_weight_kg"] >= lowest - 0.5
        assert row["days_per_week"] <= limits_for(row).max_days


def test_draws_are_correlated_as_in_life(people: pl.DataFrame) -> None:
    coded = people.with_columns(
        male=(pl.col("sex") == "M").cast(pl.Float64),
        active=pl.col("activity").replace_strict({name: i for i, name in enumerate(targets.ACTIVITIES)}),
        pressure=pl.col("conditions").list.contains("hypertension").cast(pl.Float64),
    )
    assert corr(coded, "male", "height_cm") > 0.5
    assert corr(coded, "height_cm", "weight_kg") > 0.4
    assert corr(coded, "age", "bmi") > 0.1
    assert corr(coded, "active", "bmi") < -0.1
    assert corr(coded, "active", "training_months") > 0.1
    assert corr(coded, "age", "pressure") > 0.1
    assert corr(coded, "squat_e1rm_kg", "bench_e1rm_kg") > 0.8
    assert corr(coded.filter(pl.col("male") == 1), "training_months", "squat_e1rm_kg") > 0.4
    heavy = coded.group_by("goal").agg(pl.mean("bmi"))
    assert heavy.sort("bmi")["goal"][-1] == "fat_loss"


def test_strength_is_of_the_order_of_published_norms(people: pl.DataFrame) -> None:
    men = people.filter((pl.col("sex") == "M") & pl.col("age").is_between(20, 40))
    medians = men.group_by("experience").agg(pl.median("squat_e1rm_kg", "bench_e1rm_kg"))
    squat = dict(zip(medians["experience"], medians["squat_e1rm_kg"], strict=True))
    assert 55 < squat["novice"] < 95 < squat["intermediate"] < squat["advanced"] < 165
    women = people.filter((pl.col("sex") == "F") & (pl.col("experience") == "novice"))
    assert 15 < float(np.median(women["bench_e1rm_kg"])) < 40


def test_adherence_averages_what_the_simulation_takes_it_for(people: pl.DataFrame) -> None:
    from fitsense.simulation.attendance import MEAN_MISS

    assert 1 - people["adherence"].mean() == pytest.approx(MEAN_MISS, abs=0.01)  # type: ignore[operator]


def test_same_part_same_bytes_and_other_parts_do_not_matter() -> None:
    config = Profiles(users=200, part_users=64)
    alone = to_parquet(transform(config, 5, 2))
    for part in (0, 1):
        transform(config, 5, part)
    assert to_parquet(transform(config, 5, 2)) == alone
    assert to_parquet(transform(config, 6, 2)) != alone
    # More people change the last part's size, not the earlier parts.
    assert to_parquet(transform(Profiles(users=500, part_users=64), 5, 2)) == alone
