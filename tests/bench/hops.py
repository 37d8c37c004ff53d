"""Artifact landed → next stage's code running, on one warm machine; and how fast a config is judged."""

from __future__ import annotations

import shutil
import time

from tests.bench.measure import Target, heading, percentile, scratch, task_logs
from tests.factory import SMALL, Factory, running

RUNS = 12
CONFIG = SMALL.replace("users: 48", "users: 16").replace("per_user: 5", "per_user: 12")


def hops(factory: Factory, run_id: str) -> list[float]:
    """Milliseconds from the landing of a stage's last input to the first line of its code, per stage."""
    landed: dict[str, float] = {}
    started: dict[str, float] = {}
    for entry in task_logs(factory, run_id):
        stage, when = entry["stage"], entry["when"]
        if entry["message"] == "stage.landed":
            landed[stage] = min(when, landed.get(stage, when))
        elif entry["message"] == "task.started":
            started[stage] = min(when, started.get(stage, when))
    view = factory.reader().observe(run_id)
    assert view is not None
    reads = {stage: view.graph.inputs[stage] for stage in started if view.graph.inputs[stage]}
    return [1000 * (started[s] - max(landed[r] for r in reads[s])) for s in reads]


def rejection_ms(factory: Factory, number: int) -> float:
    """From the end of a bad config's upload to its rejection beside it."""
    name = f"bad-{number}"
    factory.submit("nonsense: true\n", name)
    begun = time.monotonic()
    factory.until(lambda: factory.store.exists(f"configs/{name}.rejected.json"))
    return 1000 * (time.monotonic() - begun)


def main() -> None:
    heading(f"hops: {RUNS} runs of ten stages each, one warm machine")
    home = scratch("hops")
    with running(home / "local") as factory:
        factory.wait(factory.submit(CONFIG, "warm-up"))
        times = []
        for number in range(RUNS):
            run_id = factory.submit(CONFIG, f"run-{number}")
            assert factory.wait(run_id).state == "completed"
            times += hops(factory, run_id)
        rejections = [rejection_ms(factory, number) for number in range(20)]
    shutil.rmtree(home)
    print(Target("landed -> next stage's code running, p50", percentile(times, 0.5), 50, "ms").line())
    print(Target("landed -> next stage's code running, p99", percentile(times, 0.99), 250, "ms").line())
    print(Target("bad config uploaded -> rejected, worst of 20", max(rejections), 1000, "ms").line())


if __name__ == "__main__":
    main()
