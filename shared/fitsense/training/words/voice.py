"""A voice: one person's language, units and numbers, and the phrases to say them with.

Data: ``schema/catalog/answers/<language>.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.nutrition.energy import kcal_floor
from fitsense.training.people.conditions import limits_for
from fitsense.training.words import speech
from fitsense.training.words.chance import Chance
from fitsense.training.words.phrasing import Phrases, load_phrases

FOLDER = DEFAULT_SCHEMA_DIR / "catalog" / "answers"


@lru_cache(maxsize=8)
def answer_phrases(language: str) -> Phrases:
    """The phrases of a language. Raises FileNotFoundError for one that has none."""
    return load_phrases(FOLDER / f"{language}.yaml")


class Voice:
    """Says phrases by name, filled with the person's own numbers; ``slots`` may be added to."""

    def __init__(self, context: Mapping[str, Any], language: str, chance: Chance, focus: str = "") -> None:
        """``focus``: the exercise that the prompt speaks of, when it does."""
        self.language = language
        self.units: str = context["units"]
        self.chance = chance
        self.phrases = answer_phrases(language)
        self.catalog = load_catalog()
        self.focus = focus or self._favourite(context)
        self.slots = self._own(context)
        self.quiet = limits_for(context).no_numbers
        """Whether weights are no topic (N-08, X-ED)."""
        self._hidden = ("{weight", "{target", "{pace") if self.quiet else ()

    def say(self, name: str, **slots: Any) -> str:
        """One template of ``name``. Raises KeyError for an unknown name or slot."""
        lines = self.phrases.templates(name)
        if self._hidden:
            lines = tuple(line for line in lines if not any(slot in line for slot in self._hidden)) or lines
        return self.chance.pick(lines).format_map({**self.slots, **slots} if slots else self.slots)

    def lift(self, exercise_id: str) -> dict[str, str]:
        """Slots ``lift`` and ``lift_cap``."""
        name = self.catalog.name(exercise_id, self.language)
        return {"lift": name, "lift_cap": speech.capital(name)}

    def number(self, value: float, digits: int = 1) -> str:
        return speech.number(value, self.language, digits)

    def mass(self, kg: float, digits: int = 1) -> str:
        return speech.mass(kg, self.language, self.units, digits)

    def load(self, kg: float) -> str:
        return speech.load(kg, self.language, self.units)

    def days(self, count: int) -> str:
        return speech.days(count, self.language)

    def muscle(self, muscle: str) -> str:
        return speech.MUSCLES[self.language][muscle]

    def _favourite(self, context: Mapping[str, Any]) -> str:
        lifts = context["lifts"]
        return str(self.chance.pick(lifts)["exercise_id"]) if lifts else "sq06"

    def _own(self, context: Mapping[str, Any]) -> dict[str, Any]:
        sleep = context["sleep_h"]
        return {
            "age": context["age"],
            "week": max(1, context["week"]),
            "next_week": context["week"] + 1,
            "since": context["weeks_since_deload"],
            "minutes": context["minutes_per_session"],
            "days": self.days(context["days_per_week"]),
            "goal": self.phrases.words["goal"][context["goal"]],
            "adherence": round(100 * context["adherence"]),
            "weight": self.mass(context["weight_kg"]),
            "sleep": self.number(sleep[-1] if sleep else 7.0),
            "floor": round(kcal_floor(context)),
            "gestation": context["gestation_weeks"],
            "postpartum": context["postpartum_weeks"],
            **self.lift(self.focus),
        }
