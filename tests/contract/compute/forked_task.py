"""What the forked image of these tests runs: it does what its arguments say."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path


def main() -> int | None:
    """``exit CODE``, ``raise``, ``say TEXT``, ``whoami``, ``sleep SECONDS``, ``hang-first`` and more."""
    print("main", time.time_ns(), flush=True)
    verb, *rest = sys.argv[1:]
    if verb == "exit":
        return int(rest[0])
    if verb == "raise":
        raise RuntimeError("raised on purpose")
    if verb == "message":
        sys.exit(rest[0])
    if verb == "sleep":
        time.sleep(float(rest[0]))
    if verb == "hang-first" and os.environ["CLOUD_RUN_TASK_ATTEMPT"] == "0":
        time.sleep(300)
    if verb == "thread":
        threading.Timer(0.05, print, rest).start()
    if verb == "say":
        print(*rest, sorted(name for name in os.environ if name.startswith("CLOUD_RUN")))
    if verb == "whoami":
        print("ids", os.getpid(), os.getppid(), os.getsid(0), Path.cwd())
    return None


if __name__ == "__main__":
    sys.exit(main())
