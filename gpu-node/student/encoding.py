"""Conversations to token ids with a weight for the loss of each: answers count, prompts do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from fitsense.errors import BadArtifact
from fitsense.prompting import Message
from student.texts import message_span

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Example:
    """``ids`` of prompt and answer; ``weights[i]`` is that of predicting ``ids[i]``, 0 for the prompt."""

    ids: list[int]
    weights: list[float]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Weighting:
    prompt: float = 0.0
    message: float = 1.0


def encode(
    tokenizer: PreTrainedTokenizerBase, conversation: Sequence[Message], weighting: Weighting
) -> Example:
    """One conversation whose last message is the answer, by the tokenizer's own chat template.

    The ids of the prompt are exactly those that a server sends the model. Raises BadArtifact when they are
    not: a template that writes an answer otherwise than it asks for one.
    """
    prompt, text = rendered(tokenizer, conversation)
    asked = _ids(tokenizer, prompt)
    whole = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids: list[int] = whole["input_ids"]
    if ids[: len(asked)] != asked:
        raise BadArtifact("the chat template's answer changes the tokens of its prompt", hint=_HINT)
    start, end = message_span(conversation[-1]["content"])
    shift = text.index(conversation[-1]["content"], len(prompt))
    spans = whole["offset_mapping"][len(asked) :]
    weights = [weighting.message if start + shift <= first < end + shift else 1.0 for first, _ in spans]
    return Example(ids, [weighting.prompt] * len(asked) + weights)


def rendered(tokenizer: PreTrainedTokenizerBase, conversation: Sequence[Message]) -> tuple[str, str]:
    """The prompt alone, and prompt with answer up to the mark that ends it. Raises BadArtifact.

    Where the answer begins is read off the two, so that a template needs no ``{% generation %}``.
    """
    from jinja2 import TemplateError

    told = tuple((message["role"], message["content"]) for message in conversation)
    try:
        prompt = _asked(tokenizer, told[:-1])
        text = _shown(tokenizer, told, answered=True).rstrip("\n")
    except TemplateError as error:
        raise BadArtifact(f"the base's chat template refuses: {error}", hint=_HINT) from error
    if not text.startswith(prompt):
        raise BadArtifact("the chat template's answer does not continue its prompt", hint=_HINT)
    return prompt, text


_HINT = "a base whose template takes a system, a user and an assistant message, and asks as it answers"


def _shown(tokenizer: PreTrainedTokenizerBase, told: tuple[tuple[str, str], ...], *, answered: bool) -> str:
    conversation = [{"role": role, "content": content} for role, content in told]
    options = {"tokenize": False, "add_generation_prompt": not answered}
    return str(tokenizer.apply_chat_template(conversation, **options))


@lru_cache(maxsize=16_384)
def _asked(tokenizer: PreTrainedTokenizerBase, told: tuple[tuple[str, str], ...]) -> str:
    """Kept: a base and its fine-tuning see the same prompts, and a rich template takes a millisecond."""
    return _shown(tokenizer, told, answered=False)


@lru_cache(maxsize=16_384)
def _ids(tokenizer: PreTrainedTokenizerBase, prompt: str) -> list[int]:
    ids: list[int] = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    return ids


def encode_all(
    tokenizer: PreTrainedTokenizerBase,
    conversations: Iterable[Sequence[Message]],
    weighting: Weighting,
    max_tokens: int,
) -> tuple[list[Example], int]:
    """All that fit into ``max_tokens``, and how many did not."""
    examples = [encode(tokenizer, conversation, weighting) for conversation in conversations]
    kept = [example for example in examples if len(example) <= max_tokens]
    return kept, len(examples) - len(kept)
