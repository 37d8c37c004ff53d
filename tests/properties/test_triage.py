"""Whatever anybody types, and whatever their data hold, triage answers."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fitsense.safety.notes import read_notes
from fitsense.safety.triage import triage
from fitsense.training.findings import LANGUAGES
from tests.properties.budget import tried
from tests.properties.corrupt import JSON
from tests.properties.people import NOTES, WORDS, profiles

ACTIONS = {"answer", "conservative_answer", "escalate", "refuse"}
LEVELS = {"none", "advise_clearance", "urgent", "emergency", "crisis"}
PERSON = {"age": 30, "sex": "F", "conditions": [], "goal": "strength", "equipment": [], "recent": {}}
TEXTS = st.text(max_size=60) | st.lists(st.sampled_from([*NOTES, *WORDS])).map(" ".join)


@tried(100)
@given(TEXTS, st.dictionaries(st.sampled_from(sorted(PERSON)) | st.text(max_size=4), JSON, max_size=6))
def test_any_prompt_and_any_context_are_answered(prompt: str, context: dict[str, Any]) -> None:
    found = triage(prompt, PERSON | context)
    assert found.action in ACTIONS
    assert found.level in LEVELS
    assert found == triage(prompt, PERSON | context)


@tried(100)
@given(TEXTS, st.none() | st.sampled_from(LANGUAGES) | st.text(max_size=4))
def test_any_language_is_answered(prompt: str, lang: str | None) -> None:
    assert triage(prompt, PERSON, lang).action in ACTIONS


@tried(100)
@given(st.lists(TEXTS | st.sampled_from(["^", "...", "\x15"]), max_size=4), profiles())
def test_anybodys_notes_are_read(notes: list[str], person: dict[str, Any]) -> None:
    assert all(level for _, level in read_notes(notes, person).flags)
