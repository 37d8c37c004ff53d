"""The ``rules`` teacher: answers made from the record's own context by the engine, in varied words.

Deterministic by (seed, query_id), and free. What it says in words comes from
``schema/catalog/answers``; what it decides comes from ``fitsense.training``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fitsense.training.history.readiness import SHORT_BREAK_CAP
from fitsense.training.people.conditions import limits_for
from fitsense.training.request import Request, request_of, tag_values
from fitsense.training.week.plan import Draft, build_plan, seed_of
from fitsense.training.words import speech
from fitsense.training.words.advice import (
    clearance_sentences,
    fever_sentences,
    red_flag_sentences,
    topic_sentences,
)
from fitsense.training.words.chance import Chance
from fitsense.training.words.explain import explain
from fitsense.training.words.voice import Voice

_INTROS = {
    "days_less": "days",
    "minutes_less": "minutes",
    "pain_terse": "pain",
    "create_terse": "create",
    "next_week": "progress",
    "next_terse": "progress",
    "trend": "progress",
}
"""Ways of asking that are answered alike; any other opens with the phrase of its own name."""


def answer(query: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """A CoachAnswer as a dict for a Query as a dict.

    Text of the prompt and of notes is never followed: tags and context decide, so hidden instructions
    cannot. Raises KeyError for tags or conditions that the engine does not know, ValueError when the
    person's bounds leave no exercise at all.
    """
    tags = tag_values(query["tags"])
    chance = Chance(seed, query["query_id"], "answer")
    voice = Voice(query["context"], query["language"], chance, tags.get("lift", ""))
    sentences, plan, rules = _content(query, tags, voice)
    if tags.get("injection") == "prompt":
        sentences.append(voice.say("see.injection"))
    return {
        "action": query["expected_action"],
        "message": " ".join(sentences),
        "plan": plan,
        "rules": list(dict.fromkeys([*query["safety"], *rules])),
    }


Content = tuple[list[str], dict[str, Any] | None, tuple[str, ...]]


def _content(query: Mapping[str, Any], tags: Mapping[str, str], voice: Voice) -> Content:
    """Sentences, plan and rules: red flags first, then clearance, then what was asked."""
    context = query["context"]
    if "red_flag" in tags:
        return red_flag_sentences(voice, tags["red_flag"]), None, ()
    if query["type"] == "free_coaching":
        return topic_sentences(voice, tags["topic"], context, tags.get("muscle", "")), None, ()
    request = request_of(query)
    if blocked := limits_for(request.context, request.pain).blocked:
        return clearance_sentences(voice, blocked), None, ("Q-01",)
    if request.ill == "fever":
        return fever_sentences(voice, context), None, ("O-02",)
    return _with_plan(query, tags, request, voice)


def _with_plan(query: Mapping[str, Any], tags: Mapping[str, str], request: Request, voice: Voice) -> Content:
    draft = build_plan(request, seed_of(query["context"]))
    ask = tags["ask"]
    voice.slots |= _asked(query, tags, request, draft, voice)
    sentences = explain(voice, _intro(ask, draft), request, draft)
    if "N-08" in query["safety"] and "N-08" not in draft.limits.rules:
        sentences.insert(1, voice.say("why.N-08"))
    return sentences, draft.plan, draft.rules


def _intro(ask: str, draft: Draft) -> str:
    if ask == "deload":
        return "deload_yes" if draft.ready.deload else "deload_no"
    return _INTROS.get(ask, ask)


def _asked(
    query: Mapping[str, Any], tags: Mapping[str, str], request: Request, draft: Draft, voice: Voice
) -> dict[str, Any]:
    """Slots of what the prompt asks for."""
    words, slots = voice.phrases.words, {"asked_days": voice.days(request.context["days_per_week"])}
    if "kit" in tags:
        slots["kit"] = words["kit"][tags["kit"]]
    if "avoid" in tags:
        slots |= _swap(tags["avoid"], draft, voice)
    if area := tags.get("pain"):
        slots |= {"area": words["area"][area], "area_cap": speech.capital(words["area"][area])}
    if request.last_night_h is not None:
        rule = voice.say(f"night.{'very_short' if request.last_night_h < 5 else 'short'}")
        hours = voice.number(request.last_night_h)
        slots |= {"hours": hours, "night_rule": rule, "night_rule_cap": speech.capital(rule)}
    if request.break_days:
        span = "week" if request.break_days < 14 else "weeks" if request.break_days < 28 else "month"
        rule = voice.say(f"gap.{span}", break_off=round(100 - 100 * SHORT_BREAK_CAP))
        slots |= {"gap": str(request.break_days), "gap_rule": rule, "gap_rule_cap": speech.capital(rule)}
    return slots


def _swap(avoid: str, draft: Draft, voice: Voice) -> dict[str, str]:
    """The exercise that was left out, and what does its work now: the same pattern, else the same muscle."""
    catalog, left_out = voice.catalog, voice.catalog[avoid]
    planned = [catalog[one["id"]] for day in draft.plan["days"] for one in day["exercises"]]
    same = [exercise for exercise in planned if exercise.pattern == left_out.pattern]
    near = [exercise for exercise in planned if exercise.primary == left_out.primary]
    swap = catalog.name((same or near or planned)[0].id, voice.language)
    name = catalog.name(avoid, voice.language)
    return {
        "avoid": name,
        "avoid_cap": speech.capital(name),
        "swap": swap,
        "swap_cap": speech.capital(swap),
    }
