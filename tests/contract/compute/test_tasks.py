"""Tasks: counts, environment, retries, timeouts, cancellation, parallelism, what they leave behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest
from google.cloud import run_v2

from tests.cloud import CloudProcess
from tests.contract.compute.conftest import FORKED, Clients, completed, until


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_every_task_knows_its_index_count_job_and_execution(gcp: Clients) -> None:
    names = ["JOB", "EXECUTION", "TASK_INDEX", "TASK_COUNT", "TASK_ATTEMPT"]
    script = f"import os; print(*(os.environ['CLOUD_RUN_' + n] for n in {names}))"
    gcp.create("indexed", "python", [script], tasks=6)
    name = gcp.run("indexed")
    assert gcp.finished(name).succeeded_count == 6
    execution = name.rpartition("/")[2]
    for index in range(6):
        assert gcp.log(name, task=index) == f"indexed {execution} {index} 6 0\n"


def test_a_task_sees_the_cloud_and_not_this_process(gcp: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    gcp.create("environment", "python", ["import os; print(sorted(os.environ)); print(os.getcwd())"])
    name = gcp.run("environment")
    gcp.finished(name)
    assert "STORAGE_EMULATOR_HOST" in gcp.log(name)
    assert "PYTEST_CURRENT_TEST" in os.environ
    assert "PYTEST_CURRENT_TEST" not in gcp.log(name)
    assert gcp.log(name).splitlines()[1] == str(Path(__file__).parent)


def test_a_failing_task_is_retried_until_it_succeeds(gcp: Clients, tmp_path: Path) -> None:
    counter = tmp_path / "tries"
    script = (
        f"open({str(counter)!r}, 'a').write('x'); raise SystemExit(open({str(counter)!r}).read() != 'xxx')"
    )
    gcp.create("flaky", "python", [script], max_retries=3)
    name = gcp.run("flaky")
    execution = gcp.finished(name)
    assert (execution.succeeded_count, execution.failed_count, execution.retried_count) == (1, 0, 1)
    assert counter.read_text() == "xxx"
    (task,) = gcp.tasks.list_tasks(parent=name)
    assert (task.index, task.retried, task.last_attempt_result.exit_code) == (0, 2, 0)
    assert "attempt 1 of task 0 failed: exit code 1" in gcp.log(name, attempt=1)


def test_retries_end_and_the_message_says_how_it_failed(gcp: Clients) -> None:
    gcp.create("hopeless", "shell", ["echo trying; exit 7"], max_retries=2)
    name = gcp.run("hopeless")
    execution = gcp.finished(name)
    assert (execution.failed_count, execution.retried_count) == (1, 1)
    assert completed(execution).message == "1 of 1 tasks failed. Task 0 failed at attempt 3: exit code 7."
    assert completed(execution).execution_reason == run_v2.Condition.ExecutionReason.NON_ZERO_EXIT_CODE
    for attempt in range(3):
        assert gcp.log(name, attempt=attempt).startswith("trying\n")
    task = gcp.tasks.get_task(name=f"{name}/tasks/{name.rpartition('/')[2]}-task0")
    assert task.last_attempt_result.exit_code == 7


def test_a_signal_is_told_by_name(gcp: Clients) -> None:
    gcp.create("segfault", "shell", ["kill -SEGV $$"], max_retries=0)
    name = gcp.run("segfault")
    assert "signal 11 (SIGSEGV)" in completed(gcp.finished(name)).message
    (task,) = gcp.tasks.list_tasks(parent=name)
    assert task.last_attempt_result.term_signal == 11


def test_one_failed_task_fails_the_execution_and_the_others_finish(gcp: Clients) -> None:
    script = "import os; raise SystemExit(int(os.environ['CLOUD_RUN_TASK_INDEX']) == 1)"
    gcp.create("partly", "python", [script], tasks=4, max_retries=0)
    execution = gcp.finished(gcp.run("partly"))
    assert (execution.succeeded_count, execution.failed_count) == (3, 1)
    assert completed(execution).message.startswith("1 of 4 tasks failed. Task 1 ")


@pytest.mark.parametrize("image", ["python", FORKED])
def test_a_task_over_its_time_is_terminated_and_retried(gcp: Clients, image: str) -> None:
    job = f"too-slow-{'forked' if image == FORKED else 'plain'}"
    args = ["import time; time.sleep(60)"] if image == "python" else ["sleep", "60"]
    gcp.create(job, image, args, timeout={"nanos": 200_000_000}, max_retries=1)
    execution = gcp.finished(gcp.run(job))
    assert completed(execution).message.endswith("Task 0 failed at attempt 2: timed out after 0.2 s.")


def test_a_task_deaf_to_sigterm_is_killed_after_the_grace(gcp: Clients) -> None:
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('heard', flush=True));"
        "print('on', flush=True)\nwhile True: time.sleep(0.05)"
    )
    gcp.create("deaf", "python", [script], max_retries=0)
    name = gcp.run("deaf")
    until(lambda: "on" in gcp.log(name), "the task runs")
    gcp.executions.cancel_execution(name=name)
    execution = gcp.finished(name)
    assert "heard" in gcp.log(name)
    assert completed(execution).execution_reason == run_v2.Condition.ExecutionReason.CANCELLED


def test_cancelling_stops_running_and_queued_tasks(gcp: Clients) -> None:
    gcp.create(
        "cancelled",
        "python",
        ["import time; print('on', flush=True); time.sleep(60)"],
        tasks=3,
        parallelism=1,
    )
    name = gcp.run("cancelled")
    until(lambda: "on" in gcp.log(name), "the first task runs")
    assert gcp.executions.get_execution(name=name).running_count == 1
    gcp.executions.cancel_execution(name=name).result(timeout=10)
    execution = gcp.finished(name)
    assert (execution.cancelled_count, execution.succeeded_count, execution.failed_count) == (3, 0, 0)
    assert execution.retried_count == 0
    assert completed(execution).state == run_v2.Condition.State.CONDITION_FAILED
    assert not gcp.log(name, task=1)


def test_parallelism_limits_one_execution(gcp: Clients, tmp_path: Path) -> None:
    gcp.create("narrow", "python", [_watch_overlap(tmp_path)], tasks=6, parallelism=2)
    name = gcp.run("narrow")
    assert gcp.finished(name).succeeded_count == 6
    assert max(int(gcp.log(name, task=index)) for index in range(6)) == 2


def test_max_parallel_limits_all_executions_together(gcp: Clients, tmp_path: Path) -> None:
    gcp.create("crowd", "python", [_watch_overlap(tmp_path)], tasks=5)
    names = [gcp.run("crowd"), gcp.run("crowd")]
    assert [gcp.finished(name).succeeded_count for name in names] == [5, 5]
    peak = max(int(gcp.log(name, task=index)) for name in names for index in range(5))
    assert 2 <= peak <= 4


def test_two_executions_of_one_job_do_not_mix(gcp: Clients) -> None:
    gcp.create("twins", FORKED, ["say"], tasks=3)
    first, second = (gcp.run("twins", container_overrides=[{"args": ["say", who]}]) for who in ("a", "b"))
    assert gcp.finished(first).succeeded_count == gcp.finished(second).succeeded_count == 3
    for index in range(3):
        assert "\na " in gcp.log(first, task=index)
        assert "\nb " in gcp.log(second, task=index)


def test_what_a_task_started_dies_with_it(gcp: Clients) -> None:
    gcp.create("parent", "shell", ["sleep 300 & echo $!"])
    name = gcp.run("parent")
    assert gcp.finished(name).succeeded_count == 1
    child = int(gcp.log(name))
    until(lambda: not alive(child), "the orphan dies")


def _watch_overlap(folder: Path) -> str:
    """A script that prints the most tasks it saw running at once, itself included."""
    return (
        f"import os, time; folder = {str(folder)!r}; mine = os.path.join(folder, str(os.getpid()));"
        "open(mine, 'w').close(); peak = 0\n"
        "for _ in range(15):\n peak = max(peak, len(os.listdir(folder))); time.sleep(0.01)\n"
        "os.unlink(mine); print(peak)"
    )


def test_a_stopped_local_cloud_leaves_no_process(own_cloud: CloudProcess) -> None:
    gcp = Clients(own_cloud)
    gcp.create("long-one", "python", ["import os, time; print(os.getpid(), flush=True); time.sleep(300)"])
    name = gcp.run("long-one")
    pid = int(until(lambda: gcp.log(name).strip(), "the task runs"))
    children = psutil.Process(own_cloud.pid).children(recursive=True)
    assert pid in [child.pid for child in children]
    begun = time.monotonic()
    own_cloud.stop()
    assert not [child.pid for child in children if alive(child.pid)], f"after {time.monotonic() - begun} s"
