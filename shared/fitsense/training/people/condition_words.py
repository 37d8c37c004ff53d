"""The words that people use for health conditions, as patterns over tokens.

Data: ``schema/catalog/condition_words.yaml``.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from fitsense.errors import Misconfigured
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.catalog.data_file import load_file
from fitsense.training.people.bounds import load_conditions
from fitsense.training.people.typos import SHORTEST

BREAK = "|"
"""The token of punctuation that parts clauses."""
_TOKEN = re.compile(r"[a-z0-9]+|[\u0900-\u097f]+|[,;.()/\n&+|]")


class Words(BaseModel):
    """The file, whole; its head explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    long_past_year: int
    none: list[str]
    negators: frozenset[str]
    negators_after: frozenset[str]
    fillers: frozenset[str]
    not_negating: frozenset[str]
    ago: frozenset[str]
    units_weeks: dict[float, list[str]]
    numbers: dict[int, list[str]]
    groups: dict[str, list[str]]
    phrases: dict[str, list[str]]


class Slot(NamedTuple):
    """What one word of a phrase may be: whole words, or beginnings."""

    words: frozenset[str]
    stems: tuple[str, ...]

    def fits(self, token: str) -> bool:
        return token in self.words or token.startswith(self.stems)


class Phrase(NamedTuple):
    codes: tuple[str, ...]
    slots: tuple[Slot, ...]


def plain(text: str) -> list[str]:
    """Tokens in lower case without accents and nuktas; punctuation that parts clauses becomes ``|``."""
    text = unicodedata.normalize("NFD", text.lower().replace("'", "").replace("\u2019", ""))
    kept = "".join(one for one in text if not "\u0300" <= one <= "\u036f" and one != "\u093c")
    tokens = _TOKEN.findall(kept.replace("_", " ").replace("-", " "))
    return [one if one.isalnum() or one > "\u0900" else BREAK for one in tokens]


@cache
def load_words(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> Words:
    """Read and check the file once a process. Raises Misconfigured."""
    path = schema_dir / "catalog" / "condition_words.yaml"
    found = load_file(path, Words)
    known = load_conditions(schema_dir).conditions
    codes = {code for key in found.phrases for code in key.split("+")}
    texts = itertools.chain.from_iterable(found.phrases.values())
    groups = {word[1:] for text in texts for word in text.split() if word[0] == "@"}
    if unknown := sorted(codes - set(known)) + sorted(groups - set(found.groups)):
        raise Misconfigured(f"{path.name}: unknown codes or groups {unknown}")
    return found


@cache
def phrases() -> tuple[Phrase, ...]:
    words = load_words()
    return tuple(
        Phrase(tuple(key.split("+")), tuple(_slot(words, word) for word in text.split()))
        for key, texts in words.phrases.items()
        for text in texts
    )


def _slot(words: Words, word: str) -> Slot:
    options = words.groups[word[1:]] if word[0] == "@" else [word]
    spelled = ["".join(plain(one.rstrip("*"))) + one[len(one.rstrip("*")) :] for one in options]
    stems = tuple(one[:-1] for one in spelled if one.endswith("*"))
    return Slot(frozenset(one for one in spelled if not one.endswith("*")), stems or ("\0",))


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word of the phrases, beginnings included: what a typing error may have meant."""
    slots = {slot for phrase in phrases() for slot in phrase.slots}
    return tuple(
        sorted({word for slot in slots for word in (*slot.words, *slot.stems) if len(word) >= SHORTEST})
    )


@cache
def stems() -> frozenset[str]:
    return frozenset(stem for phrase in phrases() for slot in phrase.slots for stem in slot.stems)
