"""A case as the engine's request: its equipment, exercises and muscles by the catalogue's names.

Nothing is fatal here and nothing is dropped in silence: each name that means nothing is a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fitsense.errors import Misconfigured
from fitsense.safety.notes import Notes
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.case import Case, CaseHistory, CaseSet, Target
from fitsense.training.catalog.exercises import EQUIPMENT, MUSCLES, load_catalog
from fitsense.training.findings import Finding
from fitsense.training.history.log import Log, lifts_of_log, log_of_case
from fitsense.training.people.painful import painful_exercises
from fitsense.training.request import Request
from fitsense.training.week.continuity import usual_sets

_EVERYTHING = "*"
_MUSCLE_NAMES: Mapping[str, tuple[str, ...]] = {
    "back": ("upper_back", "lats"),
    "hams": ("hamstrings",),
    "hamstring": ("hamstrings",),
    "quad": ("quads",),
    "quadriceps": ("quads",),
    "delts": ("side_delt",),
    "shoulders": ("side_delt",),
    "side_delts": ("side_delt",),
    "rear_delts": ("rear_delt",),
    "front_delts": ("front_delt",),
    "calf": ("calves",),
    "glute": ("glutes",),
    "core": ("abs",),
    "bicep": ("biceps",),
    "tricep": ("triceps",),
    "lat": ("lats",),
    "pecs": ("chest",),
}
"""A group stands for each of its muscles."""


def normalised(case: Case) -> tuple[Case, tuple[Finding, ...]]:
    """The case in the catalogue's own words, and what of it nobody here knows."""
    equipment, strange_items = _equipment(case.profile.equipment)
    sets, strange_sets = _sets(case.history.sets)
    volume, strange_muscles = _muscles(case.history.prior_week_sets)
    profile = case.profile.model_copy(
        update={"equipment": equipment, "target_range": _ranges(case.profile.target_range)}
    )
    history = case.history.model_copy(
        update={
            "sets": sets,
            "prior_week_sets": volume,
            "target_range": _ranges(case.history.target_range),
        }
    )
    findings = [
        *_named("plan.unknown_equipment", "E-01", strange_items),
        *_named("plan.unknown_exercise", "E-01", strange_sets),
        *_named("plan.unknown_muscle", "V-01", strange_muscles),
        *_named("plan.unknown_field", "Q-01", _extra(case)),
    ]
    return case.model_copy(update={"profile": profile, "history": history}), tuple(findings)


def _named(key: str, rule: str, names: Iterable[str]) -> list[Finding]:
    """One finding for all names of a kind; what a user wrote is cut short, not echoed at length."""
    shown = ", ".join(dict.fromkeys(_plain(name) for name in names))
    return [Finding(rule, key, {"names": shown})] if shown else []


def _plain(name: str) -> str:
    """A name fit to be shown: letters, digits and a few signs, 40 at most (X-INJECT)."""
    return re.sub(r"[^\w .,()/+-]", "", name, flags=re.UNICODE).strip()[:40] or "?"


def _extra(case: Case) -> list[str]:
    parts = {"": case, "profile.": case.profile, "history.": case.history}
    return [f"{where}{name}" for where, part in parts.items() for name in part.model_extra or ()]


def _key(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip().lower())


