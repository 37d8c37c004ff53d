"""What a person may be told to eat, and how fast their weight may move (rules §5, N-01 to N-08).

Energy in kcal a day, rates in per cent of body weight a week (negative: loss).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from fitsense.training.findings import Finding
from fitsense.training.nutrition import energy
from fitsense.training.people.conditions import Limits, bmi

KCAL_PER_KG = 7700.0
"""Of body weight lost or gained."""
RAISE_KCAL = 200.0
"""N-01: within 100 to 250 a day."""
MOST_DEFICIT = 750.0
SENIOR_DEFICIT = 500.0
BREASTFEEDING_DEFICIT = 300.0
"""C-PP names 300 to 500: the strictest number wins."""
DEFICIT_SHARE = 0.25
MOST_SURPLUS = 500.0
SURPLUS_SHARE = {"novice": 0.15, "intermediate": 0.15, "advanced": 0.10}
ADULT, UNDERWEIGHT_BMI = 18, 18.5
LOSS_PCT = 0.6
"""Middle of N-01's default band."""
FAST_PCT, FAR_TOO_FAST_PCT, FAR_TOO_FAST_KG = 1.0, 1.5, 2.0
WATER_WEEKS = 2
TREND_MEANS = 3
"""Weekly means without which intake and weight tell no energy need."""
BELIEVABLE = (1.1, 2.5)
"""Multiples of the resting need between which a need read from logs is believed: intake is under-reported."""
_ACTIVITY = {1: 1.375, 2: 1.375, 3: 1.375, 4: 1.55, 5: 1.55, 6: 1.725, 7: 1.725}


@dataclass(frozen=True, slots=True)
class Nutrition:
    """``kcal`` is {target, floor, deficit}; None, as the rate is, where no such number may be given."""

    goal: str
    kcal: Mapping[str, float] | None = None
    rate_pct: tuple[float, float] | None = None
    level: str = "none"
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Facts:
    person: Mapping[str, Any]
    weights: Sequence[float]
    eaten: float | None
    weeks: int | None
    """Training weeks, where told."""
    signs: Set[str]
    limits: Limits
    findings: list[Finding] = field(default_factory=list)

    def say(self, rule: str, key: str, **numbers: float | int | str) -> None:
        self.findings.append(Finding(rule, f"plan.{key}", numbers))


def nutrition(
    person: Mapping[str, Any],
    limits: Limits,
    *,
    weights_kg: Sequence[float] = (),
    kcal: float | None = None,
    training_weeks: int | None = None,
    signs: Set[str] = frozenset(),
    silent: bool = False,
) -> Nutrition:
    """Energy and rate for a Context as a dict.

    ``weights_kg`` are weekly means, ``kcal`` the mean intake, ``signs`` what notes tell (``lost_periods``,
    ``stress_fracture``, ``frequent_illness``); ``silent`` where a red flag forbids every number (X-ED).
    """
    facts = _Facts(person, weights_kg, kcal, training_weeks, signs, limits)
    if silent or _silent(facts):
        return _no_numbers(facts)
    level = max(_trend_level(facts), _intake_level(facts), _availability_level(facts))
    goal = energy.goal_of(person, no_deficit=limits.no_deficit or _low(facts))
    if goal != person["goal"]:
        facts.say("N-08", "no_deficit")
        level = max(level, 1)
    if _expecting(facts):
        return Nutrition(goal, None, None, _LEVELS[level], tuple(facts.findings))
    amounts, rate = _amounts(facts, goal)
    _protein(facts, goal)
    return Nutrition(goal, amounts, rate, _LEVELS[level], tuple(facts.findings))


def _expecting(facts: _Facts) -> bool:
    """C-PREG: how much to eat, and to gain, is the midwife's to say."""
    return facts.person.get("gestation_weeks") is not None or "pregnant" in facts.limits.codes


_LEVELS = ("none", "advise_clearance", "urgent")


# ---------------------------------------------------------------------------------- where no number is given


def _silent(facts: _Facts) -> bool:
    """X-ED, N-08, X-MIN: no energy and no weight number at all."""
    person = facts.person
    wants_less = bmi(person) < UNDERWEIGHT_BMI and person["goal"] == "fat_loss"
    return facts.limits.no_numbers or wants_less or person["age"] < ADULT


def _no_numbers(facts: _Facts) -> Nutrition:
    wants_less = facts.person["goal"] == "fat_loss"
    if facts.person["age"] >= ADULT:
        facts.say("X-ED" if not wants_less else "N-08", "no_numbers")
    goal = "general_fitness" if wants_less else facts.person["goal"]
    return Nutrition(goal, None, None, "advise_clearance" if wants_less else "none", tuple(facts.findings))


# ------------------------------------------------------------------------------------------- what was logged


def _judged(facts: _Facts) -> list[tuple[float, float]]:
    """(per cent, kg) of the last two weeks' changes that N-01 judges: its first two weeks are water."""
    changes = energy.weekly_changes_pct(facts.weights)
    kilos = [after - before for before, after in zip(facts.weights, facts.weights[1:], strict=False)]
    weeks = facts.weeks if facts.weeks is not None else WATER_WEEKS + len(changes)
    judged = max(0, weeks - WATER_WEEKS)
    return list(zip(changes, kilos, strict=True))[-min(judged, 2) :] if judged else []


def _twice_beyond(facts: _Facts, pct: float, kg: float = float("inf")) -> bool:
    weeks = _judged(facts)
    return len(weeks) == 2 and all(change < -pct or kilos < -kg for change, kilos in weeks)


