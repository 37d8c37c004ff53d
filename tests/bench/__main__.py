"""``make bench``: every figure that has a target. ``python -m tests.bench hops teacher`` runs some."""

from __future__ import annotations

import importlib
import sys

ALL = ("hops", "stages", "teacher", "dataset", "quality")


def main() -> None:
    for name in sys.argv[1:] or ALL:
        importlib.import_module(f"tests.bench.{name}").main()


if __name__ == "__main__":
    main()
