"""Training tokens a second against TRL's defaults: ``python -m tests.bench training``.

The same model (fitsense-tiny's), the same records and the same loss (each token of the answer alike), in one
process, arms alternating; ratios are of one round, and their median counts. CPU-seconds are judged: the wall
of a shared machine is its neighbours' as well.

With a GPU, in its environment: ``python -m tests.bench.trainers gpu`` gives tokens a second and the share of
the peak (target: 45 %) of full fine-tuning of a Qwen3-1.7B in bfloat16, packed.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
from pathlib import Path

import orjson

from tests.bench.measure import Target, heading, scratch
from tests.cloud import ROOT
from tests.factory import running

PYTHON = ROOT / "gpu-node/.venv/bin/python"
GOAL = 2.0
CONFIG = """\
version: 1
pipeline: coaching
seed: 21
profiles: {{users: {users}}}
workouts: {{weeks: 6}}
queries: {{per_user: 4}}
validation: {{min_records: 1, split_tolerance: 0.5}}
statistics: {{min_slice_records: 0}}
"""
Round = dict[str, dict[str, float]]


def main(users: int = 120) -> int:
    """Print the arms; 1 when fine-tuning by adapter misses its target."""
    heading(f"training: tokens a second against TRL's defaults, records of {users} people")
    folder = scratch("training")
    _records(folder, users)
    rounds = measure(folder)
    shutil.rmtree(folder)
    for arm in rounds[0]:
        wall, cpu = (statistics.median(one[arm][kind] for one in rounds) for kind in ("wall", "cpu"))
        print(f"  {arm:<36} {wall:>8,.0f} tokens/s {cpu:>8,.0f} tokens/CPU-s")
    ratios = {method: _ratio(rounds, method, "cpu") for method in ("lora", "full")}
    for method, ratio in ratios.items():
        print(Target(f"{method}: tokens/CPU-s over TRL's", ratio, GOAL, "x", at_most=False).line())
        print(f"  {'by the wall':<46} {_ratio(rounds, method, 'wall'):>10,.1f} x")
    return 0 if min(ratios.values()) >= GOAL else 1


def _ratio(rounds: list[Round], method: str, kind: str) -> float:
    return statistics.median(one[method][kind] / one[f"{method}, TRL"][kind] for one in rounds)


def _records(folder: Path, users: int) -> None:
    """A dataset from the factory, as training gets it."""
    with running(folder / "local") as factory:
        run_id = factory.submit(CONFIG.format(users=users), "training")
        view = factory.wait(run_id, timeout_s=600)
        assert view.state == "completed", view.summary()
        rows = factory.lines(run_id, "dataset/train.jsonl")
    (folder / "train.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def measure(folder: Path) -> list[Round]:
    """The GPU node's interpreter at work; its complaints are shown when it fails."""
    threads = {"OMP_WAIT_POLICY": "passive", "HF_HUB_OFFLINE": "1"}
    command = [str(PYTHON), "-m", "tests.bench.trainers", "cpu", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | threads, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    return [orjson.loads(line) for line in done.stdout.splitlines() if line.startswith('{"lora"')]


if __name__ == "__main__":
    raise SystemExit(main())
