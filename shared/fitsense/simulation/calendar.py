"""The days that are simulated, and how often life gets in the way."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from fitsense.simulation.arrays import Bools, Ints

_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class Calendar:
    """``weeks`` training weeks of seven days from ``start`` on, whatever its weekday."""

    start: dt.date
    weeks: int

    @property
    def days(self) -> int:
        return self.weeks * 7

    @property
    def weekend(self) -> Bools:
        """(D,) Saturdays and Sundays."""
        return (np.arange(self.days) + self.start.weekday()) % 7 >= 5

    @property
    def epoch_days(self) -> Ints:
        """(D,) days since 1970-01-01, as Arrow's date32 has them."""
        return ((self.start - _EPOCH).days + np.arange(self.days)).astype(np.int32)


@dataclass(frozen=True)
class Rates:
    """Mean share of sessions missed, pain episodes per person and week, noise of a reported RIR."""

    miss: float
    pain: float
    rir_noise: float
