"""``make bench``: every figure that has a target. ``python -m tests.bench hops teacher`` runs some.

A number goes to the benchmark before it: ``python -m tests.bench athletes 200``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable

ALL = ("hops", "stages", "teacher", "dataset", "quality", "engine", "athletes", "training", "serving")


def main() -> int:
    """Run them all; 1 when one that gives a verdict missed its target."""
    found = [
        importlib.import_module(f"tests.bench.{name}").main(*sizes)
        for name, sizes in chosen(sys.argv[1:] or ALL)
    ]
    return max(code or 0 for code in found)


def chosen(words: Iterable[str]) -> list[tuple[str, list[int]]]:
    """Benchmarks with the numbers that follow their names."""
    found: list[tuple[str, list[int]]] = []
    for word in words:
        if word.isdigit() and found:
            found[-1][1].append(int(word))
        else:
            found.append((word, []))
    return found


if __name__ == "__main__":
    sys.exit(main())
