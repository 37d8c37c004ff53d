"""Money: what a call can cost at most, what is reserved, what was spent. Pure.

Sums are whole numbers of picodollars, so that no order of additions changes them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fitsense.config import EndpointTeacher
from fitsense.errors import BudgetExceeded
from jobs.teacher.requests import Sketch

PICO = 10**12


def usd(pico: int) -> float:
    """Picodollars as dollars, for records and people."""
    return round(pico / PICO, 9)


@dataclass(frozen=True, slots=True)
class Price:
    """Picodollars a token, rounded up: a budget may err on the safe side only."""

    input: int
    output: int

    @classmethod
    def of(cls, params: EndpointTeacher) -> Price:
        million = (params.usd_per_million_input_tokens, params.usd_per_million_output_tokens)
        return cls(*(math.ceil(round(price * PICO / 10**6, 6)) for price in million))

    def cost(self, tokens_in: int, tokens_out: int) -> int:
        return self.input * tokens_in + self.output * tokens_out

    def worst(self, sketch: Sketch) -> int:
        """What a call costs when its prompt is as long as it can be and its answer fills its room."""
        return self.cost(sketch.input_bound, sketch.max_tokens)


class Ledger:
    """One part's share of the budget. ``spent + reserved`` never exceeds it.

    ``at_risk`` is money for calls whose fate is unknown (a timeout, a dropped connection, a kill): an
    endpoint that does not honour idempotency keys may charge them, so they count as spent.
    """

    def __init__(self, budget: int, *, spent: int = 0, at_risk: int = 0) -> None:
        self.budget = budget
        self.spent = spent
        self.at_risk = at_risk
        self.reserved = 0

    @property
    def left(self) -> int:
        return self.budget - self.spent - self.at_risk - self.reserved

    def reserve(self, amount: int) -> bool:
        """False when it does not fit now; what is in flight may give some back."""
        if amount > self.left:
            return False
        self.reserved += amount
        return True

    def settle(self, reserved: int, spent: int) -> None:
        """A call came back: its reservation ends, its real cost stays."""
        self.reserved -= reserved
        self.spent += spent

    def lose(self, reserved: int) -> None:
        """A call went out and nobody knows whether it was charged."""
        self.reserved -= reserved
        self.at_risk += reserved

    def check_prompts(self, prompts: int, tokens_in: int, price: Price) -> None:
        """Raises BudgetExceeded when the prompts alone, at their likely length, cannot be paid."""
        cost = price.cost(tokens_in, 0)
        if cost > self.left:
            raise BudgetExceeded(
                f"{prompts} prompts of about {tokens_in} tokens cost {usd(cost)} USD before any answer; "
                f"this part has {usd(max(self.left, 0))} of its {usd(self.budget)} USD left",
                hint="raise teacher.budget_usd, ask fewer queries, or take a cheaper model",
            )

    def exceeded(self, amount: int) -> BudgetExceeded:
        """The error for a next call that does not fit, with the numbers."""
        lost = f", {usd(self.at_risk)} held for calls of unknown fate" if self.at_risk else ""
        return BudgetExceeded(
            f"the next call may cost {usd(amount)} USD; of this part's {usd(self.budget)} USD "
            f"{usd(self.spent)} are spent{lost}",
            hint="raise teacher.budget_usd and submit again: what was answered is cached and costs nothing",
        )


def share(budget_usd: float, rows: int, total_rows: int) -> int:
    """A part's share of the budget by its rows, picodollars, rounded down: the sum over all parts, made by
    however many tasks, stays within the whole."""
    whole = int(round(budget_usd * PICO, 3))
    return whole * rows // total_rows if total_rows else 0
