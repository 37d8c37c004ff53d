"""What conditions, age and pain take out of a plan, and the bounds they set (rules §7, C-*).

Data: ``schema/catalog/conditions.yaml``. The strictest bound wins, whatever it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

from fitsense.training.people.bounds import UNKNOWN, Bound, Conditions, Derived, Exclusion, load_conditions
from fitsense.training.people.condition_text import Read, read_conditions
from fitsense.training.people.measures import Pressure, glucose_of, pressure_of

__all__ = [
    "UNKNOWN",
    "Bound",
    "Conditions",
    "Derived",
    "Exclusion",
    "Limits",
    "bmi",
    "gestation_of",
    "is_active",
    "limits_for",
    "load_conditions",
    "postpartum_of",
    "walking_only",
]


_NOTHING_READ = Read((), ())


@dataclass(frozen=True, slots=True)
class Limits:
    """All bounds of one person at once. ``reps`` is () when the goal's own range stands."""

    tags: frozenset[str]
    patterns: frozenset[str]
    rules: tuple[str, ...]
    rir_floor: float
    reps: tuple[int, int] | tuple[()]
    max_days: int
    volume_cap: float
    step_pct: float
    blocked: tuple[str, ...]
    """Rules that forbid any plan until a clinician has cleared it, or at all."""
    excluding: tuple[tuple[str, Exclusion], ...]
    """Every exclusion behind ``tags`` and ``patterns``, with its rule."""
    codes: tuple[str, ...] = ()
    """The conditions by code, free text read; ``unknown`` for what nobody recognised."""
    unknown: tuple[str, ...] = ()
    """The words of the person that nobody recognised."""
    read: Read = _NOTHING_READ
    """What the conditions say, weeks in words among it."""
    bounds: tuple[Bound, ...] = ()
    """What the numbers come from: conditions first, then age, weeks, mass and readings."""
    intensity_max_pct: float = 100.0
    """Largest load, per cent of 1RM."""
    load_factor: float = 1.0
    """On logged loads of lower-body lifts (C-LBP)."""
    apart: bool = False
    """No resistance on consecutive days."""
    no_deficit: bool = False
    """N-08."""
    no_numbers: bool = False
    """X-ED: the person is told no kcal, weight or BMI."""
    ask_protein: bool = False
    """N-07: protein is the clinician's to say."""
    supervised: bool = False


def bmi(person: Mapping[str, Any]) -> float:
    """Body mass index, kg/m²."""
    return float(person["weight_kg"] / (person["height_cm"] / 100) ** 2)


def limits_for(person: Mapping[str, Any], pain: Iterable[str] = ()) -> Limits:
    """The bounds of a Profile or Context as a dict. ``pain`` names painful areas beside the logged one.

    Conditions are codes or free text; what nobody recognises bounds the plan as ``unknown`` does.
    Raises KeyError for a painful area that the catalogue does not know.
    """
    logged = person.get("pain_area") if person.get("pain", 0) > 0 else None
    areas = frozenset(pain) | ({logged} if logged else frozenset())
    read = read_conditions(tuple(person["conditions"]), person.get("surgery_weeks"))
    cleared = bool(person["medical_clearance"])
    derived = _derived(_figures(person, read, cleared))
    return _limits(read, areas, derived, cleared, is_active(person))


_INACTIVE = frozenset({"sedentary", "light"})
_ACTIVE = frozenset({"moderate", "active", "very_active"})


def is_active(person: Mapping[str, Any]) -> bool | None:
    """Q-02: 30 minutes moderate on 3 days a week for 3 months, as told; None where nobody told."""
    if "currently_active" in person:
        told: bool | None = person["currently_active"]
        return told
    level = person.get("activity")
    return True if level in _ACTIVE else False if level in _INACTIVE else None


class _Figures(NamedTuple):
    """All numbers of a person that bounds derive from."""

    age: int
    mass_index: float
    novice: bool
    gestation: float | None
    postpartum: float | None
    checked: bool
    symptom_free: bool
    pressure: Pressure | None
    glucose: float | None


_EXPECTING = frozenset({"pregnant", "pregnancy_complicated", "gestational_diabetes"})
_AFTER_BIRTH = frozenset({"postpartum", "c_section"})
LATE_PREGNANCY = 41
"""Weeks; what an unknown gestation counts as: the strictest (C-PREG)."""


def gestation_of(person: Mapping[str, Any], read: Read) -> float | None:
    """Weeks of pregnancy, as told in a number or in words."""
    weeks: float | None = person.get("gestation_weeks")
    return read.gestation_weeks if weeks is None else weeks


def postpartum_of(person: Mapping[str, Any], read: Read) -> float | None:
    """Weeks since a birth, as told in a number or in words."""
    weeks: float | None = person.get("postpartum_weeks")
    return read.postpartum_weeks if weeks is None else weeks


def _figures(person: Mapping[str, Any], read: Read, cleared: bool) -> _Figures:
    gestation, postpartum = gestation_of(person, read), postpartum_of(person, read)
    if gestation is None and not _EXPECTING.isdisjoint(read.codes):
        gestation = LATE_PREGNANCY
    if postpartum is None and not _AFTER_BIRTH.isdisjoint(read.codes):
        postpartum = 0
    return _Figures(
        age=person["age"],
        mass_index=bmi(person),
        novice=person.get("experience", "novice") == "novice",
        gestation=gestation,
        postpartum=postpartum,
        checked=cleared or bool(person.get("postpartum_check")),
        symptom_free=postpartum is None or person.get("pelvic_symptoms") is False,
        pressure=pressure_of(person.get("bp")),
        glucose=glucose_of(person.get("glucose_mgdl")),
    )


