"""What is said when no answer, or only a careful one, is due (rules §9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import yaml

from fitsense.safety.flags import RED_FLAGS
from fitsense.safety.scan import Reading
from fitsense.settings import DEFAULT_SCHEMA_DIR

TONGUES = ("en", "es", "hi", "hinglish")


def spoken(reading: Reading) -> str:
    """The language to reply in: Hindi in the letters that the person uses."""
    if reading.tongue != "hi":
        return reading.tongue
    return "hi" if reading.text.devanagari else "hinglish"


@cache
def load_replies(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> Mapping[str, Mapping[str, str]]:
    """Key → language → text, read once a process."""
    path = schema_dir / "catalog" / "safety" / "replies.yaml"
    found: Mapping[str, Mapping[str, str]] = yaml.load(
        path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    return found


def reply_for(action: str, level: str, rules: Sequence[str], tongue: str, reading: Reading) -> str | None:
    """The text for the leading rule; None for a plain answer. Unknown languages get English."""
    if action == "answer" or not rules:
        return None
    texts, language = load_replies(), tongue if tongue in TONGUES else "en"
    key = next((key for key in _keys(action, level, rules[0]) if key in texts), "caution")
    parts = [texts[key][language]]
    if _of_another(reading) and level in ("urgent", "emergency", "crisis"):
        parts.insert(0, texts["other.crisis" if level == "crisis" else "other"][language])
    return " ".join(parts)


def _keys(action: str, level: str, rule: str) -> tuple[str, ...]:
    if action == "conservative_answer":
        sign = rule in RED_FLAGS and RED_FLAGS[rule].level in ("urgent", "emergency")
        return (f"caution.{rule}", "caution.sign" if sign else f"caution.{level}")
    return (f"{rule}.{level}", rule, f"{action}.{level}")


def _of_another(reading: Reading) -> bool:
    """Whether the prompt tells of somebody else: a third person is named and no own sign."""
    return reading.has("named_person") and not reading.has("own_body")
