"""Numbers brought within their bounds: the smallest change there is."""

from __future__ import annotations

import re
from collections.abc import Callable

from fitsense.training.catalog.exercises import Exercise
from fitsense.training.load.rounding import STORED_TO_KG, round_load
from fitsense.training.repair.work import Work, WorkItem
from fitsense.training.verify.exercises import (
    EARLY_SETS,
    exists,
    highest,
    rep_ranges,
    rest_range,
    rir_least,
)
from fitsense.training.verify.ground import Ground, logged_kg
from fitsense.training.verify.sheet import REST_S, RIR, SETS, Item, number, whole
from fitsense.training.verify.violation import Violation


def mend_number(work: Work, ground: Ground, item: WorkItem, read: Item, why: Violation) -> bool:
    """Bring the field that ``why`` names within its bounds; False if that changes nothing."""
    if read.exercise is None or why.part not in _MENDERS:
        return False
    return work.set(item, why.part, _MENDERS[why.part](work, ground, item, read, read.exercise), why)


def _sets(work: Work, ground: Ground, item: WorkItem, read: Item, exercise: Exercise) -> int:
    found = _plausible(read.sets, item.raw.get("sets"), SETS)
    sets = ground.dose(exercise).sets if found is None else round(found)
    most = EARLY_SETS if ground.early else SETS[1]
    return min(max(sets, SETS[0]), most)


def _reps(work: Work, ground: Ground, item: WorkItem, read: Item, exercise: Exercise) -> list[int]:
    _, (least, most) = rep_ranges(ground, exercise)
    usual, found = ground.dose(exercise).reps, read.reps or _spoken_reps(item.raw.get("reps"))
    if found is None or max(found) < least or min(found) > most:
        found = usual
    low, high = sorted(found)
    # An end that is out of bounds becomes the usual one: the limit itself would be an extreme.
    low = low if low >= least else min(max(usual[0], least), high)
    high = high if high <= most else max(min(usual[1], most), low)
    return [low, high]


def _rir(work: Work, ground: Ground, item: WorkItem, read: Item, exercise: Exercise) -> float:
    least, _ = rir_least(ground, exercise, deload=work.raw.get("deload") is True)
    found = _plausible(read.rir, item.raw.get("rir"), RIR)
    return min(max(ground.dose(exercise).rir if found is None else found, least), RIR[1])


def _rest(work: Work, ground: Ground, item: WorkItem, read: Item, exercise: Exercise) -> int:
    least, _, _ = rest_range(ground, exercise)
    found = _plausible(read.rest_s, item.raw.get("rest_s"), REST_S)
    rest = ground.dose(exercise).rest_s if found is None else round(found)
    return min(max(rest, least, REST_S[0]), REST_S[1])


def _plausible(read: float | None, raw: object, bounds: tuple[float, float]) -> float | None:
    """What was written, also as text; None where no plan could mean it, so that the usual takes its place."""
    found = read if read is not None else spoken_number(raw)
    return found if found is not None and bounds[0] <= found <= bounds[1] else None


def _kg(work: Work, ground: Ground, item: WorkItem, read: Item, exercise: Exercise) -> float | None:
    found = read.kg if read.kg is not None else spoken_number(item.raw.get("kg"))
    wanted = found if found is not None and found > 0 else logged_kg(ground, exercise)
    return fitting_load(ground, exercise, wanted)


def fitting_load(ground: Ground, exercise: Exercise, wanted: float | None) -> float | None:
    """R-01: the load nearest to ``wanted`` that exists and is allowed, or None: by feel.

    A load that nothing was logged for is no load to begin with.
    """
    ceiling, _, _ = highest(ground, exercise)
    logged = logged_kg(ground, exercise)
    if wanted is None or wanted <= 0 or (logged is None and (wanted > ceiling or not exercise.loaded)):
        return None
    target = min(wanted, ceiling)
    if exists(ground, exercise, target):
        return target
    kg = round_load(exercise, target, ground.loads.rack, ceiling)
    return kg if kg <= ceiling + STORED_TO_KG else None


_Mender = Callable[[Work, Ground, WorkItem, Item, Exercise], object]
_MENDERS: dict[str, _Mender] = {"sets": _sets, "reps": _reps, "rir": _rir, "rest_s": _rest, "kg": _kg}

_NUMBER = re.compile(r"\s*(-?\d{1,6}(?:\.\d{1,6})?)\s*(?:kg|s|sec|x|rir)?\s*", re.IGNORECASE | re.ASCII)
_RANGE = re.compile(r"\s*(\d{1,3})\s*(?:-|\u2013|to|a)\s*(\d{1,3})\s*(?:reps?)?\s*", re.IGNORECASE | re.ASCII)


def spoken_number(value: object) -> float | None:
    """A number that stands as text, as models like to write it: "3", "60 s"."""
    if isinstance(value, str):
        found = _NUMBER.fullmatch(value[:40])
        return float(found[1]) if found else None
    return number(value)


def _spoken_reps(value: object) -> tuple[int, int] | None:
    """One number, "8-12", or numbers as text, as a range."""
    if isinstance(value, str) and (found := _RANGE.fullmatch(value[:40])):
        return int(found[1]), int(found[2])
    if isinstance(value, list | tuple) and 1 <= len(value) <= 2:
        read = [whole(spoken_number(one)) for one in value]
        good = [one for one in read if one is not None]
        return (good[0], good[-1]) if len(good) == len(read) else None
    one = whole(spoken_number(value))
    return None if one is None else (one, one)
