from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitsense.errors import BudgetExceeded
from jobs.teacher.budget import PICO, Ledger, Price, share, usd
from jobs.teacher.requests import Sketch
from tests.unit.teacher.test_requests import params


def test_price_is_exact_and_rounds_up() -> None:
    price = Price.of(params(usd_per_million_input_tokens=0.15, usd_per_million_output_tokens=0.6))
    assert price == Price(150_000, 600_000)
    assert usd(price.cost(1_000_000, 1_000_000)) == 0.75
    assert Price.of(params(usd_per_million_input_tokens=1e-7)).input == 1


def test_worst_case_is_every_byte_a_token_and_a_full_answer() -> None:
    assert Price(2, 3).worst(Sketch("", 100, 50)) == 350


@given(st.floats(0, 1e6), st.lists(st.integers(0, 5000), min_size=1, max_size=50))
def test_shares_never_sum_to_more_than_the_budget(budget: float, rows: list[int]) -> None:
    whole = share(budget, 1, 1)
    assert whole == pytest.approx(budget * PICO, rel=1e-12, abs=1)
    total = sum(share(budget, part, sum(rows)) for part in rows)
    assert total <= whole
    if sum(rows):
        assert total > whole - len(rows)


Steps = st.lists(
    st.tuples(st.sampled_from(["reserve", "settle", "lose"]), st.integers(0, 60), st.integers(0, 100))
)


@given(Steps)
def test_no_order_of_calls_spends_more_than_the_budget(steps: list[tuple[str, int, int]]) -> None:
    ledger, open_calls = Ledger(200), list[int]()
    for what, amount, percent in steps:
        if what == "reserve":
            fits = ledger.spent + ledger.at_risk + sum(open_calls) + amount <= 200
            assert ledger.reserve(amount) == fits
            open_calls += [amount] * fits
        elif open_calls:
            held = open_calls.pop(0)
            if what == "settle":
                ledger.settle(held, held * percent // 100)
            else:
                ledger.lose(held)
        assert ledger.reserved == sum(open_calls)
        assert ledger.spent + ledger.at_risk + ledger.reserved <= 200


def test_prompts_that_cannot_be_paid_are_told_with_numbers_before_any_call() -> None:
    price = Price.of(params(usd_per_million_input_tokens=10))
    ledger = Ledger(PICO, spent=PICO // 2)
    ledger.check_prompts(10, 50_000, price)
    with pytest.raises(
        BudgetExceeded, match=r"11 prompts of about 50001 tokens cost 0\.50001 USD.*0\.5 of its 1\.0 USD"
    ):
        ledger.check_prompts(11, 50_001, price)


def test_a_free_endpoint_needs_no_budget() -> None:
    ledger = Ledger(0)
    ledger.check_prompts(10, 10**6, Price.of(params()))
    assert ledger.reserve(0)
