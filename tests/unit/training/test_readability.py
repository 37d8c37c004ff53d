"""What people are told reads easily: grade 8 or below in English, easy or very easy in Spanish.

Flesch-Kincaid grade (Kincaid 1975) and Fernández Huerta (1959); syllables are counted by groups of vowels.
"""

from __future__ import annotations

import re
from functools import cache

import pytest
import yaml

from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.findings import sentences

CATALOG = DEFAULT_SCHEMA_DIR / "catalog"
AREAS = sorted({key.partition(".")[0] for key in sentences()})
HARDEST_SENTENCE = 14.0
"""One sentence alone may hold a long word such as a lift's name; a paragraph may not be made of them."""


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*", text.lower())


def syllables(word: str, language: str) -> int:
    if language == "es":
        return max(1, len(re.findall(r"[aeo]?[iuü]?[aeoáéíóú][iuy]?|[iuíú]", word)))
    groups = len(re.findall(r"[aeiouy]+", word))
    silent = word.endswith("e") and not word.endswith(("le", "ee")) and groups > 1
    return max(1, groups - silent)


def counts(text: str, language: str) -> tuple[float, float]:
    """(words a sentence, syllables a word)."""
    words = words_of(text)
    ends = len(re.findall(r"[.!?:;](?:\s|$)", text)) or 1
    return len(words) / ends, sum(syllables(word, language) for word in words) / len(words)


def grade(text: str) -> float:
    length, weight = counts(text, "en")
    return 0.39 * length + 11.8 * weight - 15.59


def fernandez_huerta(text: str) -> float:
    """0 to 100; above 70 is fairly easy."""
    length, weight = counts(text, "es")
    return 206.84 - 60 * weight - 1.02 * length


def test_the_measures_tell_hard_from_easy() -> None:
    assert grade("Rest today. Drink some water.") < 3
    assert (
        grade("Notwithstanding physiological contraindications, progressive overload necessitates it.") > 12
    )
    assert syllables("reasonable", "en") == 4
    assert syllables("series", "es") == 2
    assert fernandez_huerta("Contraindicaciones fisiológicas imposibilitan intensificaciones.") < 0
    assert fernandez_huerta("Hoy descansa. Bebe agua.") > 80


@cache
def texts(area: str, language: str) -> str:
    found = [text[language] for key, text in sentences().items() if key.partition(".")[0] == area]
    return " ".join(re.sub(r"\{\w+\}", "ten", text) for text in found)


@pytest.mark.parametrize("area", AREAS)
def test_reasons_are_grade_eight_or_below(area: str) -> None:
    assert grade(texts(area, "en")) <= 8
    assert fernandez_huerta(texts(area, "es")) >= 70


@pytest.mark.parametrize("key", sorted(sentences()))
def test_no_single_reason_is_hard(key: str) -> None:
    assert grade(re.sub(r"\{\w+\}", "ten", sentences()[key]["en"])) <= HARDEST_SENTENCE


def replies() -> list[str]:
    """Every English text of the safety replies, however deep."""

    def leaves(node: object) -> list[str]:
        if isinstance(node, str):
            return [node]
        values = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
        return [text for value in values for text in leaves(value)]

    data = yaml.safe_load((CATALOG / "safety" / "replies.yaml").read_text(encoding="utf-8"))
    found = [value["en"] for value in _language_maps(data)]
    return [text for value in found for text in leaves(value)]


def _language_maps(node: object) -> list[dict[str, object]]:
    if not isinstance(node, dict):
        return []
    if "en" in node:
        return [node]
    return [found for value in node.values() for found in _language_maps(value)]


def test_replies_in_an_emergency_are_grade_eight_or_below() -> None:
    assert len(replies()) > 10
    assert grade(" ".join(replies())) <= 8