_HOLDS: dict[str, Callable[[_Figures, Any], bool]] = {
    "age_min": lambda one, bound: one.age >= bound,
    "novice": lambda one, bound: one.novice == bound,
    "gestation_min": lambda one, bound: one.gestation is not None and one.gestation >= bound,
    "gestation_after": lambda one, bound: one.gestation is not None and one.gestation > bound,
    "postpartum_before": lambda one, bound: one.postpartum is not None and one.postpartum < bound,
    "checked": lambda one, bound: one.checked == bound,
    "bmi_min": lambda one, bound: one.mass_index >= bound,
    "bmi_below": lambda one, bound: one.mass_index < bound,
    "systolic_min": lambda one, bound: one.pressure is not None and one.pressure.systolic >= bound,
    "diastolic_min": lambda one, bound: one.pressure is not None and one.pressure.diastolic >= bound,
    "glucose_min": lambda one, bound: one.glucose is not None and one.glucose >= bound,
    "symptom_free": lambda one, bound: one.symptom_free == bound,
}


@cache
def _whens() -> tuple[tuple[str, tuple[tuple[Callable[[_Figures, Any], bool], Any], ...]], ...]:
    return tuple(
        (one.name, tuple((_HOLDS[key], bound) for key, bound in one.when if bound is not None))
        for one in load_conditions().derived
    )


@lru_cache(maxsize=8192)
def _derived(figures: _Figures) -> tuple[str, ...]:
    return tuple(name for name, tests in _whens() if all(holds(figures, bound) for holds, bound in tests))


@lru_cache(maxsize=8192)
def _limits(
    read: Read,
    areas: frozenset[str],
    derived: tuple[str, ...],
    cleared: bool,
    active: bool | None,
) -> Limits:
    data = load_conditions()
    own = tuple(data.conditions[code] for code in read.codes)
    bounds = (*own, *(one for one in data.derived if one.name in derived))
    pains = [data.areas[area] for area in sorted(areas)]
    every = [
        *bounds,
        *pains,
        *([] if cleared else _uncleared(bounds, any_condition=any(one.max_days < 7 for one in own))),
    ]
    return Limits(
        tags=frozenset(tag for one in every for tag in one.exclude_tags),
        patterns=frozenset(pattern for one in every for pattern in one.exclude_patterns),
        rules=tuple(dict.fromkeys([one.rule for one in [*bounds, *pains]] + ["C-PAINRULE"] * bool(pains))),
        blocked=_blocked(bounds, cleared=cleared, active=active),
        excluding=tuple((one.rule, one) for one in every),
        codes=read.codes,
        unknown=read.unknown,
        read=read,
        bounds=bounds,
        intensity_max_pct=min((one.intensity_max_pct or 100.0 for one in bounds), default=100.0),
        load_factor=min((one.load_factor for one in bounds), default=1.0),
        apart=any(one.apart for one in bounds),
        no_deficit=any(one.no_deficit for one in bounds),
        no_numbers=any(one.no_numbers for one in bounds),
        ask_protein=any(one.ask_protein for one in bounds),
        supervised=any(one.supervised for one in bounds),
        **_numbers(bounds, cleared=cleared, painful=bool(pains)),
    )


def _blocked(bounds: tuple[Bound, ...], *, cleared: bool, active: bool | None) -> tuple[str, ...]:
    """Rules that forbid any plan; Q-02 where a known disease meets no activity and no clearance."""
    found = [one.rule for one in bounds if one.never or (one.needs_clearance and not cleared)]
    found += [] if cleared else ["Q-02" for one in bounds if walking_only(one, active)]
    return tuple(dict.fromkeys(found))


def walking_only(bound: Bound, active: bool | None) -> bool:
    """Q-02 of one bound, without clearance. Diabetes follows the ADA: only who is known to be inactive."""
    when = bound.inactive_clearance
    return (when == "when_inactive" and active is False) or (when == "unless_active" and active is not True)


def _numbers(bounds: tuple[Bound, ...], *, cleared: bool, painful: bool) -> dict[str, Any]:
    """The strictest of each; pain counts as a return from it (P-02) with two repetitions in reserve."""
    steps = [one.step_pct for one in bounds if one.step_pct] + [5.0] * painful
    floors = [one.rir_floor if cleared else max(one.rir_floor, one.uncleared_rir) for one in bounds]
    return {
        "rir_floor": max(floors + [2.0] * painful, default=0.0),
        "reps": max((one.reps for one in bounds), default=()),
        "max_days": min((one.max_days for one in bounds), default=7),
        "volume_cap": min((one.volume_cap for one in bounds if one.volume_cap), default=0.0),
        "step_pct": min(steps, default=0.0),
    }


def _uncleared(bounds: tuple[Bound, ...], *, any_condition: bool) -> list[Exclusion]:
    """A-03: no intervals with an unscreened condition; and what single conditions allow once cleared."""
    found = [Exclusion(rule=one.rule, exclude_tags=one.until_cleared) for one in bounds if one.until_cleared]
    if any_condition:
        found.append(Exclusion(rule="A-03", exclude_tags=frozenset({"high_intensity"})))
    return found
