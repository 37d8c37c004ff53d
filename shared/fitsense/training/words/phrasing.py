"""Phrase files: one template a line, ``(a|b)`` for alternatives, ``{slot}`` for what is filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fitsense.errors import Misconfigured
from fitsense.training.words.chance import Chance

_CHOICE = re.compile(r"\(([^()|]*(?:\|[^()|]*)+)\)")

Lines = tuple[str, ...]


def expand(template: str) -> Iterator[str]:
    """Every template that the alternatives of ``template`` allow, in their order."""
    found = _CHOICE.search(template)
    if found is None:
        yield template
        return
    for option in found.group(1).split("|"):
        yield from expand(template[: found.start()] + option + template[found.end() :])


class Phrases:
    """The templates of one file by dotted name, such as ``facts.sleep``; ``words`` are plain mappings."""

    def __init__(self, lines: Mapping[str, Lines], words: Mapping[str, Any]) -> None:
        self._lines = lines
        self.words = words

    def __contains__(self, name: str) -> bool:
        return name in self._lines

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._lines)

    def templates(self, name: str) -> Lines:
        """All templates of ``name``, alternatives written out. Raises KeyError for an unknown name."""
        return self._lines[name]

    def say(self, name: str, chance: Chance, slots: Mapping[str, Any]) -> str:
        """One template of ``name``, filled. Raises KeyError for an unknown name or slot."""
        return chance.pick(self._lines[name]).format_map(slots)


def _flatten(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Lines]]:
    for key, value in node.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{name}.")
        elif isinstance(value, str):
            lines = [line.strip() for line in value.splitlines()]
            yield name, tuple(text for line in lines if line for text in expand(line))
        else:
            raise Misconfigured(f"phrases: {name} is a {type(value).__name__}, not lines of text")


@cache
def load_phrases(path: Path) -> Phrases:
    """Read and expand a file once a process. Raises Misconfigured."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise Misconfigured(f"{path.name}: not a mapping")
    words = document.pop("words", {})
    return Phrases(dict(_flatten(document, "")), words)
