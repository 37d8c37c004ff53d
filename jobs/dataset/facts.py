"""The facts of the dataset: what the card tells in words, as data. No run_id and no time stands in them."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fitsense.config import Dataset, canonical_json
from jobs.dataset.outcome import Outcome
from jobs.dataset.read import SLICES
from jobs.dataset.shingles import I64
from jobs.dataset.split import SPLITS

_LENGTHS = {"instruction": "prompt_chars", "context": "context_chars", "response": "response_chars"}


@dataclass(frozen=True)
class Ingredient:
    """A stage that this dataset was made through: its parameters as its manifest has them."""

    stage: str
    params: dict[str, Any]
    params_sha256: str
    seed: int
    rows: int


def facts(outcome: Outcome, recipe: list[Ingredient], params: Dataset, seed: int) -> dict[str, Any]:
    """``summary.json``."""
    table = outcome.table
    users = table.numbers["user"][outcome.kept]
    return {
        "schema_version": 1,
        "seed": seed,
        "params": params.model_dump(mode="json"),
        "recipe": [asdict(ingredient) for ingredient in recipe],
        "recipe_sha256": _recipe_hash(recipe, params, seed),
        "rows_in": len(table.reasons),
        "records": len(outcome.kept),
        "users": len(np.unique(users)),
        "clusters": len(np.unique(outcome.cluster)),
        "splits": {name: _split(outcome, number) for number, name in enumerate(SPLITS)},
        "rejected": outcome.rejected(),
        "duplicates": outcome.duplicates.facts(outcome.duplicates.verdict == 0),
        "responses": _responses(outcome),
        "held_out_with_a_response_of_train": _held_out_repeats(outcome),
        "characters": {name: _quantiles(outcome, column) for name, column in _LENGTHS.items()},
        "values": {name: _counts(outcome, name, outcome.kept) for name in _COUNTED},
        "tags": _tags(outcome),
        "context_carries": {
            name: int(table.numbers[f"has_{name}"][outcome.kept].sum())
            for name in ("sleep", "kcal", "weight")
        },
        "looks_personal": int(table.numbers["personal"][outcome.kept].sum()),
    }


_COUNTED = ("type", "language", *SLICES, "action", "model")


def _recipe_hash(recipe: list[Ingredient], params: Dataset, seed: int) -> str:
    """Identity of all that shaped the data: every stage's parameters and seed."""
    stages = [[i.stage, i.params_sha256] for i in recipe]
    own = {"params": params.model_dump(mode="json"), "seed": seed}
    return hashlib.sha256(canonical_json([*stages, ["dataset", own]])).hexdigest()


def _split(outcome: Outcome, number: int) -> dict[str, Any]:
    chosen = outcome.split == number
    rows = outcome.kept[chosen]
    return {
        "records": len(rows),
        "share": round(len(rows) / len(outcome.kept), 6),
        "users": len(np.unique(outcome.table.numbers["user"][rows])),
        "clusters": len(np.unique(outcome.duplicates.cluster[rows])),
        "values": {name: _counts(outcome, name, rows) for name in _COUNTED},
    }


def _counts(outcome: Outcome, name: str, rows: I64) -> dict[str, int]:
    labels = outcome.table.labels[name].values
    counts = np.bincount(outcome.table.categories[name][rows], minlength=len(labels))
    return {label: int(n) for label, n in sorted(zip(labels, counts, strict=True)) if n}


def _tags(outcome: Outcome) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for joined, n in _counts(outcome, "tags", outcome.kept).items():
        for tag in filter(None, joined.split("\t")):
            counts[tag] += n
    return dict(sorted(counts.items()))


def _responses(outcome: Outcome) -> dict[str, dict[str, float]]:
    """Unique responses per prompt type: reported, not removed."""
    codes = outcome.table.categories["type"][outcome.kept]
    hashes = outcome.table.numbers["response_hash"][outcome.kept]
    found = {}
    for code, label in sorted(enumerate(outcome.table.labels["type"].values), key=lambda item: item[1]):
        own: npt.NDArray[np.uint64] = hashes[codes == code]
        if len(own):
            unique = len(np.unique(own))
            found[label] = {"records": len(own), "unique": unique, "share": round(unique / len(own), 6)}
    return found


def _held_out_repeats(outcome: Outcome) -> int:
    """Records of val and test whose whole response stands in train too."""
    hashes = outcome.table.numbers["response_hash"][outcome.kept]
    return int(np.isin(hashes[outcome.split != 0], hashes[outcome.split == 0]).sum())


def _quantiles(outcome: Outcome, column: str) -> dict[str, int]:
    values = outcome.table.numbers[column][outcome.kept]
    marks = np.quantile(values, [0, 0.5, 0.95, 1], method="nearest").tolist()
    return dict(zip(("min", "median", "p95", "max"), map(int, marks), strict=True))
