"""A second opinion on prompts in which the rules see nothing grave: two small linear models over ``traits``.

The first tells a group (calm, sign, crisis, ed, refuse), the second which rule of it. The weights in
``schema/catalog/safety/opinion.npz`` are made by ``python -m tests.safety.fit``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitsense.safety.flags import RED_FLAGS
from fitsense.safety.rules import Level, Match
from fitsense.safety.scan import Reading
from fitsense.safety.traits import BUCKETS, Traits, traits
from fitsense.settings import DEFAULT_SCHEMA_DIR

SHARES: Mapping[str, float] = {"pieces": 1.0, "words": 0.7, "findings": 1.0, "pairs": 0.7}
"""How much each kind of traits weighs; each is brought to length 1 first."""
SURE: Mapping[str, float] = {"sign": 0.7, "crisis": 0.6, "ed": 0.65, "refuse": 0.85}
"""From here on the group's rule holds: about 1 % of harmless prompts get there in cross-validation."""
DOUBT = 0.35
"""From here on a plain answer carries a caution: the chance that the prompt is not calm."""
_LEVEL: Mapping[str, Level] = {"care": "advise_clearance", "decline": "none"}


@dataclass(frozen=True, slots=True)
class Weights:
    """``table``: place → weight of each column in units of ``unit``; the first columns are the groups."""

    table: NDArray[np.int8]
    unit: NDArray[np.float32]
    bias: NDArray[np.float32]
    groups: tuple[str, ...]
    rules: tuple[str, ...]
    group_of: tuple[str, ...]
    """The group of each of ``rules``."""


@cache
def load_weights(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> Weights:
    """Read once a process."""
    with np.load(schema_dir / "catalog" / "safety" / "opinion.npz") as stored:
        table = np.zeros((BUCKETS, stored["weights"].shape[1]), dtype=np.int8)
        table[stored["places"]] = stored["weights"]
        names = {name: tuple(map(str, stored[name])) for name in ("groups", "rules", "group_of")}
        return Weights(table, stored["unit"], stored["bias"], **names)


def chances(found: Traits, weights: Weights) -> tuple[dict[str, float], dict[str, float]]:
    """The chance of each group, and the score of each rule."""
    total = weights.bias.astype(np.float64)
    for kind, share in SHARES.items():
        places = found[kind]
        if places:
            summed = weights.table[np.array(places)].sum(axis=0, dtype=np.int32)
            total += summed * weights.unit * (share / len(places) ** 0.5)
    count = len(weights.groups)
    odds = np.exp(total[:count] - total[:count].max())
    shares = odds / odds.sum()
    return dict(zip(weights.groups, map(float, shares), strict=True)), dict(
        zip(weights.rules, map(float, total[count:]), strict=True)
    )


def second_opinion(reading: Reading, known: frozenset[str]) -> Iterator[Match]:
    """At most one match: a rule of the likeliest group, in full or (in doubt) as a caution."""
    if not reading.text.words:
        return
    weights = load_weights()
    group, rule = chances(traits(reading, known), weights)
    likely = max(SURE, key=lambda name: group[name])
    of_group = [one for one, its in zip(weights.rules, weights.group_of, strict=True) if its == likely]
    rule_id = max(of_group, key=lambda name: rule[name])
    why = f"second opinion: {likely} {group[likely]:.2f}"
    if group[likely] >= SURE[likely]:
        yield _in_full(rule_id, why)
    elif 1 - group["calm"] >= DOUBT:
        yield Match(rule_id, "conservative_answer", "advise_clearance", 0, why, soft=True)


def _in_full(rule_id: str, why: str) -> Match:
    flag: Any = RED_FLAGS[rule_id]
    return Match(rule_id, flag.action, _LEVEL.get(flag.level, flag.level), 0, why)