def _trend_level(facts: _Facts) -> int:
    if not _twice_beyond(facts, FAR_TOO_FAST_PCT, FAR_TOO_FAST_KG):
        return 0
    facts.say("N-01", "far_too_fast", rate=-_judged(facts)[-1][0])
    return 1


def _intake_level(facts: _Facts) -> int:
    if facts.eaten is None or facts.eaten >= energy.VERY_LOW_KCAL:
        return 0
    facts.say("N-04", "very_low_kcal", kcal=facts.eaten, bound=energy.VERY_LOW_KCAL)
    return 1


_REDS = frozenset({"lost_periods", "stress_fracture", "frequent_illness"})


def _low(facts: _Facts) -> bool:
    available = energy.energy_availability(facts.person, facts.eaten)
    return available is not None and available < energy.LOW_AVAILABILITY


def _availability_level(facts: _Facts) -> int:
    """N-05: low energy availability holds a deficit back; with REDs signs a clinician is due."""
    available = energy.energy_availability(facts.person, facts.eaten)
    if available is None or available >= energy.LOW_AVAILABILITY:
        return 0
    signs = bool(_REDS & (facts.signs | {*facts.limits.codes}))
    facts.say(
        "N-05",
        "reds" if signs else "low_availability",
        available=round(available, 1),
        bound=energy.LOW_AVAILABILITY,
    )
    return 1 if signs or facts.person["goal"] == "fat_loss" else 0


# ---------------------------------------------------------------------------------------------- the amounts


def _need(facts: _Facts) -> float:
    """Daily need: from intake and weight trend where there are weeks of both, else by activity."""
    resting = energy.resting_kcal(facts.person)
    estimate = resting * _ACTIVITY[facts.person["days_per_week"]]
    if facts.eaten is None or len(facts.weights) < TREND_MEANS or _twice_beyond(facts, FAST_PCT):
        # A fast loss is water and muscle too: 7,700 kcal a kg would read a need that is not there.
        return estimate
    recent = facts.weights[-5:]
    logged = facts.eaten - (recent[-1] - recent[0]) / (len(recent) - 1) * KCAL_PER_KG / 7
    low, high = BELIEVABLE
    return logged if low * resting <= logged <= high * resting else estimate


def _amounts(facts: _Facts, goal: str) -> tuple[dict[str, float], tuple[float, float] | None]:
    need, floor = _need(facts), energy.kcal_floor(facts.person)
    if goal == "fat_loss":
        return _deficit(facts, need, floor)
    surplus = 0.0
    if goal == "muscle_gain":
        surplus = min(SURPLUS_SHARE[facts.person["experience"]] * need, MOST_SURPLUS)
        low, high = energy.GAIN_BAND_PCT[facts.person["experience"]]
        facts.say("N-06", "surplus", kcal=round(surplus), low=low, high=high)
    target = max(need + surplus, floor, _enough_available(facts), _raised(facts))
    rate = energy.GAIN_BAND_PCT[facts.person["experience"]] if goal == "muscle_gain" else None
    return _rounded(target, floor, 0.0), rate


def _enough_available(facts: _Facts) -> float:
    """N-05: after low availability, what brings it to the aim."""
    if not _low(facts):
        return 0.0
    mass, burnt = facts.person["ffm_kg"], facts.person.get("exercise_kcal_day", 0.0)
    return float(energy.AIMED_AVAILABILITY * mass + burnt)


def _raised(facts: _Facts) -> float:
    """N-01: more than 1 % lost in two weeks running asks for 100 to 250 kcal more."""
    if facts.eaten is None or not _twice_beyond(facts, FAST_PCT):
        return 0.0
    facts.say("N-01", "raise_intake", kcal=RAISE_KCAL, rate=-_judged(facts)[-1][0])
    return facts.eaten + RAISE_KCAL


def _deficit(facts: _Facts, need: float, floor: float) -> tuple[dict[str, float], tuple[float, float]]:
    person = facts.person
    most = min(_most_deficit(person), DEFICIT_SHARE * need)
    wanted = min(LOSS_PCT / 100 * person["weight_kg"] * KCAL_PER_KG / 7, most)
    target = max(need - wanted, floor, _raised(facts))
    # Rounded to 10 kcal upwards, never down: the bounds are bounds.
    amounts = _rounded(target, floor, need)
    facts.say("N-02", "deficit", kcal=amounts["deficit"], bound=round(most))
    facts.say("N-03", "floor", target=amounts["target"], floor=amounts["floor"])
    low, high = energy.LOSS_BAND_PCT
    possible = 100 * amounts["deficit"] * 7 / KCAL_PER_KG / person["weight_kg"]
    if possible < low:
        low, high = round(0.7 * possible, 2), round(possible, 2)
    facts.say("N-01", "loss_rate", low=low, high=high)
    return amounts, (-high, -low)


def _most_deficit(person: Mapping[str, Any]) -> float:
    if energy.breastfeeding(person):
        return BREASTFEEDING_DEFICIT
    return SENIOR_DEFICIT if person["age"] >= 65 else MOST_DEFICIT


def _rounded(target: float, floor: float, need: float) -> dict[str, float]:
    """``need`` 0: no deficit."""
    whole = -(-round(target, 6) // 10) * 10
    return {"target": whole, "floor": floor, "deficit": max(0.0, float(round(need - whole)))}


def _protein(facts: _Facts, goal: str) -> None:
    """N-07; with kidney disease it is the clinician's to say."""
    if facts.limits.ask_protein:
        facts.say("N-07", "protein_clinician")
        return
    weight = facts.person["weight_kg"]
    low, high = (1.2, 2.0) if facts.person["age"] >= 65 else (1.6, 2.4 if goal == "fat_loss" else 2.2)
    facts.say("N-07", "protein", low=round(low * weight), high=round(high * weight))
