"""Seeded choice: the same seed and key give the same choices on every machine and Python."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Choices that depend on the key alone. ``random.Random.random`` is stable by its documentation."""

    def __init__(self, *key: object) -> None:
        digest = blake2b(":".join(map(str, key)).encode(), digest_size=8).digest()
        self._random = Random(int.from_bytes(digest, "big")).random

    def share(self) -> float:
        """Uniform in [0, 1)."""
        return self._random()

    def pick(self, options: Sequence[T]) -> T:
        """One of ``options``, each as likely."""
        return options[int(self._random() * len(options))]

    def below(self, number: int) -> int:
        """A whole number from 0 to ``number`` - 1."""
        return int(self._random() * number)

    def happens(self, share: float) -> bool:
        """True in ``share`` of all cases."""
        return self._random() < share
