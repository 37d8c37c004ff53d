"""What the templates are filled with: the person's own numbers in their own language and units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fitsense.training.catalog.exercises import Catalog
from fitsense.training.words import speech
from fitsense.training.words.chance import Chance
from fitsense.training.words.phrasing import Phrases
from jobs.queries.scenario import Scenario

FLAT_PCT = 0.3
"""A weight that changed less over the span is called stuck."""
_BODYWEIGHT = {"en": "bodyweight", "es": "peso corporal", "hi": "बॉडीवेट", "hinglish": "bodyweight"}
_ENDINGS = {
    "en": ({}, {}),
    "es": ({"o": "o"}, {"o": "a"}),
    "hi": (
        {"ta": "ता", "ya": "या", "a": "ा", "ga": "गा"},
        {"ta": "ती", "ya": "ई", "a": "ी", "ga": "गी"},
    ),
    "hinglish": ({"a": "a"}, {"a": "i"}),
}


def kit_of(equipment: list[str]) -> str:
    """The coarse class of what a person owns: gym, barbell, dumbbells, bands or bodyweight."""
    return next((kit for kit, any_of in _KITS if not any_of.isdisjoint(equipment)), "bodyweight")


_KITS = (
    ("gym", frozenset({"machine", "cable"})),
    ("barbell", frozenset({"barbell"})),
    ("dumbbells", frozenset({"dumbbell", "kettlebell"})),
    ("bands", frozenset({"band"})),
)


def slots_of(
    context: Mapping[str, Any],
    scenario: Scenario,
    phrases: Phrases,
    voice: str,
    chance: Chance,
    catalog: Catalog,
) -> dict[str, Any]:
    """All slots of every template. ``voice`` is the language, or ``hinglish``."""
    words = phrases.words
    slots: dict[str, Any] = {
        "age": context["age"],
        "week": context["week"],
        "next_week": context["week"] + 1,
        "since": context["weeks_since_deload"],
        "adherence": round(100 * context["adherence"]),
        "gestation": context["gestation_weeks"] if context["gestation_weeks"] is not None else 24,
        "postpartum": context["postpartum_weeks"] if context["postpartum_weeks"] is not None else 10,
        "gear": words["gear"][kit_of(context["equipment"])],
    }
    slots |= _ENDINGS[voice][context["sex"] == "F"]
    slots["experience"] = words["experience"][context["experience"]].format_map(slots)
    slots |= _asked(context, scenario, words, voice, catalog)
    slots |= _numbers(context, voice, chance)
    slots |= _weight(context, voice)
    slots |= _lift(context, voice, chance, catalog)
    slots["press"] = _name(_press(context, catalog), voice, catalog)
    slots |= _weekday(words, chance)
    slots |= _health(context, words, slots)
    return slots


def _asked(
    context: Mapping[str, Any], scenario: Scenario, words: Mapping[str, Any], voice: str, catalog: Catalog
) -> dict[str, Any]:
    """What the scenario changes, next to what it was."""
    own = scenario.slots
    days = speech.days(own.get("new_days", context["days_per_week"]), voice)
    asked = {
        **own,
        "days": days,
        "days_cap": days,
        "old_days": speech.days(own.get("old_days_n", context["days_per_week"]), voice),
        "minutes": own.get("new_minutes", context["minutes_per_session"]),
        "goal": words["goal"][own.get("new_goal", context["goal"])],
        "old_goal": words["goal"][own.get("old_goal_code", context["goal"])],
    }
    if "new_kit" in own:
        asked["kit"] = words["kit"][own["new_kit"]]
    if "avoid_id" in own:
        asked["avoid"] = _name(own["avoid_id"], voice, catalog)
    if "area" in own:
        asked["area"] = words["area"][own["area"]]
        asked["area_cap"] = speech.capital(asked["area"])
    if "hours_h" in own:
        asked["hours"] = speech.number(own["hours_h"], voice)
    return asked


def _numbers(context: Mapping[str, Any], voice: str, chance: Chance) -> dict[str, Any]:
    """Figures of the logs, and such as a person makes up."""
    sleep = context["sleep_h"][-1] if context["sleep_h"] else 7.0
    kcal = context["kcal"][-1] if context["kcal"] else context["kcal_target"]
    muscle, sets = _muscle(context, chance)
    return {
        "sleep": speech.number(sleep, voice),
        "kcal": round(kcal / 10) * 10,
        "grams": round(context["weight_kg"] * (0.8 + chance.share()) / 5) * 5,
        "rir": chance.pick((1, 2, 3)),
        "rest": chance.pick((30, 45, 60, 75, 90)),
        "muscle_id": muscle,
        "muscle": speech.MUSCLES[voice][muscle],
        "muscle_cap": speech.capital(speech.MUSCLES[voice][muscle]),
        "sets": speech.number(sets, voice),
        "big": chance.pick((150, 180, 200, 220, 250, 300)),
        "few": chance.pick((450, 500, 550, 600, 650, 700, 750)),
        "sugar": 48 + chance.below(20),
        "minor": 13 + chance.below(5),
        "fast": chance.pick((2, 3, 4, 5)),
        "span8": chance.pick((8, 10, 12, 16)),
    }


def _muscle(context: Mapping[str, Any], chance: Chance) -> tuple[str, float]:
    trained = [(muscle, sets) for muscle, sets in context["weekly_sets"].items() if sets >= 2]
    return chance.pick(trained) if trained else (chance.pick(("chest", "quads", "lats")), 6.0)


def _weight(context: Mapping[str, Any], voice: str) -> dict[str, Any]:
    units, weights, now = context["units"], context["weights_kg"], context["weight_kg"]
    span = min(4, len(weights) - 1) if len(weights) > 1 else 1
    before = weights[-1 - span] if len(weights) > 1 else now
    return {
        "weight": speech.mass(now, voice, units),
        "weight_before": speech.mass(before, voice, units),
        "delta": speech.mass(abs(now - before), voice, units),
        "span": span,
        "target": speech.mass(context["target_weight_kg"], voice, units),
        "cut": speech.mass(now * 0.93, voice, units),
    }


def trend_name(context: Mapping[str, Any]) -> str:
    """``weight_up``, ``weight_down`` or ``weight_flat`` over the last weeks; empty with too few of them."""
    weights = context["weights_kg"]
    if len(weights) < 3:
        return ""
    span = min(4, len(weights) - 1)
    change = 100 * (weights[-1] / weights[-1 - span] - 1)
    return "weight_flat" if abs(change) < FLAT_PCT else "weight_up" if change > 0 else "weight_down"


def _lift(context: Mapping[str, Any], voice: str, chance: Chance, catalog: Catalog) -> dict[str, Any]:
    lifts = [lift for lift in context["lifts"] if lift["weight_kg"]] or context["lifts"]
    if not lifts:
        name = _name(chance.pick(("sq06", "hp07", "sq03", "hi17")), voice, catalog)
        load = speech.load(chance.pick((10, 12.5, 15, 20)), voice, context["units"])
        cap = speech.capital(name)
        return {"lift": name, "lift_cap": cap, "lift_id": "", "load": load, "reps": 8 + chance.below(6)}
    lift = chance.pick(lifts)
    name = _name(lift["exercise_id"], voice, catalog)
    kg = lift["weight_kg"]
    return {
        "lift": name,
        "lift_cap": speech.capital(name),
        "lift_id": lift["exercise_id"],
        "load": speech.load(kg, voice, context["units"]) if kg else _BODYWEIGHT[voice],
        "reps": lift["reps"][-1],
    }


def _press(context: Mapping[str, Any], catalog: Catalog) -> str:
    """A lift of the person that trains the chest, or the push-up."""
    lifts = (lift["exercise_id"] for lift in context["lifts"])
    return next((one for one in lifts if catalog[one].primary == "chest"), "hp07")


def _name(exercise_id: str, voice: str, catalog: Catalog) -> str:
    return catalog.name(exercise_id, "en" if voice == "hinglish" else voice)


def _weekday(words: Mapping[str, Any], chance: Chance) -> dict[str, str]:
    day = chance.pick(words["weekday"])
    return {"weekday": day, "weekday_cap": speech.capital(day), "weekday_plain": day.removeprefix("el ")}


def _health(context: Mapping[str, Any], words: Mapping[str, Any], slots: Mapping[str, Any]) -> dict[str, str]:
    if not context["conditions"]:
        return {}
    text = words["condition"][context["conditions"][0]].format_map(slots)
    return {"condition": text, "condition_cap": speech.capital(text)}
