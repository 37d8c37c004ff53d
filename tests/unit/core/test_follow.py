"""What is shown of a run while it goes on, in 80 columns."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from fitsense.admission import parse_config
from fitsense.events import StageProgressed, StageStarted
from fitsense.follow import Follower, Progress, clock
from fitsense.pipeline import load_pipelines
from fitsense.runs import RunView, StageView
from tests.factory import SAMPLE

RUN = "coaching-small-abcdefghijk"


def progressed(**told: object) -> StageProgressed:
    usual = {"run_id": RUN, "stage": "training", "task": 0, "done": 1050, "total": 1300, "sequence": 1}
    return StageProgressed.model_validate(usual | {"unit": "base steps"} | told)


def follower(console: Console) -> Follower:
    """Nothing here asks the cloud."""
    return Follower(None, None, RUN, console)  # type: ignore[arg-type]


def view() -> RunView:
    config = parse_config(SAMPLE.encode())
    graph = load_pipelines().graph(config.pipeline)
    stages = {stage: StageView(stage, "waiting") for stage in graph.order}
    return RunView(RUN, config, graph, stages | {"training": StageView("training", "running")})


def test_a_trainings_progress_says_step_loss_speed_and_time_to_go_in_80_columns() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    following = follower(console)
    following.hear(progressed(note="loss 0.432, 13,400 tok/s", eta_s=131.0, tokens=1_234_567, seconds=600))
    console.print(following.table(view()))
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert max(map(len, lines)) <= 80
    (line,) = [line for line in lines if line.startswith("training")]
    assert line == "training     running 1,050/1,300 base steps, loss 0.432, 13,400 tok/s, ETA 2:11"


def test_without_a_terminal_a_long_stage_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("fitsense.follow.time.monotonic", lambda: now[0])
    console = Console(file=io.StringIO(), width=80)
    following = follower(console)
    following.hear(StageStarted(run_id=RUN, stage="training", attempt=1, tasks=1, execution="x"))
    for second in range(61):
        now[0] = float(second)
        following.hear(progressed(done=second, eta_s=60.0 - second, note="loss 0.4"))
        following._print_changes(view())
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(lines) in (4, 5), lines
    assert lines[-1].startswith("training     running")


def test_tasks_of_a_stage_are_told_together() -> None:
    progress = Progress()
    for task in (0, 1):
        progress.tasks[task] = progressed(task=task, done=100, total=500, unit="rows", seconds=2.0)
    assert progress.words() == "200/1,000 rows, 100/s, ETA 8 s"


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59.6, "1:00"), (3725, "62:05")])
def test_times_are_short(seconds: float, words: str) -> None:
    assert clock(seconds) == words
