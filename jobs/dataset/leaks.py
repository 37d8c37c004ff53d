"""The leak check: reads the written files again and knows nothing of how they were made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b

import numpy as np
import orjson

from fitsense.errors import GateFailed
from jobs.dataset.shingles import U64

KEYS = ("user_id", "cluster")
_HASH_BYTES = 8


class LeakCheck:
    """Feed it each split's lines; ``finish`` raises GateFailed when two splits share what they must not."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], U64] = {}

    def read(self, split: str, lines: Iterable[bytes]) -> int:
        """Take in a split; the number of its records."""
        return sum(1 for _ in self.watch(split, lines))

    def watch(self, split: str, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Take in a split while its lines pass by."""
        hashes = {key: bytearray() for key in (*KEYS, "id")}
        for line in lines:
            record = orjson.loads(line)
            hashes["id"] += _hash(record["id"])
            for key in KEYS:
                hashes[key] += _hash(record["metadata"][key])
            yield line
        for key, found in hashes.items():
            self._found[split, key] = np.unique(np.frombuffer(found, np.uint64))
        rows = len(hashes["id"]) // _HASH_BYTES
        if (repeated := rows - len(self._found[split, "id"])) > 0:
            raise GateFailed(f"{split} holds {repeated} ids more than once")

    def shared(self) -> Mapping[str, int]:
        """How many users, clusters and ids each pair of splits has in common, by name of the pair."""
        splits = sorted({split for split, _ in self._found})
        pairs = [(a, b) for k, a in enumerate(splits) for b in splits[k + 1 :]]
        return {
            f"{key} in {a} and {b}": len(np.intersect1d(self._found[a, key], self._found[b, key]))
            for a, b in pairs
            for key in (*KEYS, "id")
        }

    def finish(self) -> None:
        leaks = {name: count for name, count in self.shared().items() if count}
        if leaks:
            told = "; ".join(f"{count} {name}" for name, count in leaks.items())
            raise GateFailed(
                f"the splits leak: {told}", hint="a fault of the dataset stage; do not train on it"
            )


def _hash(value: object) -> bytes:
    return blake2b(str(value).encode(), digest_size=_HASH_BYTES).digest()
