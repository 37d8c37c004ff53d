from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitsense.records import CoachAnswer
from jobs.dataset.texts import answer_words, exact_hash, looks_personal, normalised, spaced_words, text_hash


def test_case_spaces_and_unicode_forms_are_no_difference() -> None:
    assert exact_hash("Qué  HAGO?", "a\nb", b"x") == exact_hash("Que\u0301 hago?", "A b ", b"x")
    assert text_hash("{ Qué\t}") == text_hash("{ QUE\u0301 }") != text_hash("{Qué}")


def test_texts_do_not_run_into_each_other() -> None:
    assert exact_hash("ab", "c", b"d") != exact_hash("a", "bc", b"d")
    assert exact_hash("a", "c", b"d") != exact_hash("a", "c", b"e")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Keep it: 2x8, then rest!", ["keep", "it", "2x8", "then", "rest"]),
        ("¿Qué hago?", ["qué", "hago"]),
        ("हफ़्ते में योजना बनाओ।", ["हफ़्ते", "में", "योजना", "बनाओ"]),
        ("  ...  ", []),
    ],
)
def test_words_are_whole_in_every_language(text: str, found: list[str]) -> None:
    assert spaced_words(text).split() == [normalised(word) for word in found]


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_words_do_not_depend_on_the_way_through_which_they_are_found(text: str) -> None:
    # What is not ASCII takes another way; a letter that stands alone sends any text there.
    assert [*spaced_words(text).split(), "é"] == spaced_words(f"{text} é").split()


def test_a_plan_is_compared_by_its_values_not_by_the_names_of_json() -> None:
    exercise = {"id": "sq01", "sets": 3, "reps": [5, 8], "rir": 2.0, "kg": 60.0, "rest_s": 120}
    answer = CoachAnswer.model_validate(
        {
            "action": "answer",
            "message": "Go.",
            "plan": {"goal": "strength", "days": [{"exercises": [exercise]}], "deload": False},
        }
    )
    assert answer_words(answer.model_dump(mode="json")).split() == [
        "go",
        "answer",
        "day0",
        "sq01",
        "3x5-8/120s",
        "rir2.0",
        "60.0kg",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to ana@example.org please", True),
        ("call +34 600 123 456 now", True),
        ("3 sets of 8-12 at 62.5 kg, rest 120 s", False),
        ("weights 80.1 80.4 80.2 80.0 this month", False),
        ("my reps: 8 8 7 12 10 9 8 12 9", False),
        ("call 600-123-456 or 600123456", True),
        ("meet @ noon", False),
        ("+34600123456", True),
        ("(600) 123 4567", True),
        ("६००१२३४५६", True),
        ("id 600.123456789", False),
    ],
)
def test_what_looks_personal(text: str, expected: bool) -> None:
    assert looks_personal(text) is expected
