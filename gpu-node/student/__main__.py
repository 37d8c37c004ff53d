"""``python -m student <command>``: one command is one module with ``main(arguments) -> exit code``."""

from __future__ import annotations

import importlib
import os
import sys

COMMANDS = ("train", "evaluate", "serve", "agent")


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        sys.stderr.write(f"usage: python -m student {'|'.join(COMMANDS)}\n")
        return 65
    # Before torch is imported: two spinning threads on two shared cores halve each other's speed.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    code: int = importlib.import_module(f"student.{arguments[0]}").main(arguments[1:])
    return code


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Pub/Sub's and Storage's background threads would keep a finished task alive for seconds.
    os._exit(code)
