"""Estimated one-repetition maximum and the RIR table (rules §2, M-01 to M-05). Loads in kg."""

from __future__ import annotations

import math

PERCENT_OF_1RM = (
    100, 97.8, 95.5, 93.9, 92.2, 90.7, 89.2, 87.8, 86.3, 85.0, 83.7, 82.4, 81.1, 79.9, 78.6,
    77.4, 76.2, 75.1, 73.9, 72.3, 70.7, 69.4, 68.0, 66.7, 65.3, 64.0, 62.6, 61.3, 59.9, 58.6,
)  # fmt: skip
"""% of the 1RM at n = reps + RIR = 1, 1.5, … 15.5: one curve covers the whole RIR chart."""


def epley(load: float, reps: float) -> float:
    """M-01: w(1 + r/30), valid for 2 to 10 repetitions to failure; one repetition is the maximum itself."""
    return load if reps == 1 else load * (1 + reps / 30)


def brzycki(load: float, reps: float) -> float:
    """M-02: 36w/(37 - r), valid for 1 to 10. Raises ValueError from 37 on, where it is undefined."""
    if reps >= 37:
        raise ValueError(f"Brzycki is undefined at {reps} repetitions")
    return 36 * load / (37 - reps)


def lombardi(load: float, reps: float) -> float:
    """M-03: w·r^0.10, valid for 1 to 10."""
    return float(load * reps**0.10)


def wathan(load: float, reps: float) -> float:
    """M-04: 100w/(48.8 + 53.8·e^(-0.075 r)), best behaved at 8 to 15."""
    return 100 * load / (48.8 + 53.8 * math.exp(-0.075 * reps))


def e1rm(load: float, reps: int, rir: float) -> float | None:
    """M-05: the engine's estimate of one set, or None where no formula can be trusted.

    r = reps + RIR: up to 10 the mean of Epley and Brzycki, 11 to 15 Wathan (low confidence);
    beyond 15, or with more than 3 in reserve, nothing.
    """
    to_failure = reps + rir
    if load <= 0 or reps < 1 or rir > 3 or rir < 0 or to_failure > 15:
        return None
    if to_failure <= 10:
        return (epley(load, to_failure) + brzycki(load, to_failure)) / 2
    return wathan(load, to_failure)


def percent_of_1rm(reps: float, rir: float) -> float:
    """Share of the 1RM, 0 to 1, that allows ``reps`` with ``rir`` left; beyond the table its last value."""
    index = round(2 * (reps + rir)) - 2
    return PERCENT_OF_1RM[min(max(index, 0), len(PERCENT_OF_1RM) - 1)] / 100


BEYOND_SLOPE = 2.6
"""Per cent of the 1RM per repetition at the table's end, where it is nearly straight."""
BEYOND_MOST = 22


def percent_beyond(reps: float, rir: float) -> float:
    """As ``percent_of_1rm``, going on in a straight line where the table ends, to n = 22 (H, for P-03 alone).

    Twelve to twenty repetitions are where dumbbells' coarse steps are decided, and the table has no n there.
    """
    extra = min(reps + rir, BEYOND_MOST) - (len(PERCENT_OF_1RM) + 1) / 2
    return percent_of_1rm(reps, rir) - max(0.0, extra) * BEYOND_SLOPE / 100


def reps_at(share: float, rir: float) -> int:
    """Repetitions that the table predicts at ``share`` of the 1RM with ``rir`` left; at least 0 (P-03)."""
    most = next((i for i, percent in enumerate(PERCENT_OF_1RM) if percent / 100 < share), len(PERCENT_OF_1RM))
    return max(0, int((most - 1) / 2 + 1 - rir)) if most else 0
