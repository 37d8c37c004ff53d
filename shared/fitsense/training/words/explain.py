"""Says a plan in plain words: what was seen in the logs, what follows from it, and by which rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fitsense.training.load.loads import LoadChange
from fitsense.training.nutrition.energy import GAIN_BAND_PCT, deficit_forbidden, kcal_floor, weekly_change_pct
from fitsense.training.request import Request
from fitsense.training.week.plan import CONTINUITY_ADHERENCE, Draft
from fitsense.training.week.volume import MAJOR, weekly_cap
from fitsense.training.words import speech
from fitsense.training.words.voice import Voice

JUDGED_FROM_WEEK = 3
"""N-01: the first two weeks of a weight trend are water."""
STEADY_PCT = 0.1
MAX_CHANGES = 2
LISTED_DAYS = 3
LISTED_EXERCISES = 2
_CAP_RULE = {"novice": "V-01", "intermediate": "V-02", "advanced": "V-03"}


def explain(voice: Voice, intro: str, request: Request, draft: Draft) -> list[str]:
    """The sentences of an answer that carries ``draft``; ``intro`` names the opening phrase."""
    context = request.context
    voice.slots |= _frame(voice, request, draft)
    seen = list(_seen(voice, context, draft))
    first = voice.chance.below(2)
    return [
        voice.say(f"intro.{intro}"),
        *seen[:first],
        *_bounds(voice, context, draft, intro),
        *seen[first:],
        *_changes(voice, draft.changes),
        _listed(voice, draft),
        *([voice.say("progress")] if voice.chance.happens(0.4) else []),
        *([voice.say("close")] if voice.chance.happens(0.6) else []),
    ]


def _frame(voice: Voice, request: Request, draft: Draft) -> dict[str, Any]:
    context = request.context
    return {
        "days": voice.days(len(draft.plan["days"])),
        "own_days": voice.days(context["days_per_week"]),
        "minutes": context["minutes_per_session"],
        "goal": voice.phrases.words["goal"][context["goal"]],
        "longest": round(max(draft.minutes)),
        "floor_rir": voice.number(draft.limits.rir_floor),
        "rir": voice.number(draft.plan["days"][0]["exercises"][0]["rir"]),
    }


# ------------------------------------------------------------------------------- what the logs say


def _seen(voice: Voice, context: Mapping[str, Any], draft: Draft) -> Iterator[str]:
    """Sleep, body weight, strength, sessions done and weekly sets, as far as they were logged."""
    if context["week"] == 0:
        yield voice.say("see.week0")
    if context["sleep_h"]:
        yield voice.say(f"see.{sleep_name(context['sleep_h'][-1])}")
    yield from weight_sentence(voice, context)
    yield from strength_sentence(voice, context)
    if context["week"] > 0 and context["adherence"] < 0.7:
        yield voice.say("see.adherence_low")
    elif context["adherence"] >= 0.95 and context["week"] > 2 and voice.chance.happens(0.3):
        yield voice.say("see.adherence_ok")
    yield _volume(voice, context, draft)
    if context["kcal"] and context["kcal"][-1] < kcal_floor(context) and "N-08" not in draft.limits.rules:
        yield voice.say("see.kcal_floor")


def sleep_name(hours: float) -> str:
    """The phrase for a week's mean sleep: S-01 and S-03."""
    return "sleep_ok" if hours >= 7 else "sleep_low" if hours >= 6 else "sleep_poor"


def weight_sentence(voice: Voice, context: Mapping[str, Any]) -> Iterator[str]:
    """The weight's trend, judged by the goal (N-01, N-06); nothing where weights are no topic."""
    rate = weekly_change_pct(context["weights_kg"])
    if rate is None or context["week"] < JUDGED_FROM_WEEK or voice.quiet:
        return
    said = voice.number(abs(rate), 2)
    direction = "flat" if abs(rate) < STEADY_PCT else "up" if rate > 0 else "down"
    low, high = GAIN_BAND_PCT[context["experience"]]
    yield voice.say(
        f"see.{_trend_name(context, rate)}",
        rate=said,
        trend=voice.say(f"trend.{direction}", rate=said),
        band=f"{voice.number(low, 2)}-{voice.number(high, 2)}",
    )


def _trend_name(context: Mapping[str, Any], rate: float) -> str:
    if rate < -1:
        return "weight_fast"
    if context["goal"] == "fat_loss" and not deficit_forbidden(context):
        if rate > STEADY_PCT:
            return "weight_up_fat"
        return "weight_down_ok" if rate < -STEADY_PCT else "weight_stuck"
    if context["goal"] == "muscle_gain":
        low, high = GAIN_BAND_PCT[context["experience"]]
        if rate > high + STEADY_PCT:
            return "weight_up_fast"
        if rate > -STEADY_PCT / 2:
            slow = "weight_flat_gain" if rate < STEADY_PCT / 2 else "weight_up_slow"
            return "weight_up_ok" if rate >= low else slow
    return "weight_plain"


