"""Short lists of words that steer the reading, out of ``schema/catalog/safety/words.yaml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from fitsense.safety.hindi import soft_key
from fitsense.settings import DEFAULT_SCHEMA_DIR


@cache
def _lists(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> dict[str, str]:
    path = schema_dir / "catalog" / "safety" / "words.yaml"
    found: dict[str, str] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return found


def words(name: str) -> frozenset[str]:
    """The list ``name``. Raises KeyError for an unknown one."""
    return frozenset(_lists()[name].split())


def spellings(name: str) -> frozenset[str]:
    """As ``words``, with how each looks when it comes out of Devanagari."""
    return words(name) | {soft_key(word)[1:] for word in words(name)}
