from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitsense.errors import GateFailed
from jobs.dataset.split import SPLITS, assign, make_units
from jobs.dataset.unions import components
from tests.factories import queries

rows_of_users = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 120)), min_size=1, max_size=150)


@settings(max_examples=200, deadline=None)
@given(rows=rows_of_users, seed=st.integers(0, 2**53 - 1))
def test_no_user_and_no_cluster_is_in_two_splits(rows: list[tuple[int, int]], seed: int) -> None:
    users, clusters = (np.array(column) for column in zip(*rows, strict=True))
    try:
        split = assign(make_units(users, clusters), [users % 3], (0.6, 0.2, 0.2), seed)
    except GateFailed:
        return
    for keys in (users, clusters):
        found = defaultdict(set)
        for key, chosen in zip(keys.tolist(), split.tolist(), strict=True):
            found[key].add(chosen)
        assert all(len(splits) == 1 for splits in found.values())
    assert set(split.tolist()) == {0, 1, 2}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_components_are_named_by_their_first_member(pairs: list[tuple[int, int]]) -> None:
    reach = np.eye(31, dtype=bool)
    for a, b in pairs:
        reach[a, b] = reach[b, a] = True
    for _ in range(5):
        reach = reach @ reach
    assert components(31, pairs).tolist() == reach.argmax(axis=1).tolist()
    assert components(31, pairs[::-1]).tolist() == components(31, pairs).tolist()


def test_a_user_links_clusters_and_a_cluster_links_users() -> None:
    units = make_units(np.array([5, 5, 7, 9, 8]), np.array([1, 2, 2, 3, 4]))
    assert len(set(units.of_row[:3].tolist())) == 1
    assert len(set(units.of_row.tolist())) == 3
    assert sorted(zip(units.rows.tolist(), units.users.tolist(), strict=True)) == [(1, 1), (1, 1), (3, 2)]


def sample(n: int = 2000) -> tuple[np.ndarray, list[np.ndarray], list[dict[str, str]]]:
    rows = [
        {"user": q["user_id"], "type": q["type"], "language": q["language"], **q["slices"]}
        for q in queries(n, seed=4)
    ]
    users = np.array([int(row["user"][1:]) for row in rows])
    names = ("type", "language", "age_band", "sex", "goal")
    strata = [np.unique([row[name] for row in rows], return_inverse=True)[1] for name in names]
    return users, strata, [{name: row[name] for name in names} for row in rows]


def test_shares_of_2000_records_of_500_users() -> None:
    users, strata, rows = sample()
    assert len(set(users.tolist())) == 500
    split = assign(make_units(users, np.arange(2000)), strata, (0.8, 0.1, 0.1), seed=1)
    assert np.bincount(split) / 2000 == pytest.approx([0.8, 0.1, 0.1], abs=0.005)
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        for value in set(values.tolist()):
            own = split[values == value]
            shares = np.bincount(own, minlength=3) / len(own)
            # One person has 4 records: of a rare value, that is all the precision there is.
            assert shares == pytest.approx([0.8, 0.1, 0.1], abs=max(0.02, 4 / len(own))), (name, value)


def test_the_seed_decides_who_goes_where() -> None:
    users, strata, _ = sample(400)
    units = make_units(users, np.arange(400))
    first = assign(units, strata, (0.8, 0.1, 0.1), seed=1)
    assert first.tolist() == assign(units, strata, (0.8, 0.1, 0.1), seed=1).tolist()
    assert first.tolist() != assign(units, strata, (0.8, 0.1, 0.1), seed=2).tolist()


def test_a_component_that_a_small_split_cannot_hold_goes_to_train() -> None:
    users = np.repeat(np.arange(100), 4)
    clusters = np.arange(400)
    clusters[(users >= 90) & (clusters % 4 == 0)] = 999  # ten people share one cluster: 10 % of all
    clusters[(users >= 70) & (users < 90) & (clusters % 4 == 0)] = 998  # twenty people: 20 %
    split = assign(make_units(users, clusters), [], (0.8, 0.1, 0.1), seed=3)
    assert set(split[(users >= 70) & (users < 90)].tolist()) == {0}
    assert np.bincount(split) / 400 == pytest.approx([0.8, 0.1, 0.1], abs=0.01)


def test_a_component_larger_than_train_is_an_error_that_says_why() -> None:
    users = np.arange(50)
    clusters = np.where(users < 45, 0, users)
    with pytest.raises(GateFailed, match=r"45 of 50 records \(45 people\) into one component") as caught:
        assign(make_units(users, clusters), [], (0.8, 0.1, 0.1), seed=3)
    assert "near_duplicate_similarity" in caught.value.hint


def test_too_few_people_for_all_splits_is_an_error() -> None:
    with pytest.raises(GateFailed, match="nothing is left for test"):
        assign(make_units(np.array([0, 0, 1, 1]), np.arange(4)), [], (0.6, 0.2, 0.2), seed=3)


def test_a_split_that_is_not_wanted_stays_empty() -> None:
    split = assign(make_units(np.arange(40), np.arange(40)), [], (0.75, 0.0, 0.25), seed=3)
    assert np.bincount(split, minlength=len(SPLITS)).tolist() == [30, 0, 10]