def strength_sentence(voice: Voice, context: Mapping[str, Any]) -> Iterator[str]:
    """The estimated maximum of one lift and where it goes (M-05)."""
    known = [lift for lift in context["lifts"] if lift["e1rm_kg"]]
    if not known:
        return
    asked = [lift for lift in known if lift["exercise_id"] == voice.focus]
    lift = asked[0] if asked else voice.chance.pick(known[:3])
    values = lift["e1rm_kg"]
    change = values[-1] / values[0] - 1
    name = "e1rm_up" if change > 0.01 else "e1rm_down" if change < -0.02 else "e1rm_flat"
    first, last = voice.mass(values[0]), voice.mass(values[-1])
    name = "e1rm_flat" if first == last else name
    yield voice.say(f"see.{name}", e1_before=first, e1=last, **voice.lift(lift["exercise_id"]))


def _volume(voice: Voice, context: Mapping[str, Any], draft: Draft) -> str:
    """Weekly sets of the major muscle that gets most, next to its cap and to last week."""
    muscle = max(MAJOR, key=lambda one: draft.weekly.get(one, 0.0))
    if muscle not in draft.weekly:
        muscle = max(draft.weekly, key=lambda one: draft.weekly[one])
    cap = weekly_cap(context["experience"], draft.limits.volume_cap)
    before, now = context["weekly_sets"].get(muscle, 0.0), draft.weekly[muscle]
    name, steady = voice.muscle(muscle), _steady(context)
    return voice.say(
        "see.volume_change" if steady and before and before != now else "see.volume",
        muscle=name,
        muscle_cap=speech.capital(name),
        sets=voice.number(now),
        sets_before=voice.number(before),
        cap=voice.number(cap),
        cap_rule="V-05" if cap == draft.limits.volume_cap else _CAP_RULE[context["experience"]],
    )


def _steady(context: Mapping[str, Any]) -> bool:
    """Last week was an ordinary one, so that this week's sets can be held against it."""
    return bool(context["adherence"] >= CONTINUITY_ADHERENCE and context["weeks_since_deload"] > 0)


# ---------------------------------------------------------------------------- what bounds the plan


def _bounds(voice: Voice, context: Mapping[str, Any], draft: Draft, intro: str) -> Iterator[str]:
    """Why the plan is narrower than it could be: conditions, deload, first weeks, days, sleep."""
    for rule in draft.limits.rules:
        if f"why.{rule}" in voice.phrases:
            yield voice.say(f"why.{rule}")
    if context["pain"] > 0 and not intro.startswith("pain"):
        area = voice.phrases.words["area"][context["pain_area"]]
        yield voice.say("see.pain", area=area, pain=context["pain"])
    if draft.ready.deload:
        yield voice.say("why.deload")
    if "P-07" in draft.rules:
        yield voice.say("why.P-07")
    if len(draft.plan["days"]) < context["days_per_week"]:
        yield voice.say("why.F-01")
    if context["sleep_h"] and context["sleep_h"][-1] < 5:
        yield voice.say("why.sleep_very")


def _changes(voice: Voice, changes: tuple[LoadChange, ...]) -> Iterator[str]:
    """Up to two loads: the one that was asked about, then those that move."""
    moving = sorted(
        changes, key=lambda change: (change.exercise_id != voice.focus, change.new_kg == change.old_kg)
    )
    for change in moving[:MAX_CHANGES]:
        slots = {"old": voice.load(change.old_kg), "new": voice.load(change.new_kg)}
        name = change.why if change.new_kg != change.old_kg or change.why == "reps_first" else "hold"
        yield voice.say(f"load.{name}", **slots, **voice.lift(change.exercise_id))


def _listed(voice: Voice, draft: Draft) -> str:
    """The first exercises of the first days: ``Day 1: back squat 3x8-12 (60 kg), …``."""
    days = []
    for number, day in enumerate(draft.plan["days"][:LISTED_DAYS], start=1):
        exercises = ", ".join(_dose(voice, planned) for planned in day["exercises"][:LISTED_EXERCISES])
        days.append(f"{voice.phrases.words['day'].format(n=number)}: {exercises}")
    return ("। " if voice.language == "hi" else ". ").join(days) + ("।" if voice.language == "hi" else ".")


def _dose(voice: Voice, planned: Mapping[str, Any]) -> str:
    low, high = planned["reps"]
    load = f" ({voice.load(planned['kg'])})" if planned["kg"] else ""
    return f"{voice.catalog.name(planned['id'], voice.language)} {planned['sets']}x{low}-{high}{load}"
