"""What the words of an answer may not say: energy targets below the floor (N-03, N-04)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fitsense.training.nutrition.energy import kcal_floor

_KCAL = re.compile(
    r"(\d{1,2}[.,\u202f\u00a0 ]\d{3}|\d{2,5})\s*(?:k?cal\b|calor[ií]|calories|कैलोरी|किलो ?कैलोरी)",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(
    r"(deficit|surplus|more|less|extra|raise|add|déficit|superávit|más|menos|sube|añade|घाटा|ज़्यादा|कम|बढ़|अतिरिक्त)",
    re.IGNORECASE,
)
_FLOOR = re.compile(r"(floor|minimum|below|under|mínimo|por debajo|न्यूनतम|नीचे|से कम)", re.IGNORECASE)
_AROUND = 28


def kcal_below(message: str, person: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    """(kcal, floor) for each daily energy in ``message`` that undercuts the person's floor.

    Differences ("200 kcal more") and mentions of the floor itself are no targets.
    """
    if "cal" not in message.lower() and "कैलोरी" not in message:
        return
    floor = kcal_floor(person)
    for match in _KCAL.finditer(message):
        kcal = float(re.sub(r"\D", "", match.group(1)))
        if kcal >= floor:
            continue
        around = message[max(0, match.start() - _AROUND) : match.end() + _AROUND]
        if not (_DIFFERENCE.search(around) and kcal <= 750) and not _FLOOR.search(around):
            yield kcal, floor
