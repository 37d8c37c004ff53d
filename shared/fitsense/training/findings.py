"""What the engine found, and the one plain sentence for it in each language.

A ``Finding`` names the rule, the sentence and the numbers that it looked at. Sentences stand in
``schema/catalog/reasons/*.yaml`` as ``key: {en: …, es: …, hi: …}`` with ``{slot}`` for each number.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fitsense.errors import Misconfigured
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.load.rounding import KG_PER_LB
from fitsense.training.words.speech import MUSCLES

LANGUAGES = ("en", "es", "hi")
Value = float | int | str


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason. ``numbers`` fills the sentence's slots; further numbers may stand beside them."""

    rule_id: str
    key: str
    numbers: Mapping[str, Value] = field(default_factory=dict)

    def text(self, language: str = "en") -> str:
        """The sentence, with numbers as people write them. Raises KeyError for an unknown key or slot."""
        shown = {name: _shown(value) for name, value in self.numbers.items()}
        if (exercise := shown.get("exercise")) in load_catalog():
            shown["exercise"] = load_catalog().name(str(exercise), language)
        if (muscle := shown.get("muscle")) in MUSCLES[language]:
            shown["muscle"] = MUSCLES[language][str(muscle)]
        return sentences()[self.key][language].format_map(shown)

    def told(self, language: str, units: str) -> str:
        """The sentence in the person's own units of mass: ``kg`` or ``lb``."""
        text = self.text(language)
        return _KILOGRAMS.sub(_in_pounds, text) if units == "lb" else text

    def as_dict(self, language: str = "en", units: str = "kg") -> dict[str, Any]:
        """``{rule_id, text, numbers}``; the numbers are in kg whatever the units."""
        return {"rule_id": self.rule_id, "text": self.told(language, units), "numbers": dict(self.numbers)}


_KILOGRAMS = re.compile(r"(\d+(?:\.\d+)?) (?:kg|किलो)(?![/\w])")


def _in_pounds(match: re.Match[str]) -> str:
    """To half a pound, which no plate undercuts."""
    return f"{round(2 * float(match[1]) / KG_PER_LB) / 2:g} lb"


def _shown(value: Value) -> str:
    return f"{round(value, 2):g}" if isinstance(value, float) else str(value)


@cache
def sentences(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> dict[str, dict[str, str]]:
    """All sentences by key and language, read once a process. Raises Misconfigured, naming every bad one."""
    found: dict[str, dict[str, str]] = {}
    problems: list[str] = []
    for path in sorted((schema_dir / "catalog" / "reasons").glob("*.yaml")):
        for key, texts in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
            problems += [f"{path.name}: {key} stands twice"] if key in found else []
            problems += [f"{path.name}: {key}: {problem}" for problem in _problems(texts)]
            found[key] = texts
    if problems:
        raise Misconfigured(f"sentences for reasons: {'; '.join(problems)}")
    return found


def _problems(texts: Mapping[str, str]) -> list[str]:
    if set(texts) != set(LANGUAGES):
        return [f"needs exactly {', '.join(LANGUAGES)}"]
    slots = {language: _slots(text) for language, text in texts.items()}
    return [f"{one} has other slots than en" for one in LANGUAGES if slots[one] != slots["en"]]


def _slots(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
