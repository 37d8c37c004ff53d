"""How varied the words are: distinct-n (Li et al. 2016) on a seeded sample of answers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import orjson

from fitsense.reporting.checks import share

SAMPLE = 2_000
"""Records whose texts are read."""
WINDOW = 3_000
"""Words that distinct-n is counted on: it falls with the amount of text, so each type gets as much."""
_WORD = re.compile(r"[\w'\u2019]+")


@dataclass(frozen=True)
class Sample:
    """Words of prompts and of answers' messages, per prompt type, in the order of the files."""

    records: int
    prompts: dict[str, list[str]]
    messages: dict[str, list[str]]

    @classmethod
    def read(cls, lines: Iterable[bytes]) -> Sample:
        prompts: dict[str, list[str]] = defaultdict(list)
        messages: dict[str, list[str]] = defaultdict(list)
        records = 0
        for line in lines:
            record = orjson.loads(line)
            kind = record["metadata"]["type"]
            prompts[kind] += words(record["instruction"])
            messages[kind] += words(orjson.loads(record["response"])["message"])
            records += 1
        return cls(records, dict(prompts), dict(messages))


def sample_rows(rows: Mapping[str, int], seed: int) -> dict[str, list[int]]:
    """Line numbers per split, ascending: SAMPLE lines of the whole, or all of a smaller one."""
    total = sum(rows.values())
    chosen = np.sort(np.random.default_rng([seed, total]).choice(total, min(SAMPLE, total), replace=False))
    found, start = {}, 0
    for split, size in rows.items():
        inside = chosen[(chosen >= start) & (chosen < start + size)] - start
        found[split] = [int(number) for number in inside]
        start += size
    return found


def words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def distinct(tokens: list[str], n: int) -> float:
    """Share of different n-grams among those of the first WINDOW words."""
    window = tokens[:WINDOW]
    grams = list(zip(*(window[i:] for i in range(n)), strict=False))
    return share(len(set(grams)), len(grams))
