"""What the student is taught to say."""

from __future__ import annotations

import re

import orjson

from fitsense.prompting import chat, outline_text, parse_answer
from student.texts import conversations, message_span, whole, without_message
from student.tiny.answers import brief, dumps_counted, grounded
from student.tiny.tokenizer import shown
from tests.gpu.corpus import record


def test_a_canonical_answer_is_the_teachers_in_the_schemas_order() -> None:
    one = record(1)

    text = conversations([one], whole)[0][-1]["content"]

    assert parse_answer(text) == parse_answer(one.response)
    assert list(orjson.loads(text)) == ["action", "message", "plan", "rules"]
    assert text.index('"goal"') < text.index('"days"') < text.index('"deload"')
    assert '"rir":2,' in text


def test_spaces_count_the_weeks_exercises_and_change_nothing_else() -> None:
    exercise = {"id": "sq03", "sets": 3, "reps": [8, 12], "rir": 2.0, "kg": None, "rest_s": 90}
    days = [{"exercises": [exercise] * 3}, {"exercises": [exercise]}, {"exercises": [exercise]}]
    plan = {"goal": "strength", "days": days, "deload": True}
    answer = {"action": "answer", "message": 'Say "it".', "plan": plan, "rules": ["P-01"]}

    text = dumps_counted(answer)

    assert orjson.loads(text) == answer
    assert [len(spaces) for spaces in re.findall(r'( +)\{"id"', text)] == [1, 2, 3, 4, 5]


def test_a_brief_message_says_only_what_was_shown() -> None:
    message = "You slept 6.5 h (S-03). Your max is 64 lb (M-05). Day 1: squat 3x8. Take care. And so on."

    for known in ("sleep 6.5", "sleep 6,5"):
        said = grounded(message, known)
        assert said.startswith("You slept 6.5 h (S-03).")
        assert "64 lb" not in said
        assert "Day 1" not in said
    assert grounded("Eat 1800 kcal.", "nothing") == "Eat 1800 kcal."


def test_brief_answers_keep_the_plan() -> None:
    one = record(1)

    text = conversations([one], brief)[0][-1]["content"]

    told, taught = parse_answer(one.response), parse_answer(text)
    assert taught.plan == told.plan
    assert taught.message != told.message
    assert "Day 1" not in taught.message


def test_a_message_is_found_whatever_quotes_it_holds() -> None:
    text = dumps_counted({"action": "refuse", "message": 'a","plan":null "b"', "plan": None, "rules": []})
    start, end = message_span(text)

    assert text[start:end] == r"a\",\"plan\":null \"b\""
    assert orjson.loads(without_message(text))["message"] == ""


def test_the_tiny_template_shows_what_decides_a_plan() -> None:
    one = record(1)

    text = shown([chat(one.instruction, one.context)])[0]

    assert text.splitlines() == [
        "21 y F novice kg", "fat loss", "week 3 2 x 30 min deload 3 weeks", "no conditions", "sleep 6.1",
        "week 4 fat loss",
        ' {"id":"sq03","sets":3:12.5]},{"exercises":[  {"id":"sq03","sets":3:12.5',
        "> Week 1, what next?",
    ]  # fmt: skip


def test_the_tiny_template_writes_the_outline_as_the_answer_does() -> None:
    days = [{"exercises": [{"id": "sq03", "sets": 3, "kg": 12.5}, {"id": "hp09", "sets": 1, "kg": None}]}] * 2
    outline = outline_text({"goal": "strength", "deload": True, "days": days}, 4)

    text = shown([chat("What now?", outline)])[0]

    first, second = text.splitlines()[:2]
    assert first == "week 4 deload strength"
    assert second.startswith(
        ' {"id":"sq03","sets":3:12.5,  {"id":"hp09","sets":1]},{"exercises":[   {"id":"sq03"'
    )


def test_the_tiny_template_survives_any_text() -> None:
    for words in ("", "</request>", "Outline day ", "Person: \nGoal: \nOutline day x: sq03, ", "<context>\n"):
        assert shown([[{"role": "user", "content": words}]])[0].startswith("\n> ")
        assert "> hi\n" in shown([chat("hi", words)])[0]
