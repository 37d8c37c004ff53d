"""Which tokens count: the answer's, each of them, and nothing else."""

from __future__ import annotations

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from fitsense.errors import BadArtifact
from fitsense.prompting import Message
from student.batches import IGNORED, collate
from student.encoding import Weighting, encode, encode_all, rendered
from student.texts import conversations, message_span
from student.tiny.answers import brief
from student.tiny.tokenizer import shown, train_tokenizer
from tests.gpu.corpus import record

TOLD = conversations([record(number) for number in range(40)], brief)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(shown(TOLD), vocabulary=400, merges=300, positions=512)


def test_the_weights_of_an_answer_are_exact(tokenizer: PreTrainedTokenizerFast) -> None:
    told = TOLD[1]
    example = encode(tokenizer, told, Weighting(prompt=0.0, message=0.25))

    counted = [i for i, weight in zip(example.ids, example.weights, strict=True) if weight]
    assert tokenizer.decode(counted) == told[-1]["content"] + "<eos>"
    light = [i for i, weight in zip(example.ids, example.weights, strict=True) if weight == 0.25]
    start, end = message_span(told[-1]["content"])
    assert tokenizer.decode(light) == told[-1]["content"][start:end]


def test_a_prompt_has_the_ids_that_a_server_sends(tokenizer: PreTrainedTokenizerFast) -> None:
    for told in TOLD:
        example = encode(tokenizer, told, Weighting())
        asked = [dict(message) for message in told[:-1]]
        sent = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=False)
        assert example.ids[: len(sent)] == sent
        assert example.weights[: len(sent)] == [0.0] * len(sent)
        assert all(example.weights[len(sent) :])


def test_the_template_marks_the_answer_for_trl_as_well(tokenizer: PreTrainedTokenizerFast) -> None:
    whole = [dict(message) for message in TOLD[1]]
    marked = tokenizer.apply_chat_template(whole, return_dict=True, return_assistant_tokens_mask=True)

    example = encode(tokenizer, TOLD[1], Weighting())

    assert marked["assistant_masks"] == [int(weight > 0) for weight in example.weights]


def test_padding_and_prompts_have_no_label(tokenizer: PreTrainedTokenizerFast) -> None:
    examples, left_out = encode_all(tokenizer, TOLD[:3], Weighting(message=0.5), 512)
    batch = collate(examples, pack=False, pad=tokenizer.pad_token_id)

    assert left_out == 0
    for row, example in enumerate(examples):
        length = len(example)
        wanted = [i if w else IGNORED for i, w in zip(example.ids, example.weights, strict=True)]
        assert batch["labels"][row].tolist() == wanted + [IGNORED] * (batch["labels"].shape[1] - length)
        assert batch["loss_weights"][row, :length].tolist() == example.weights
        assert int(batch["input_ids"][row].ne(tokenizer.pad_token_id).sum()) == length


def test_a_packed_row_predicts_no_record_from_the_one_before(tokenizer: PreTrainedTokenizerFast) -> None:
    examples, _ = encode_all(tokenizer, TOLD[:3], Weighting(prompt=0.1), 512)
    batch = collate(examples, pack=True, pad=0)

    starts = (batch["position_ids"][0] == 0).nonzero().flatten().tolist()
    assert starts == [0, len(examples[0]), len(examples[0]) + len(examples[1])]
    assert batch["labels"][0, starts].tolist() == [IGNORED] * 3
    assert "attention_mask" not in batch
    assert torch.equal(batch["labels"] == IGNORED, batch["loss_weights"] == 0)


def test_what_is_too_long_is_left_out_and_counted(tokenizer: PreTrainedTokenizerFast) -> None:
    lengths = sorted(len(encode(tokenizer, told, Weighting())) for told in TOLD)
    kept, left_out = encode_all(tokenizer, TOLD, Weighting(), lengths[10])

    assert len(kept) + left_out == len(TOLD)
    assert max(len(example) for example in kept) == lengths[10]


def test_a_template_that_answers_otherwise_than_it_asks_is_refused(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    odd = tokenizer.__class__(tokenizer_object=tokenizer._tokenizer, bos_token="<bos>", eos_token="<eos>")
    odd.chat_template = (
        "{% for m in messages %}{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}?{% endif %}"
    )
    answer = Message(role="assistant", content='{"message":"x","plan":null}')

    with pytest.raises(BadArtifact, match="does not continue its prompt"):
        rendered(odd, [Message(role="user", content="hi"), answer])
