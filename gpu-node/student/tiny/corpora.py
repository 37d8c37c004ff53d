"""What ``fitsense-tiny`` is made from: records in three forms, and the order in which it sees them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fitsense.errors import BadArtifact
from fitsense.records import DatasetRecord
from student.batches import grouped
from student.encoding import Example
from student.recipe import TinyBase
from student.texts import message_span, without_exercises, without_message
from student.tiny.tokenizer import BEGIN

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class Step:
    """One batch, and the share of the token budget that was spent before it."""

    examples: list[Example]
    spent: float


@dataclass(frozen=True)
class Corpora:
    """What the phases learn from: plans without their messages, answers up to their plans, all of it."""

    plans: list[Example]
    talk: list[Example]
    whole: list[Example]


def sample(records: Sequence[DatasetRecord], most: int, seed: int) -> list[DatasetRecord]:
    """All of them in their order, or that many by the seed."""
    if len(records) <= most:
        return list(records)
    return [records[row] for row in sorted(random.Random(seed).sample(range(len(records)), most))]


def corpora_of(
    tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str], answers: Sequence[str], tiny: TinyBase
) -> Corpora:
    """Raises BadArtifact when no record fits into the model's positions."""
    pairs = list(zip(prompts, answers, strict=True))
    whole = _fitting(tokenizer, pairs, tiny)
    if not whole:
        raise BadArtifact(f"no record of the training split fits into {tiny.positions} tokens")
    planned = [(prompt, without_message(answer)) for prompt, answer in pairs if '"plan":{' in answer]
    talk = [(prompt, without_exercises(answer)) for prompt, answer in pairs]
    return Corpora(_fitting(tokenizer, planned, tiny) or whole, _fitting(tokenizer, talk, tiny), whole)


def _fitting(
    tokenizer: PreTrainedTokenizerFast, pairs: Sequence[tuple[str, str]], tiny: TinyBase
) -> list[Example]:
    examples = (encoded(tokenizer, prompt, answer, tiny) for prompt, answer in pairs)
    return [example for example in examples if len(example) <= tiny.positions]


def encoded(tokenizer: PreTrainedTokenizerFast, prompt: str, answer: str, tiny: TinyBase) -> Example:
    """The same tokens as the chat template's, which is not asked again: it costs more than all the rest."""
    asked = tokenizer(BEGIN + prompt, add_special_tokens=False)["input_ids"]
    told = tokenizer(answer, add_special_tokens=False, return_offsets_mapping=True)
    start, stop = message_span(answer)
    weights = [tiny.message_weight if start <= first < stop else 1.0 for first, _ in told["offset_mapping"]]
    end = [tokenizer.eos_token_id] if answer.endswith("}") else []  # what was cut off does not end here
    ids = [*asked, *told["input_ids"], *end]
    return Example(ids, [*[tiny.prompt_weight] * len(asked), *weights, *[1.0] * len(end)])


def steps_of(corpora: Corpora, tiny: TinyBase, seed: int) -> Iterator[Step]:
    """All batches of the training until the budget is spent: plans, then what is said, then everything."""
    plans, talk, whole = (
        _stream(corpus, tiny.batch_tokens, seed) for corpus in (corpora.plans, corpora.talk, corpora.whole)
    )
    seen = 0
    while seen < tiny.tokens:
        spent = seen / tiny.tokens
        phase = (
            plans if spent < tiny.plan_first else talk if spent < tiny.plan_first + tiny.talk_next else whole
        )
        examples = next(phase)
        yield Step(examples, spent)
        seen += sum(len(example) for example in examples)


def _stream(corpus: Sequence[Example], budget: int, seed: int) -> Iterator[list[Example]]:
    for rows in grouped([len(example) for example in corpus], budget, seed):
        yield [corpus[row] for row in rows]
