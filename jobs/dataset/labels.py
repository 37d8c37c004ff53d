"""Integer codes for columns of few distinct values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt


class Labels:
    """Codes for the few distinct values of a column, in order of first appearance."""

    def __init__(self, values: Sequence[str] = ()) -> None:
        self.values = list(values)
        self._codes = {value: code for code, value in enumerate(self.values)}

    def codes(self, values: Iterable[str]) -> npt.NDArray[np.int32]:
        codes = self._codes
        found = [codes.setdefault(value, len(codes)) for value in values]
        self.values.extend(list(codes)[len(self.values) :])
        return np.array(found, dtype=np.int32)
