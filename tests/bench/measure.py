"""What benchmarks share: figures out of the logs that the tasks write anyway, and how they are printed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.factory import Factory


@dataclass(frozen=True)
class Target:
    """A figure with its goal; ``at_most`` tells which side is good."""

    name: str
    value: float
    goal: float
    unit: str
    at_most: bool = True

    @property
    def met(self) -> bool:
        return self.value <= self.goal if self.at_most else self.value >= self.goal

    def line(self) -> str:
        sign = "<=" if self.at_most else ">="
        verdict = "met" if self.met else "MISSED"
        figure = f"{self.value:>10,.1f} {self.unit:<8}"
        return f"  {self.name:<46} {figure} target {sign} {self.goal:,g}  {verdict}"


def percentile(values: Iterable[float], share: float) -> float:
    """Nearest rank: a value that was really seen."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def task_logs(factory: Factory, run_id: str) -> Iterator[dict[str, Any]]:
    """Every log line of every task of a run, with its ``stage`` and ``when``."""
    for path in (factory.local.home / "cloud" / "compute" / "logs").rglob("task-*.log"):
        for line in path.read_bytes().splitlines():
            if not line.startswith(b"{"):
                continue
            entry = orjson.loads(line)
            if entry.get("run_id") == run_id:
                entry["stage"] = entry["service"].removeprefix("job-")
                entry["when"] = dt.datetime.fromisoformat(entry["time"]).timestamp()
                yield entry


def peak_mib(factory: Factory, run_id: str, stage: str) -> int:
    """The largest task of a stage."""
    entries = task_logs(factory, run_id)
    return max(int(e["peak_mib"]) for e in entries if e["message"] == "task.finished" and e["stage"] == stage)


def cpu_s(factory: Factory, run_id: str, stage: str) -> float:
    """CPU seconds of all tasks of a stage."""
    entries = task_logs(factory, run_id)
    return sum(float(e["cpu_s"]) for e in entries if e["message"] == "task.finished" and e["stage"] == stage)


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def scratch(name: str) -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix=f"fitsense-bench-{name}-"))
