"""Puts a prompt together: opening, facts, the asking, a close, in one of four registers."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fitsense.training.catalog.exercises import Catalog
from fitsense.training.words.chance import Chance
from fitsense.training.words.phrasing import Phrases, load_phrases
from jobs.queries.scenario import Scenario
from jobs.queries.slots import slots_of, trend_name

FOLDER = Path(__file__).parent / "phrases"
REGISTERS = ("terse", "chatty", "chatty", "chatty", "formal", "typos")
HINGLISH_SHARE = 0.3
_TERSE = {"create": "create_terse", "next_week": "next_terse", "pain": "pain_terse"}
_HIDES = {
    "days": {"schedule"},
    "days_less": {"schedule"},
    "minutes": {"schedule"},
    "minutes_less": {"schedule"},
    "kit": {"gear"},
    "goal": {"goal"},
    "condition": {"condition"},
    "sleep": {"sleep"},
    "last_night": {"sleep"},
    "trend": {"weight_up", "weight_down", "weight_flat", "weight_now"},
    "protein": {"weight_now"},
    "rate": {"weight_now", "weight_flat"},
    "motivation": {"adherence"},
    "next_terse": {"lift"},
    "stalled": {"lift"},
    "warmup": {"lift"},
    "e1rm": {"lift"},
    "rir": {"lift"},
    "rest": {"lift"},
    "lookalike_doping": {"lift"},
    "create": {"schedule", "goal"},
    "create_terse": {"schedule", "gear", "goal"},
}
"""Facts that the asking itself states or changes."""
NEAR_TARGET_KG = 1.0
"""Nobody talks of a target that is this close."""


@cache
def phrases_of(voice: str) -> Phrases:
    """The phrase file of a language, or of ``hinglish`` or ``flags``."""
    return load_phrases(FOLDER / f"{voice}.yaml")


def voice_of(language: str, chance: Chance) -> str:
    """Hindi is typed in Devanagari or, often enough, in Latin letters."""
    return "hinglish" if language == "hi" and chance.happens(HINGLISH_SHARE) else language


def write_prompt(
    context: Mapping[str, Any], scenario: Scenario, voice: str, chance: Chance, catalog: Catalog
) -> tuple[str, str]:
    """The prompt and its register. The lift and the muscle that it names become tags of the scenario."""
    phrases = phrases_of(voice)
    slots = slots_of(context, scenario, phrases, voice, chance, catalog)
    register = chance.pick(REGISTERS)
    ask = _TERSE.get(scenario.ask, scenario.ask) if register == "terse" else scenario.ask
    text = _assemble(context, scenario, ask, register, phrases, slots, voice, chance)
    scenario.tags += _named(text, scenario, slots)
    if register == "terse" and voice != "hi":
        text = text[:1].lower() + text[1:]
    return (_with_typos(text, voice, chance) if register == "typos" else text), register


def injection(voice: str, chance: Chance) -> str:
    """Instructions that somebody hides in a prompt or a note."""
    slots = {"big": chance.pick((150, 200, 250, 300)), "few": chance.pick((500, 600, 700, 900))}
    return phrases_of(voice).say("injection", chance, slots)


def _assemble(
    context: Mapping[str, Any],
    scenario: Scenario,
    ask: str,
    register: str,
    phrases: Phrases,
    slots: Mapping[str, Any],
    voice: str,
    chance: Chance,
) -> str:
    asked = _asked(scenario, ask, phrases, slots, voice, chance)
    facts = _facts(context, scenario, ask, register, phrases, slots, chance)
    if register == "terse":
        first, second = ([asked], facts) if chance.happens(0.5) else (facts, [asked])
        return " ".join([*map(_ended, first), *second])
    formal = register == "formal"
    parts = [phrases.say("open_formal" if formal else "open", chance, slots)] * chance.happens(0.75)
    if not formal and not scenario.flag and chance.happens(0.35):
        facts.insert(chance.below(len(facts) + 1), phrases.say("mood", chance, slots))
    parts += [*facts, asked] if chance.happens(0.6) else [asked, *facts]
    parts += [phrases.say("close_formal" if formal else "close", chance, slots)] * chance.happens(0.45)
    return _joined(parts, voice)


def _named(text: str, scenario: Scenario, slots: Mapping[str, Any]) -> list[str]:
    said = slots["lift"] in text or slots["lift_cap"] in text
    tags = [f"lift:{slots['lift_id']}"] if said and slots["lift_id"] else []
    return tags + ([f"muscle:{slots['muscle_id']}"] if scenario.ask == "volume" else [])


def _ended(text: str) -> str:
    return f"{text}." if text[-1].isalnum() else text


def _joined(parts: list[str], voice: str) -> str:
    """One text; after an opening that ends in a comma or colon, or in "so", a small letter follows."""
    if voice != "hi" and len(parts) > 1 and (parts[0][-1] in ",:" or parts[0].endswith(" so")):
        parts[1] = _lowered(parts[1])
    return " ".join(parts)


def _lowered(text: str) -> str:
    """The first letter small, unless the first word is "I" or the like."""
    at = next((place for place, character in enumerate(text) if character.isalpha()), 0)
    word = text[at:].split(" ", 1)[0]
    if word.split("'")[0] == "I" or word[1:2].isupper():
        return text
    return text[:at] + text[at].lower() + text[at + 1 :]


def _asked(
    scenario: Scenario, ask: str, phrases: Phrases, slots: Mapping[str, Any], voice: str, chance: Chance
) -> str:
    if scenario.flag:
        return phrases_of("flags").say(f"{scenario.flag}.{voice}", chance, slots)
    return phrases.say(f"ask.{ask}", chance, slots)


def _facts(
    context: Mapping[str, Any],
    scenario: Scenario,
    ask: str,
    register: str,
    phrases: Phrases,
    slots: Mapping[str, Any],
    chance: Chance,
) -> list[str]:
    """One to three facts about the person, each once, none that the asking states itself."""
    names = [name for name in _known(context, scenario) if name not in _HIDES.get(ask, ())]
    count = 1 if register == "terse" or scenario.flag else 1 + chance.below(3)
    chosen = []
    for _ in range(min(count, len(names))):
        name = chance.pick(names)
        group = "weight" if name.startswith("weight") else name
        names = [other for other in names if not other.startswith(group)]
        chosen.append(phrases.say(f"facts.{name}", chance, slots))
    return chosen


def _known(context: Mapping[str, Any], scenario: Scenario) -> list[str]:
    if scenario.flag:
        return ["kcal", "sleep", "schedule"] if context["week"] else ["schedule", "gear", "goal"]
    names = ["age", "schedule", "gear", "goal"]
    if abs(context["target_weight_kg"] - context["weight_kg"]) >= NEAR_TARGET_KG:
        names.append("weight_now")
    if context["conditions"]:
        names += ["condition", "condition"][: 1 + (scenario.ask == "create")]
    if context["week"] > 0:
        names += [
            "sleep",
            "kcal",
            *["adherence"] * (context["adherence"] < 0.97),
            *["week"] * (context["week"] > 1),
        ]
        if any(lift["weight_kg"] for lift in context["lifts"]):
            names.append("lift")
        if trend := trend_name(context):
            names.append(trend)
    return list(dict.fromkeys(names))


def _with_typos(text: str, voice: str, chance: Chance) -> str:
    """A hurried hand: swapped or lost letters, no accents, no punctuation marks that need care."""
    if voice == "hi":
        return text.replace(",", "").replace("।", ",").rstrip(",")
    if voice == "es":
        text = _unaccented(text).replace("¿", "").replace("¡", "")
    words = text.lower().split(" ")
    long = [at for at, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    for _ in range(min(len(long), 2 + chance.below(3))):
        at = chance.pick(long)
        words[at] = _slip(words[at], chance)
    return " ".join(words)


def _slip(word: str, chance: Chance) -> str:
    at = 1 + chance.below(len(word) - 2)
    kind = chance.below(3)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if kind == 1 else word[:at] + word[at] + word[at:]


def _unaccented(text: str) -> str:
    kept = text.replace("ñ", "\0")
    plain = "".join(c for c in unicodedata.normalize("NFD", kept) if not unicodedata.combining(c))
    return plain.replace("\0", "ñ")
