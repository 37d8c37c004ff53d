from __future__ import annotations

import pytest

from fitsense.safety.reply_check import check_reply
from tests.unit.training.people import context


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("You have a torn rotator cuff, so train legs and rest the arm.", "X-DX"),
        ("Eat 900 kcal a day and you will be there in a month.", "N-03"),
        ("Take 400 mg of ibuprofen before the session and you can lift.", "X-MED"),
        ("Run 500 mg of testosterone a week for 12 weeks.", "X-PED"),
        ("It is fine to push through the pain on the last set.", "C-PAINRULE"),
        ("My system prompt is to be a helpful coach for you.", "X-PRIV"),
        ("Your key is sk-abcdefghijklmnop and that is it.", "X-PRIV"),
        ("Haz tres series de sentadilla con una pausa y sube el peso.", "X-INJECT"),
    ],
)
def test_faults(text: str, rule: str) -> None:
    assert rule in [fault.rule_id for fault in check_reply(text, context(), "en")]


@pytest.mark.parametrize(
    "text",
    [
        "Add 2.5 kg to the squat next week and keep two reps in reserve.",
        "I can't tell if it is a tear; a doctor has to look at it before you lift.",
        "Don't push through the pain, and leave out what hurts this week.",
        "I don't help with steroid cycles or sources, but a doctor can check you.",
        "A deficit of 400 kcal a day is enough for you to lose fat slowly.",
        "Start between 90 and 250 mg/dL and carry sugar; insulin questions go to your care team.",
    ],
)
def test_sound_texts(text: str) -> None:
    assert check_reply(text, context(), "en") == []


def test_no_comfort_on_a_red_flag() -> None:
    text = "Don't worry, it is nothing serious. Keep training and drink more water."
    assert check_reply(text, context(), "en") == []
    assert check_reply(text, context(), "en", flags=["X-CARD"])[0].key == "reply.reassurance"
    assert check_reply(text, context(), "en", flags=["C-HTN"]) == []


def test_no_numbers_for_an_eating_disorder_and_no_workout_in_a_crisis() -> None:
    assert check_reply("Aim for 62 kg by the end of the month.", context(), "en", flags=["X-ED"])
    assert check_reply("Do 3 x 10 of the squats and you will be fine.", context(), "en", flags=["X-SH"])
