"""The tiny base can look things up before it has learned anything."""

from __future__ import annotations

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from student.encoding import Weighting, encode
from student.recipe import TinyBase
from student.styles import style_of
from student.texts import conversations
from student.tiny.base import new_model, slot_ids
from student.tiny.corpora import encoded as encoded_at_once
from student.tiny.corpora import sample
from student.tiny.tokenizer import SLOTS, shown, train_tokenizer
from tests.gpu.corpus import TINY, record

SIZES = {"hidden": 192, "intermediate": 64, "layers": 2, "heads": 4, "head_size": 64}
EXERCISES = ["sq01", "hp03", "hr02", "lu05", "hi07", "vp01", "vr02", "co04"]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    told = conversations([record(number) for number in range(40)], style_of("brief"))
    texts = [*shown(told), "\n".join(EXERCISES)]
    return train_tokenizer(texts, vocabulary=500, merges=300, positions=512)


def test_each_slot_is_one_token(tokenizer: PreTrainedTokenizerFast) -> None:
    assert len(set(slot_ids(tokenizer))) == SLOTS
    for text in (' {"id":"', '               {"id":"'):
        assert len(tokenizer(text, add_special_tokens=False)["input_ids"]) == 1


@torch.no_grad()
def test_untrained_it_looks_up_what_stands_at_a_slot_of_the_outline(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    """Guessing would be right in 1 of 8."""
    slots = [" " * place + '{"id":"' for place in range(1, len(EXERCISES) + 1)]
    outline = ",".join(f'{slot}{one}","sets":3' for slot, one in zip(slots, EXERCISES, strict=True))
    names = [_ids(tokenizer, one) for one in EXERCISES]
    assert {len(name) for name in names} == {1}
    right = 0
    for seed in range(6):
        model = new_model(tokenizer, TinyBase.model_validate({**TINY, **SIZES}), seed).eval()
        for slot, wanted in zip(slots, names, strict=True):
            asked = torch.tensor([_ids(tokenizer, f"<bos>{outline}\n> And now?\n[{slot}")])
            scores = model(input_ids=asked).logits[0, -1]
            found = names[int(scores[[name[0] for name in names]].argmax())]
            right += found == wanted
    assert right >= 24


def _ids(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def test_weights_follow_from_the_seed(tokenizer: PreTrainedTokenizerFast) -> None:
    tiny = TinyBase.model_validate({**TINY, **SIZES})
    one, same, other = (new_model(tokenizer, tiny, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["model.embed_tokens.weight"], other["model.embed_tokens.weight"])


def test_the_base_learns_the_very_tokens_that_its_template_gives(tokenizer: PreTrainedTokenizerFast) -> None:
    tiny = TinyBase.model_validate(TINY)
    for told in conversations([record(number) for number in range(8)], style_of("brief")):
        by_template = encode(tokenizer, told, Weighting(tiny.prompt_weight, tiny.message_weight))
        at_once = encoded_at_once(tokenizer, shown([told[:-1]])[0], told[-1]["content"], tiny)
        assert at_once == by_template


def test_a_sample_is_the_seeds() -> None:
    records = [record(number) for number in range(20)]
    assert sample(records, 30, 1) == records
    assert sample(records, 5, 1) == sample(records, 5, 1) != sample(records, 5, 2)
    assert len(sample(records, 5, 1)) == 5
