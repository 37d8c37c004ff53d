"""One broken rule: which, how bad, where, the numbers that show it, and its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fitsense.training.catalog.exercises import load_catalog
from fitsense.training.findings import Finding, Value
from fitsense.training.words.speech import MUSCLES

Severity = Literal["block", "warn"]
"""``block``: the plan may not be shown, saved or learned from. ``warn``: it is safe, but below what the rules
recommend (a minimum, a preferred range); it may be shown with the sentence."""
Numbers = dict[str, Value]
WHOLE = -1
"""Day or exercise number of a finding about all of them."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule. ``numbers`` fills the sentence ``key``; most hold ``found`` and ``allowed``.

    ``day`` and ``item`` count from 0, ``WHOLE`` for all of them; ``part`` is the field at fault, or "".
    """

    rule_id: str
    key: str
    part: str = ""
    day: int = WHOLE
    item: int = WHOLE
    numbers: Mapping[str, Value] = field(default_factory=dict)
    severity: Severity = "block"

    @property
    def where(self) -> str:
        """The place in the plan, such as ``days[0].exercises[2].rir``."""
        if self.day == WHOLE:
            return self.part or "plan"
        path = f"days[{self.day}]" + (f".exercises[{self.item}]" if self.item != WHOLE else "")
        return f"{path}.{self.part}" if self.part else path

    @property
    def finding(self) -> Finding:
        return Finding(self.rule_id, self.key, self.numbers)

    @property
    def message(self) -> str:
        return self.text()

    def text(self, language: str = "en") -> str:
        """The sentence, with exercises and muscles called what people call them."""
        return spoken(self.finding, language)

    def as_dict(self, language: str = "en") -> dict[str, object]:
        """``{rule_id, severity, where, text, numbers}``."""
        said = {"text": self.text(language), "numbers": dict(self.numbers)}
        return {"rule_id": self.rule_id, "severity": self.severity, "where": self.where, **said}


def spoken(finding: Finding, language: str) -> str:
    """A finding's sentence; its slots for exercises and muscles hold ids, which are named here."""
    named = {slot: _named(slot, value, language) for slot, value in finding.numbers.items()}
    return Finding(finding.rule_id, finding.key, named).text(language)


def _named(slot: str, value: Value, language: str) -> Value:
    if slot == "muscle":
        return MUSCLES[language].get(str(value), value)
    if slot in ("exercise", "other") and value in load_catalog():
        return load_catalog().name(str(value), language)
    return value


def in_order(found: list[Violation]) -> list[Violation]:
    """Those that block first, then by place, rule and sentence; each once."""
    unique = {
        (one.severity, one.day, one.item, one.part, one.rule_id, one.key, _subject(one)): one for one in found
    }
    return [unique[key] for key in sorted(unique)]


def _subject(one: Violation) -> str:
    return str(one.numbers.get("muscle", ""))