@cache
def _synonyms(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> Mapping[str, tuple[str, ...]]:
    path = schema_dir / "catalog" / "equipment.yaml"
    found: dict[str, list[str]] = yaml.safe_load(path.read_text(encoding="utf-8"))["synonyms"]
    unknown = {one for items in found.values() for one in items} - EQUIPMENT - {_EVERYTHING}
    if unknown:
        raise Misconfigured(f"{path.name}: unknown equipment {sorted(unknown)}")
    return {name: tuple(items) for name, items in found.items()}


def _items(name: str) -> tuple[str, ...] | None:
    key, names = _key(name), _synonyms()
    for one in (key, key.removesuffix("s"), key.removesuffix("es")):
        if one in EQUIPMENT:
            return (one,)
        if one in names:
            return names[one]
    return None


def _equipment(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """E-01: the catalogue's items, in a fixed order, and the names that mean none of them."""
    owned: set[str] = set()
    strange = []
    for name in names:
        items = _items(name)
        if items is None:
            strange.append(name)
        else:
            owned |= EQUIPMENT if _EVERYTHING in items else set(items)
    return sorted(owned), strange


@cache
def _exercise_names() -> Mapping[str, str]:
    """Every name of an exercise, in any language, and its id."""
    catalog = load_catalog()
    names = {_key(name): one for by_id in catalog.names.values() for one, name in by_id.items()}
    return names | {_key(exercise.name): one for one, exercise in catalog.by_id.items()}


def exercise_id(name: str) -> str | None:
    """The id that ``name`` stands for: an id, or a name of the catalogue; None for any other."""
    plain = name.strip().lower()
    return plain if plain in load_catalog() else _exercise_names().get(_key(name))


def _sets(sets: Iterable[CaseSet]) -> tuple[list[CaseSet], list[str]]:
    found, strange = [], []
    for one in sets:
        known = exercise_id(one.exercise)
        if known is None:
            strange.append(one.exercise)
        else:
            found.append(one if known == one.exercise else one.model_copy(update={"exercise": known}))
    return found, strange


def _ranges(target: Target) -> Target:
    """Repetition ranges by exercise id, low before high; those of unknown exercises bind nothing."""
    if isinstance(target, dict):
        named = {exercise_id(name): one for name, one in target.items()}
        return {one: (min(reps), max(reps)) for one, reps in named.items() if one is not None}
    return (min(target), max(target)) if target else None


def _muscles(volume: Mapping[str, float]) -> tuple[dict[str, float], list[str]]:
    """Last week's sets by the catalogue's muscles, and the names that mean none."""
    found: dict[str, float] = {}
    strange = []
    for name, sets in volume.items():
        key = _key(name)
        muscles = (key,) if key in MUSCLES else _MUSCLE_NAMES.get(key, ())
        if not muscles:
            strange.append(name)
        for muscle in muscles:
            found.setdefault(muscle, sets)
    return found, strange


def notes_of(history: CaseHistory) -> tuple[str, ...]:
    """All free text of a history, the set notes first."""
    return (*(one.note for one in history.sets if one.note), *history.user_notes)


_OPTIONAL = {
    "breastfeeding", "c_section", "postpartum_check", "pelvic_symptoms", "surgery_weeks", "currently_active",
    "parq", "ketones", "micro_plates", "bar_kg", "dumbbell_step_kg", "progression", "bp",
}  # fmt: skip


def optional(case: Case) -> dict[str, Any]:
    """The keys that only some cases have, as the engine's person has them."""
    history = case.history
    found = case.profile.model_dump(include=_OPTIONAL) | {
        "glucose_mgdl": history.glucose_mgdl,
        "ffm_kg": history.ffm_kg,
        "exercise_kcal_day": history.exercise_kcal_day,
    }
    return {key: one for key, one in found.items() if one is not None}


KNOWN_WEEKS = 52
"""Training weeks of somebody past novice who did not tell them: past all first weeks."""
_PERSON = {
    "age", "sex", "height_cm", "weight_kg", "goal", "experience", "days_per_week", "minutes_per_session",
    "equipment", "conditions", "medical_clearance", "gestation_weeks", "postpartum_weeks", "units",
}  # fmt: skip


def request_of_case(case: Case, notes: Notes | None = None) -> Request:
    """The request of a normalised Case; ``notes`` is what its free text says (data, never instructions)."""
    log, today, nights = _log(case, notes), case.request == "today_session", case.history.sleep_h_last7
    return Request(
        context=_context(case, log),
        pain=frozenset(notes.pain) if notes else frozenset(),
        last_night_h=nights[-1] if today and nights else None,
        break_days=log.days_since_last or 0,
        ill=notes.illness if notes else "",
        avoid=painful_exercises(case.history.sets, case.history.user_notes, case.profile.model_dump())
        if notes and notes.pain
        else frozenset(),
        log=log,
        today=today,
    )


def _log(case: Case, notes: Notes | None) -> Log:
    log = log_of_case(case)
    return replace(log, signs=notes.signs, sore_muscles=notes.sore_muscles) if notes else log


def _context(case: Case, log: Log) -> dict[str, Any]:
    """``records.Context`` as a dict, and the optional keys that the case has."""
    profile, history = case.profile, case.history
    nights, kcal = history.sleep_h_last7, history.kcal_7d_mean
    return {
        "user_id": "case",
        **profile.model_dump(include=_PERSON),
        "activity": "moderate",
        "target_weight_kg": profile.weight_kg,
        "kcal_target": kcal or 0.0,
        "week": _week(case, log),
        "adherence": 1.0,
        "sleep_h": [sum(nights) / len(nights)] if nights else [],
        "kcal": [] if kcal is None else [kcal],
        "weights_kg": list(history.weight_7d_means),
        "lifts": lifts_of_log(log),
        "weekly_sets": _prior(case, log),
        "weeks_since_deload": 1 if log.weeks_since_deload is None else log.weeks_since_deload,
        "stalled": False,
        "pain_area": None,
        "pain": 0,
        "notes": [],
        **optional(case),
    }


def _prior(case: Case, log: Log) -> dict[str, float]:
    """As stated, else what the log shows that the person is used to."""
    if case.history.prior_week_sets:
        return dict(log.weekly_sets)
    return usual_sets(log.lifts) if _whole_week(log) else {}


WHOLE_WEEK = (2, 4)
"""Sessions and exercises from which on a log is taken for a whole week, not for a few lifts of it."""


def _whole_week(log: Log) -> bool:
    """Whether the last logged week tells all sets of a muscle (P-05): absent sets are unknown, not zero."""
    dates = log.dates()
    recent = [one for one in dates if (dates[-1] - one).days < 7]
    last = [one for one in log.lifts.values() if one[-1].date in recent]
    return len(recent) >= WHOLE_WEEK[0] and len(last) >= WHOLE_WEEK[1]


def _week(case: Case, log: Log) -> int:
    """Weeks of training; where nobody told them, those that the log spans (P-07 asks for the first two)."""
    if log.training_weeks is not None:
        return log.training_weeks
    if case.profile.experience != "novice":
        return KNOWN_WEEKS
    dates = [one.date for one in case.history.sets]
    return (max(dates) - min(dates)).days // 7 if dates else 0
