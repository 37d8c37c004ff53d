from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from fitsense.config import Queries
from jobs.queries.quotas import bounds, pick, rank
from jobs.queries.transform import FLAGS, Quotas


@given(st.integers(1, 3000), st.integers(1, 3))
def test_every_rank_comes_once(total: int, salt: int) -> None:
    assert {rank(index, total, salt) for index in range(total)} == set(range(total))


def test_bounds_cover_everything() -> None:
    edges = bounds({"a": 0.3, "b": 0.3, "c": 0.4}, 7)
    assert Counter(pick(edges, place) for place in range(7)) == {"a": 2, "b": 2, "c": 3}


def test_the_mix_is_exact_for_the_whole_run() -> None:
    params = Queries(per_user=4)
    quotas, total = Quotas(params, users=500), 2000
    kinds = Counter(quotas.kind(index) for index in range(total))
    assert kinds == {str(kind): round(share * total) for kind, share in params.mix.items()}
    flags = Counter(filter(None, (quotas.flag(index) for index in range(total))))
    assert flags.total() == 100
    assert set(flags) == set(FLAGS)
    assert max(flags.values()) - min(flags.values()) <= 1
    injected = Counter(filter(None, (quotas.injected(index) for index in range(total))))
    assert injected == {"prompt": 30, "note": 30}


def test_flags_reach_every_type() -> None:
    quotas = Quotas(Queries(per_user=4), users=500)
    kinds = Counter(quotas.kind(index) for index in range(2000) if quotas.flag(index))
    assert set(kinds) == set(Queries().mix)


def test_no_share_no_flag() -> None:
    quotas = Quotas(Queries(red_flag_share=0, injection_share=0), users=40)
    assert not any(quotas.flag(index) or quotas.injected(index) for index in range(200))
