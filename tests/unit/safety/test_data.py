"""The data of the triage: rules name known concepts, replies are whole, words find their kin."""

from __future__ import annotations

import re

import pytest

from fitsense.safety.fuzzy import distance
from fitsense.safety.hindi import hindi_key, romanise
from fitsense.safety.lexicon import load_lexicon
from fitsense.safety.replies import TONGUES, load_replies, reply_for
from fitsense.safety.reply_check import check_reply
from fitsense.safety.rules import load_rules
from fitsense.safety.scan import scan
from fitsense.safety.text import fold, read
from fitsense.settings import DEFAULT_SCHEMA_DIR
from tests.unit.training.people import context


def test_every_rule_that_stops_has_a_reply() -> None:
    for rule in load_rules():
        reply = reply_for(rule.action, rule.level, (rule.id,), "en", scan("x"))
        assert reply, rule.id


def test_replies_stand_in_all_languages() -> None:
    for key, texts in load_replies().items():
        assert set(texts) == set(TONGUES), key


@pytest.mark.parametrize("language", ["en", "es", "hi", "hinglish"])
def test_replies_pass_the_outgoing_check(language: str) -> None:
    for key, texts in load_replies().items():
        rule = key.split(".")[0]
        faults = [
            one
            for one in check_reply(texts[language], context(), language, flags=[rule])
            if one.key != "reply.language"
        ]
        assert faults == [], key


@pytest.mark.parametrize(
    ("one", "other"),
    [("सीने", "seene"), ("दर्द", "dard"), ("छाती", "chhati"), ("पेशाब", "peshab"), ("चक्कर", "chakkar")],
)
def test_both_scripts_of_hindi_meet(one: str, other: str) -> None:
    assert hindi_key(romanise(one)) == hindi_key(other)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("CH3ST P@IN", "chest pain"),
        ("c h e s t", "chest"),
        ("Corazón", "corazon"),
        ("can\u2019t", "cant"),
        ("5x5", "5x5"),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_slips_are_forgiven_but_ordinary_words_are_left_alone() -> None:
    lexicon = load_lexicon()
    assert "chest" in lexicon.resolve("chesst", False)
    assert "chest" not in lexicon.resolve("chess", False)
    assert (distance("pian", "pain"), distance("chest", "heart")) == (1, 3)


def test_what_is_denied_past_or_general_is_not_live() -> None:
    for text in ("no chest pain", "chest pain years ago", "sin dolor de pecho", "seene mein dard nahi hai"):
        assert not list(scan(text).live("pain")), text
    assert list(scan("no chest pain, but my knee is in pain").live("pain"))


def test_sentences_and_clauses() -> None:
    text = read("Knee hurts, but fine. Go?")
    assert text.words == ("knee", "hurts", "but", "fine", "go")
    assert text.sentence == (0, 0, 0, 0, 1)
    assert text.asks[1]


def test_no_concept_stands_twice_in_a_file() -> None:
    for path in (DEFAULT_SCHEMA_DIR / "catalog" / "safety" / "lexicon").glob("*.yaml"):
        names = re.findall(r"^\+?\w+(?=:)", path.read_text("utf-8"), re.MULTILINE)
        assert sorted(set(names)) == sorted(names), path.name
