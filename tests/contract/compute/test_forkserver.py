"""The fork server: a task's main() in a process of its own, and what happens when the server dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from services.localcloud.compute import forkserver
from tests.cloud import CloudProcess
from tests.contract.compute.conftest import FORKED, SETTINGS, TASKS, Clients, completed, until
from tests.contract.compute.test_tasks import alive


def server_of(cloud: CloudProcess, module: str) -> psutil.Process:
    """The fork server process whose tasks run ``module``."""
    return next(
        child for child in psutil.Process(cloud.pid).children() if f'"main":"{module}"' in child.cmdline()[-1]
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["exit", "0"], ""),
        (["exit", "5"], "exit code 5"),
        (["raise"], "exit code 1"),
        (["message", "gave up"], "exit code 1"),
        (["thread", "from a thread"], ""),
    ],
)
def test_main_ends_as_a_script_would(gcp: Clients, args: list[str], message: str) -> None:
    job = f"forked-{args[0]}-{args[-1][:1]}".rstrip("-")
    gcp.create(job, FORKED, args, max_retries=0)
    name = gcp.run(job)
    execution = gcp.finished(name)
    assert execution.succeeded_count == (not message)
    assert message in completed(execution).message
    expected = {"raise": "RuntimeError: raised on purpose", "message": "gave up", "thread": "from a thread"}
    assert expected.get(args[0], "main") in gcp.log(name)


def test_a_forked_task_is_a_session_of_its_own_below_the_server(gcp: Clients) -> None:
    gcp.create("whoami", FORKED, ["whoami"])
    name = gcp.run("whoami")
    gcp.finished(name)
    pid, parent, session, cwd = gcp.log(name).split()[3:7]
    assert pid == session
    assert int(parent) == server_of(gcp.cloud, "forked_task").pid
    assert cwd == str(TASKS)


def test_killing_the_fork_server_fails_the_attempt_which_is_retried(own_cloud: CloudProcess) -> None:
    gcp = Clients(own_cloud)
    gcp.create("victim", FORKED, ["hang-first"], max_retries=1)
    name = gcp.run("victim")
    until(lambda: "main" in gcp.log(name), "the first attempt runs")
    server = server_of(own_cloud, "forked_task")
    (task,) = server.children()
    server.kill()
    until(lambda: not alive(task.pid), "the task dies with its server")
    execution = gcp.finished(name)
    assert (execution.succeeded_count, execution.retried_count) == (1, 1)
    assert "the fork server of registry.example:5000/fitsense/forked died (signal 9)" in gcp.log(name)
    assert server_of(own_cloud, "forked_task").pid != server.pid


def test_a_module_that_starts_threads_is_refused_by_name_and_its_image_executed(tmp_path: Path) -> None:
    (tmp_path / "threaded.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "def main():\n    print('ran anyway')\n\nif __name__ == '__main__':\n    main()\n"
    )
    image = {"argv": [sys.executable, "-m", "threaded"], "cwd": str(tmp_path), "fork": "threaded"}
    settings = SETTINGS | {"images": {"threaded": image}, "preload": ["json", "no_such_module_here"]}
    cloud = CloudProcess(tmp_path / "cloud", parts="compute", settings=settings).start()
    try:
        gcp = Clients(cloud)
        gcp.create("threaded", "threaded", [])
        name = gcp.run("threaded")
        assert gcp.finished(name).succeeded_count == 1
        assert gcp.log(name) == "ran anyway\n"
        log = (cloud.state / "localcloud.log").read_text()
        assert "forkserver.refused" in log
        assert '"module": "threaded"' in log
        assert "it started threads at import (python" in log
        assert '"module": "no_such_module_here", "why": "ModuleNotFoundError' in log
    finally:
        cloud.stop()


def test_exit_codes_as_sys_exit_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert [forkserver.exit_code(value) for value in (None, 0, 3, True, 256, -1)] == [0, 0, 3, 1, 0, 255]
    assert forkserver.exit_code("a reason") == 1
    assert capsys.readouterr().err == "a reason\n"


def test_a_process_bound_to_its_parent_dies_with_it() -> None:
    script = (
        "import os, sys, time; from services.localcloud.compute.forkserver import die_with_parent\n"
        "parent = os.getpid()\nif os.fork() == 0:\n die_with_parent(parent)\n"
        " print(os.getpid(), flush=True)\ntime.sleep(300)"
    )
    root = Path(forkserver.__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=root) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert os.getpgid(child) == os.getpgid(parent.pid)
        parent.send_signal(signal.SIGKILL)
        until(lambda: not alive(child), "the child dies")


def test_changed_code_is_what_the_next_task_runs_and_a_running_one_is_left_alone(tmp_path: Path) -> None:
    module, gate = tmp_path / "edited.py", tmp_path / "gate"
    text = "import pathlib, time\ndef main():\n    print('{}', flush=True)\n"
    wait = f"    while not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.01)\n    print('done')\n"
    module.write_text(text.format("old") + wait)
    image = {"argv": [sys.executable, "-m", "edited"], "cwd": str(tmp_path), "fork": "edited"}
    cloud = CloudProcess(tmp_path / "cloud", "compute", SETTINGS | {"images": {"edited": image}}).start()
    try:
        gcp = Clients(cloud)
        gcp.create("edited", "edited", [], max_retries=0)
        first = gcp.run("edited")
        until(lambda: "old" in gcp.log(first), "the first task runs")
        module.write_text(text.format("brand new"))
        second = gcp.run("edited")
        assert gcp.finished(second).succeeded_count == 1
        assert gcp.log(second) == "brand new\n"
        gate.touch()
        assert gcp.finished(first).succeeded_count == 1
        assert gcp.log(first) == "old\ndone\n"
        until(lambda: len(psutil.Process(cloud.pid).children()) == 2, "the old fork server goes")
    finally:
        cloud.stop()
