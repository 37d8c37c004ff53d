"""Energy and body weight: floors, deficits, and the rate of change (rules §5, N-01 to N-08)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fitsense.training.conditions import bmi

KCAL_FLOOR = {"F": 1200.0, "M": 1500.0, "X": 1500.0}
"""N-03: no target below it is issued, explained or allowed once. Unknown sex: the higher one."""
BREASTFEEDING_WEEKS = 26
"""Months in which the floor after a birth holds, whether or not it is told."""
VERY_LOW_KCAL = 800.0
"""N-04: below it only in medical care."""
MAX_LOSS_PCT = 1.0
"""N-01: hard cap of the weekly loss, per cent of body weight."""
LOSS_BAND_PCT = (0.5, 0.7)
GAIN_BAND_PCT = {"novice": (0.25, 0.5), "intermediate": (0.25, 0.5), "advanced": (0.1, 0.25)}


def kcal_floor(person: Mapping[str, Any]) -> float:
    """N-03, and 1,500 in the half year after a birth, when breastfeeding has its own needs (C-PP)."""
    floor, weeks = KCAL_FLOOR[person["sex"]], person.get("postpartum_weeks")
    return max(floor, 1500.0) if weeks is not None and weeks < BREASTFEEDING_WEEKS else floor


def deficit_forbidden(person: Mapping[str, Any]) -> bool:
    """N-08: none below BMI 18.5, in pregnancy, within 6 weeks of a birth, or after an eating disorder."""
    weeks = person.get("postpartum_weeks")
    flagged = {"pregnant", "eating_disorder_history"} & set(person["conditions"])
    return bmi(person) < 18.5 or bool(flagged) or (weeks is not None and weeks < 6)


def weekly_change_pct(weights_kg: Sequence[float], weeks: int = 4) -> float | None:
    """Mean change of the weekly mean weight, per cent of body weight a week, over the last ``weeks``."""
    recent = weights_kg[-(weeks + 1) :]
    if len(recent) < 2:
        return None
    return 100 * (recent[-1] - recent[0]) / recent[0] / (len(recent) - 1)
