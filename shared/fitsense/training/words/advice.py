"""Answers without a plan: small questions, red flags, refusals and missing clearance (rules §5 to §9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fitsense.safety.flags import RED_FLAGS
from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.history.e1rm import e1rm
from fitsense.training.history.readiness import Readiness
from fitsense.training.load.rounding import round_load
from fitsense.training.nutrition.energy import GAIN_BAND_PCT, LOSS_BAND_PCT
from fitsense.training.people.conditions import limits_for
from fitsense.training.week.prescription import prescribe
from fitsense.training.week.volume import WEEKLY_BAND, weekly_cap
from fitsense.training.words import speech
from fitsense.training.words.explain import sleep_name, strength_sentence, weight_sentence
from fitsense.training.words.voice import Voice

_VERDICT = {"sleep_ok": "good", "sleep_low": "low", "sleep_poor": "poor"}
_CAP_RULE = {"novice": "V-01", "intermediate": "V-02", "advanced": "V-03"}


def red_flag_sentences(voice: Voice, rule: str) -> list[str]:
    """What to do now, then two things that are still true (§9): no diagnosis, no plan."""
    lines = list(voice.phrases.templates(f"flag_safe.{RED_FLAGS[rule].level}"))
    first = voice.chance.pick(lines)
    lines.remove(first)
    safe = [line.format_map(voice.slots) for line in (first, voice.chance.pick(lines))]
    return [voice.say(f"flags.{rule}"), *safe]


def clearance_sentences(voice: Voice, rules: tuple[str, ...]) -> list[str]:
    """Advice only: who has to clear it, what to ask, what is fine until then (Q-01)."""
    why = [voice.say(f"clearance.why.{rule}") for rule in rules if f"clearance.why.{rule}" in voice.phrases]
    return [
        voice.say("clearance.open"),
        *why[:2],
        voice.say("clearance.ask"),
        voice.say("clearance.safe"),
        voice.say("clearance.tail"),
    ]


def fever_sentences(voice: Voice, context: Mapping[str, Any]) -> list[str]:
    """O-02: no session before 24 hours without fever."""
    return [voice.say("fever"), voice.say("fever_tail" if context["week"] else "fever_first")]


def topic_sentences(voice: Voice, topic: str, context: Mapping[str, Any], muscle: str = "") -> list[str]:
    """A short answer to a small question, grounded in the person's own numbers.

    ``muscle`` is the one that the question names. Raises KeyError for a topic without phrases.
    """
    slots = _TOPICS[topic](voice, context) if topic in _TOPICS else {}
    if topic == "volume":
        slots = _volume(voice, context, muscle)
    seen = [*strength_sentence(voice, context), *weight_sentence(voice, context)]
    if context["sleep_h"] and topic != "sleep":
        seen.append(voice.say(f"see.{sleep_name(context['sleep_h'][-1])}"))
    fact = [voice.chance.pick(seen)] if seen else []
    name = slots.pop("phrase", topic)
    if voice.quiet and topic in _NUMBERS_OF_FOOD:
        name = "quiet"
    return [voice.say(f"free.{name}", **slots), *fact, voice.say("free.tail")]


_NUMBERS_OF_FOOD = frozenset({"protein", "rate"})
"""Topics that cannot be answered without numbers of food or weight (X-ED)."""


def _protein(voice: Voice, context: Mapping[str, Any]) -> dict[str, Any]:
    """N-07: 1.6 to 2.2 g/kg, 1.2 g/kg as a sound minimum from 65 on."""
    if context["age"] >= 65:
        return {"phrase": "protein_kidney", "protein_low": round(context["weight_kg"] * 1.2 / 5) * 5}
    return {
        "protein_low": round(context["weight_kg"] * 1.6 / 5) * 5,
        "protein_high": round(context["weight_kg"] * 2.2 / 5) * 5,
    }


def _rate(voice: Voice, context: Mapping[str, Any]) -> dict[str, Any]:
    """N-01 and N-06: the pace, and how many weeks it takes at its middle."""
    weight, target = context["weight_kg"], context["target_weight_kg"]
    low, high = LOSS_BAND_PCT if target < weight else GAIN_BAND_PCT[context["experience"]]
    return {
        "rate_low": voice.number(low, 2),
        "rate_high": voice.number(high, 2),
        "pace_low": voice.mass(weight * low / 100, 2),
        "pace_high": voice.mass(weight * high / 100, 2),
        "target": voice.mass(target),
        "weeks_needed": max(1, round(abs(target - weight) / (weight * (low + high) / 200))),
    }


def _sleep(voice: Voice, context: Mapping[str, Any]) -> dict[str, Any]:
    hours = context["sleep_h"]
    verdict = _VERDICT[sleep_name(hours[-1])] if hours else "none"
    return {"sleep_verdict": voice.say(f"sleep_verdict.{verdict}")}


def _loaded_lift(voice: Voice, context: Mapping[str, Any]) -> Mapping[str, Any]:
    """The lift that the question is about: the one that the voice speaks of, if it is loaded."""
    loaded = [lift for lift in context["lifts"] if lift["weight_kg"]]
    named = [lift for lift in loaded if lift["exercise_id"] == voice.focus]
    found: Mapping[str, Any] = (named or loaded)[0]
    return found


def _rir(voice: Voice, context: Mapping[str, Any]) -> dict[str, Any]:
    lift = _loaded_lift(voice, context)
    exercise = load_catalog()[lift["exercise_id"]]
    dose = prescribe(context, exercise, limits_for(context), Readiness())
    return {"rir": voice.number(dose.rir), **voice.lift(exercise.id)}


def _rest(voice: Voice, context: Mapping[str, Any]) -> dict[str, Any]:
    """I-01, by what the engine itself would plan."""
    lift = _loaded_lift(voice, context)
    exercise = load_catalog()[lift["exercise_id"]]
    dose = prescribe({**context, "minutes_per_session": 60}, exercise, limits_for(context), Readiness())
    return {"rest_low": dose.rest_s, "rest_high": dose.rest_s + 60, **voice.lift(exercise.id)}


def _warmup(voice: Voice, context: Mapping[str, Any]) -> dict[str, Any]:
    """W-01: about 50 % for 8 and 70 % for 4."""
    lift = _loaded_lift(voice, context)
    exercise, kg = load_catalog()[lift["exercise_id"]], lift["weight_kg"]
    ramp = [min(kg, round_load(exercise, kg * share, voice.units)) for share in (0.5, 0.7)]
    return {
        "load": voice.load(kg),
        "ramp_one": voice.load(ramp[0]),
        "ramp_two": voice.load(ramp[1]),
        **voice.lift(exercise.id),
    }


def _volume(voice: Voice, context: Mapping[str, Any], muscle: str) -> dict[str, Any]:
    level = context["experience"]
    low, high = WEEKLY_BAND[level]
    limits = limits_for(context)
    cap = weekly_cap(level, limits.volume_cap)
    muscle = muscle or next(iter(context["weekly_sets"]), "chest")
    sets = context["weekly_sets"].get(muscle, 0.0)
    high, low = min(high, cap - 2), min(low, 4.0 if limits.volume_cap else low)
    verdict = "low" if sets < low else "fine" if sets <= high else "high"
    return {
        "band_low": voice.number(low),
        "band_high": voice.number(high),
        "cap": voice.number(cap),
        "cap_rule": "V-05" if limits.volume_cap == cap else _CAP_RULE[level],
        "sets": voice.number(sets),
        "muscle": voice.muscle(muscle),
        "muscle_cap": speech.capital(voice.muscle(muscle)),
        "volume_verdict": voice.say(f"volume_verdict.{verdict}"),
    }


def _e1rm(voice: Voice, context: Mapping[str, Any]) -> dict[str, Any]:
    """M-05 on the last set of the lift, or why it cannot be told."""
    lift = _loaded_lift(voice, context)
    kg, reps, rir = lift["weight_kg"], lift["reps"][-1], lift["rir"][-1]
    estimate = e1rm(kg, reps, rir)
    found = {"load": voice.load(kg), "reps": reps, **voice.lift(lift["exercise_id"])}
    return {**found, "phrase": "e1rm_none"} if estimate is None else {**found, "e1": voice.mass(estimate)}


def _chest(voice: Voice, context: Mapping[str, Any]) -> dict[str, Any]:
    catalog = load_catalog()
    lifts = (lift["exercise_id"] for lift in context["lifts"])
    press = next((one for one in lifts if catalog[one].primary == "chest"), "hp07")
    return {"press": catalog.name(press, voice.language)}


def _water(voice: Voice, context: Mapping[str, Any]) -> dict[str, Any]:
    """About half a litre an hour, by thirst."""
    litres = max(0.25, round(context["minutes_per_session"] / 120 * 4) / 4)
    unit = "लीटर" if voice.language == "hi" else "l"
    return {"drink": f"{voice.number(litres, 2)} {unit}"}


_TOPICS: dict[str, Callable[[Voice, Mapping[str, Any]], dict[str, Any]]] = {
    "protein": _protein,
    "rate": _rate,
    "sleep": _sleep,
    "rir": _rir,
    "rest": _rest,
    "warmup": _warmup,
    "e1rm": _e1rm,
    "lookalike_chest": _chest,
    "lookalike_urine": _water,
}
