"""Random number streams: a pure function of the seed and of where they are used."""

from __future__ import annotations

import zlib

import numpy as np


def sequence(seed: int, name: str, *numbers: int) -> np.random.SeedSequence:
    """Independent of every other ``(name, numbers)`` and the same on every machine."""
    return np.random.SeedSequence([seed, zlib.crc32(name.encode()), *numbers])


def generator(seed: int, name: str, *numbers: int) -> np.random.Generator:
    """The generator of one stage's part (and block): ``generator(seed, "workouts", part, block)``."""
    return np.random.Generator(np.random.SFC64(sequence(seed, name, *numbers)))


def unit(seed: int, name: str) -> float:
    """One number in [0, 1)."""
    return float(sequence(seed, name).generate_state(1)[0]) / 2**32
