"""Serving on this machine by real vLLM: its start, its first token and speed by clients, and a roll-back."""

from __future__ import annotations

import subprocess
from typing import Any

import orjson

from tests.bench.measure import Target, heading
from tests.cloud import ROOT

NODE = ROOT / "gpu-node/.venv/bin/python"


def measured() -> dict[str, Any]:
    """What the GPU node's interpreter finds; its complaints go where ours do."""
    done = subprocess.run(
        [str(NODE), "-m", "tests.bench.serving_node"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    found: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    heading("serving: vLLM with a model of fitsense-tiny's shape and a LoRA adapter, 3 sequences in flight")
    if not NODE.exists():
        print("  the GPU node's environment is not there: make gpu-node/.venv/ready")
        return 1
    found = measured()
    start = Target("student serve: command to healthy, median of 3", found["start_s"], 25, "s")
    back = Target("roll-back to answers of the old, worst of 10", max(found["roll_backs_ms"]), 1000, "ms")
    print(start.line())
    print(f"    {found['start_cpu_s']:.1f} CPU-seconds; {found['spare_s']:.1f} s by an engine kept in spare")
    for clients, figures in found["load"].items():
        print(
            f"  {clients:>2} clients: first token {figures['ttft_ms']:>6,.0f} ms (median), "
            f"{figures['tokens_per_s']:>6,.0f} tokens/s together"
        )
    print(back.line())
    return 0 if start.met and back.met else 1


if __name__ == "__main__":
    raise SystemExit(main())
