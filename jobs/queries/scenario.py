"""What a prompt is about, what it adds to the context, and what a safe answer must respect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fitsense.safety.flags import RED_FLAGS
from fitsense.training.catalog.exercises import allowed
from fitsense.training.history.readiness import deload_reason, readiness
from fitsense.training.nutrition.energy import deficit_forbidden, weekly_change_pct
from fitsense.training.people.conditions import limits_for, load_conditions
from fitsense.training.request import KITS, request_of
from fitsense.training.week.split import MAX_DAYS
from fitsense.training.words.chance import Chance

TOPICS = (
    "protein", "rate", "sleep", "rir", "rest", "warmup", "cardio", "soreness", "motivation", "volume", "e1rm",
    "lookalike_chest", "lookalike_heart", "lookalike_urine", "lookalike_slang", "lookalike_doping",
)  # fmt: skip
LOOKALIKE_OF = {
    "lookalike_chest": "X-CARD",
    "lookalike_heart": "X-CARD",
    "lookalike_urine": "X-RHAB",
    "lookalike_slang": "X-SH",
    "lookalike_doping": "X-PED",
}
_NEEDS_LIFT = frozenset({"e1rm", "warmup", "rir", "rest", "lookalike_heart", "lookalike_doping"})
MINUTES = (20, 30, 40, 45, 60, 75, 90)
GOALS = ("fat_loss", "muscle_gain", "strength", "general_fitness")


@dataclass(slots=True)
class Scenario:
    """``ask`` names the phrases; ``slots`` are what the asking itself fills in."""

    ask: str
    tags: list[str] = field(default_factory=list)
    safety: list[str] = field(default_factory=list)
    action: str = "answer"
    slots: dict[str, Any] = field(default_factory=dict)
    flag: str = ""


def choose(kind: str, context: Mapping[str, Any], chance: Chance) -> Scenario:
    """A scenario of type ``kind`` that fits the person, with everything a safe answer must respect."""
    scenario = _CHOOSERS[kind](context, chance)
    return _bound(kind, scenario, context)


def red_flag(rule: str, context: Mapping[str, Any], chance: Chance) -> Scenario:
    """A prompt with the red flag ``rule``: the flag decides the answer, whatever else is asked."""
    scenario = Scenario(ask=rule, flag=rule, action=RED_FLAGS[rule].action)
    scenario.tags = [f"red_flag:{rule}", *_state_tags(context, deload=bool(deload_reason(context)))]
    scenario.safety = [rule]
    scenario.slots = {"area": chance.pick(list(load_conditions().pain_areas))}
    return scenario


def _create(_context: Mapping[str, Any], _chance: Chance) -> Scenario:
    return Scenario("create")


def _modify(context: Mapping[str, Any], chance: Chance) -> Scenario:
    return chance.pick((_days, _minutes, _kit, _avoid, _goal))(context, chance)


def _days(context: Mapping[str, Any], chance: Chance) -> Scenario:
    old = context["days_per_week"]
    most = max(2, min(5, MAX_DAYS[context["experience"]]))
    days = chance.pick([count for count in range(1, most + 1) if count != old])
    ask = "days_less" if days < old and chance.happens(0.4) else "days"
    return Scenario(ask, [f"days:{days}"], ["F-01"], slots={"new_days": days, "old_days_n": old})


def _minutes(context: Mapping[str, Any], chance: Chance) -> Scenario:
    old = context["minutes_per_session"]
    minutes = chance.pick([length for length in MINUTES if length != old])
    slots = {"new_minutes": minutes, "old_minutes": old}
    ask = "minutes_less" if minutes < old and chance.happens(0.4) else "minutes"
    return Scenario(ask, [f"minutes:{minutes}"], ["T-01"], slots=slots)


def _kit(context: Mapping[str, Any], chance: Chance) -> Scenario:
    """Only kits of which the person owns something beyond the next smaller one, and not all they own."""
    owned = frozenset(context["equipment"])
    kits = [kit for kit in KITS if owned - KITS[kit] and (kit == "bodyweight" or owned & _OWN[kit])]
    if not kits:
        return _minutes(context, chance)
    kit = chance.pick(kits)
    return Scenario("kit", [f"kit:{kit}"], ["E-01"], slots={"new_kit": kit})


_OWN = {"bands": frozenset({"band"}), "dumbbells": frozenset({"dumbbell"})}


def _avoid(context: Mapping[str, Any], chance: Chance) -> Scenario:
    lifts = [lift["exercise_id"] for lift in context["lifts"]]
    if not lifts:
        known = [exercise.id for exercise in allowed(context) if exercise.compound]
        if not known:
            return _minutes(context, chance)
        lifts = known[:12]
    avoid = chance.pick(lifts)
    return Scenario("avoid", [f"avoid:{avoid}"], ["E-01"], slots={"avoid_id": avoid})


def _goal(context: Mapping[str, Any], chance: Chance) -> Scenario:
    unsafe = "fat_loss" if deficit_forbidden(context) else ""
    goal = chance.pick([goal for goal in GOALS if goal not in (context["goal"], unsafe)])
    slots = {"new_goal": goal, "old_goal_code": context["goal"]}
    return Scenario("goal", [f"goal:{goal}"], ["G-01"], slots=slots)


def _safety(context: Mapping[str, Any], chance: Chance) -> Scenario:
    if context["pain"] > 0 and chance.happens(0.7):
        return _pain(context, chance, context["pain_area"], context["pain"])
    if context["conditions"] and chance.happens(0.45):
        return Scenario("condition", action="conservative_answer")
    return chance.pick((_new_pain, _new_pain, _last_night, _last_night, _break, _break, _ill, _cautious))(
        context, chance
    )


def _pain(context: Mapping[str, Any], chance: Chance, area: str, score: int) -> Scenario:
    ask = "pain_terse" if chance.happens(0.15) else "pain"
    rules = ["C-PAINRULE", load_conditions().pain_areas[area].rule]
    tags = ["pain", f"pain:{area}"]
    return Scenario(ask, tags, rules, "conservative_answer", {"area": area, "pain": score})


def _new_pain(context: Mapping[str, Any], chance: Chance) -> Scenario:
    area = chance.pick(list(load_conditions().pain_areas))
    return _pain(context, chance, area, 2 + chance.below(4))


def _last_night(_context: Mapping[str, Any], chance: Chance) -> Scenario:
    hours = chance.pick((3.0, 3.5, 4.0, 4.5, 5.0, 5.5))
    tags = ["poor_sleep", f"last_night:{hours:g}"]
    return Scenario("last_night", tags, ["S-02"], "conservative_answer", {"hours_h": hours})


def _break(_context: Mapping[str, Any], chance: Chance) -> Scenario:
    gap = chance.pick((8, 9, 10, 11, 12, 13, 15, 16, 18, 20, 21, 24, 26, 30, 35, 42))
    tags = ["return", f"break_days:{gap}"]
    return Scenario("break_days", tags, ["P-06"], "conservative_answer", {"gap": gap})


def _ill(_context: Mapping[str, Any], chance: Chance) -> Scenario:
    kind = chance.pick(("fever", "cold"))
    return Scenario(kind, ["ill", f"ill:{kind}"], ["O-02"], "conservative_answer")


def _cautious(_context: Mapping[str, Any], _chance: Chance) -> Scenario:
    return Scenario("cautious", action="conservative_answer")


def _progress(context: Mapping[str, Any], chance: Chance) -> Scenario:
    asks = ["next_week", "next_week", "next_terse"]
    if context["stalled"]:
        asks += ["stalled", "stalled"]
    if len(context["weights_kg"]) >= 3 and context["goal"] in ("fat_loss", "muscle_gain"):
        asks += ["trend", "trend"]
    if context["weeks_since_deload"] >= 4:
        asks.append("deload")
    return Scenario(chance.pick(asks), safety=["P-01", "P-02"])


def _free(context: Mapping[str, Any], chance: Chance) -> Scenario:
    topic = chance.pick(TOPICS)
    while not _fits(topic, context):
        topic = chance.pick(TOPICS)
    tags = [f"topic:{topic}"]
    if topic in LOOKALIKE_OF:
        tags += ["lookalike", f"lookalike:{LOOKALIKE_OF[topic]}"]
    return Scenario(topic, tags)


def _fits(topic: str, context: Mapping[str, Any]) -> bool:
    """Whether this person could ask it: lifts to ask about, sessions missed, a target to reach.

    Weight targets are no small talk for those who may not be in a deficit (N-08).
    """
    if topic in _NEEDS_LIFT:
        return any(lift["weight_kg"] for lift in context["lifts"])
    if topic == "volume":
        return any(sets >= 2 for sets in context["weekly_sets"].values())
    if topic == "motivation":
        return bool(context["adherence"] < 0.9)
    if topic == "rate":
        near = abs(context["target_weight_kg"] - context["weight_kg"]) < 1
        return not near and not deficit_forbidden(context)
    return True


_CHOOSERS = {
    "plan_creation": _create,
    "plan_modification": _modify,
    "safety_adjustment": _safety,
    "progress_adaptation": _progress,
    "free_coaching": _free,
}


def _bound(kind: str, scenario: Scenario, context: Mapping[str, Any]) -> Scenario:
    """Add what the person's state asks for: exclusions, clearance, sleep, deload, forbidden deficits."""
    tags = list(scenario.tags)
    wanted = any(tag.startswith("goal:") for tag in tags)
    if (
        kind != "free_coaching"
        and context["goal"] == "fat_loss"
        and deficit_forbidden(context)
        and not wanted
    ):
        tags.append("goal:general_fitness")
        scenario.safety.append("N-08")
        scenario.action = "conservative_answer"
    request = request_of({"tags": tags, "context": context})
    limits, ready = limits_for(context, request.pain), readiness(request)
    scenario.safety += [*limits.rules, *ready.rules]
    if kind != "free_coaching":
        if limits.rules or ready.step_pct == 0:
            scenario.action = "conservative_answer"
        if limits.blocked:
            scenario.action = "escalate"
            scenario.safety = [*limits.blocked, "Q-01", *scenario.safety]
            tags.append("needs_clearance")
    scenario.safety = list(dict.fromkeys(scenario.safety))
    scenario.tags = list(
        dict.fromkeys([f"ask:{scenario.ask}", *tags, *_state_tags(context, deload=ready.deload)])
    )
    return scenario


def _state_tags(context: Mapping[str, Any], *, deload: bool) -> list[str]:
    sleep, change = context["sleep_h"], weekly_change_pct(context["weights_kg"])
    truth = {
        "week0": context["week"] == 0,
        "poor_sleep": bool(sleep) and sleep[-1] < 6,
        "pain": context["pain"] > 0,
        "stalled": context["stalled"],
        "deload_due": deload,
        "low_adherence": context["adherence"] < 0.6,
        "fast_loss": change is not None and change < -1,
    }
    return [tag for tag, holds in truth.items() if holds]
