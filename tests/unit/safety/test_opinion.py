"""The second opinion: it adds red flags and cautions, and takes none away."""

from __future__ import annotations

import numpy as np
import pytest

from fitsense.safety.flags import RED_FLAGS
from fitsense.safety.opinion import SHARES, Weights, chances, load_weights, second_opinion
from fitsense.safety.scan import scan
from fitsense.safety.traits import BUCKETS, MOST_WORDS, traits
from fitsense.safety.triage import by_rules, triage
from tests.safety.train_data import GROUPS, samples

NOBODY: frozenset[str] = frozenset()


def test_the_stored_weights_are_whole() -> None:
    weights = load_weights()
    assert weights.table.shape == (BUCKETS, len(weights.groups) + len(weights.rules))
    assert set(weights.groups) == set(GROUPS)
    assert set(weights.rules) <= RED_FLAGS.keys()
    assert set(weights.group_of) == set(GROUPS) - {"calm"}


def test_chances_are_the_softmax_of_what_each_kind_adds() -> None:
    found = {"pieces": (1, 2), "words": (), "findings": (2,), "pairs": ()}
    table = np.zeros((BUCKETS, 3), dtype=np.int8)
    table[1], table[2] = (2, 0, 0), (0, 4, 1)
    one = np.ones(3, dtype=np.float32)
    weights = Weights(table, one, 0 * one, ("calm", "sign"), ("X-CARD",), ("sign",))
    group, rule = chances(found, weights)
    half = 1 / 2**0.5
    calm, sign = (
        np.exp(2 * half * SHARES["pieces"]),
        np.exp(4 * (half * SHARES["pieces"] + SHARES["findings"])),
    )
    assert group["sign"] == pytest.approx(sign / (calm + sign), abs=1e-6)
    assert rule["X-CARD"] == pytest.approx(half * SHARES["pieces"] + SHARES["findings"])


def test_traits_are_bounded_and_each_counts_once() -> None:
    found = traits(scan("chest pain " * 2000), NOBODY)
    assert len(found["words"]) <= 3 * MOST_WORDS
    assert all(len(set(places)) == len(places) for places in found.values())


@pytest.mark.parametrize("text", ["", "?", "\U0001f602"])
def test_nothing_is_said_of_a_text_without_words(text: str) -> None:
    assert not [one for one in second_opinion(scan(text), NOBODY) if one.action == "escalate"]


def test_it_never_softens_the_rules() -> None:
    firm = ("escalate", "refuse")
    for one in samples()[::37]:
        action, level, rules = by_rules(one.prompt, one.context)
        found = triage(one.prompt, one.context)
        assert found.action in firm or action not in firm, one.prompt
        assert set(rules) <= set(found.rule_ids), one.prompt
        assert level == "none" or found.level != "none", one.prompt
