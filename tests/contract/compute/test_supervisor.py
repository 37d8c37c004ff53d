"""The supervisor: processes kept running, in order, and none left when it goes, however it goes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud import ROOT
from tests.contract.compute.conftest import until
from tests.contract.compute.test_tasks import alive


class Supervised:
    """A supervisor of a test's own."""

    def __init__(self, folder: Path, processes: list[dict[str, Any]]) -> None:
        self.folder = folder
        file = folder / "supervisor.json"
        file.write_text(
            json.dumps([{"log": str(folder / f"{entry['name']}.log")} | entry for entry in processes])
        )
        command = [sys.executable, "-m", "services.localcloud.supervisor", "--file", str(file)]
        self.process = subprocess.Popen(command, cwd=ROOT)

    def status(self, name: str) -> dict[str, Any]:
        path = self.folder / "supervisor.status.json"
        found: dict[str, Any] = json.loads(path.read_text())["processes"][name] if path.exists() else {}
        return found

    def running(self, name: str, restarts: int = 0) -> int:
        """The pid of a process, once it is ready for the ``restarts``-th time after the first."""
        ready = until(
            lambda: (told := self.status(name)) and told["ready"] and told["restarts"] >= restarts and told,
            f"{name} runs after {restarts} restarts",
        )
        assert isinstance(ready, dict)
        return int(ready["pid"])

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    note = f"open({str(tmp_path / 'order')!r}, 'a').write"
    polite = (
        "import os, signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: ({note}(sys.argv[1] + ' stops;'), os._exit(0)))\n"
        f"{note}(sys.argv[1] + ' starts;'); time.sleep(float(sys.argv[2]))\n"
        "open(sys.argv[3], 'w').close()\n"
        "print(os.environ['COLOUR'], os.getcwd(), flush=True)\nwhile True: time.sleep(1)"
    )
    ready = str(tmp_path / "first.ready")
    command = [sys.executable, "-c", polite]
    common = {"env": {"COLOUR": "blue"}, "cwd": str(tmp_path)}
    first = {"name": "first", "argv": [*command, "first", "0.2", ready], "ready_file": ready}
    second = {"name": "second", "argv": [*command, "second", "0", str(tmp_path / "unused")]}
    supervised = Supervised(tmp_path, [first | common, second | common])
    yield supervised
    if supervised.process.poll() is None:
        supervised.end(signal.SIGTERM)


def test_they_start_in_order_and_stop_in_reverse(supervised: Supervised) -> None:
    first, second = supervised.running("first"), supervised.running("second")
    until(lambda: "blue" in supervised.log("second"), "the second one is up")
    assert supervised.log("first") == f"blue {supervised.folder}\n"
    assert supervised.end(signal.SIGTERM) == 0
    order = (supervised.folder / "order").read_text()
    assert order == "first starts;second starts;second stops;first stops;"
    assert not alive(first)
    assert not alive(second)
    assert supervised.status("first")["last_exit"] == 0


def test_one_that_dies_is_restarted_and_the_other_left_alone(supervised: Supervised) -> None:
    first, second = supervised.running("first"), supervised.running("second")
    for restarts in (1, 2):
        os.kill(supervised.running("second", restarts - 1), signal.SIGKILL)
        assert supervised.running("second", restarts) != second
    assert supervised.status("second")["last_exit"] == -signal.SIGKILL
    assert supervised.running("first") == first
    assert supervised.status("first")["restarts"] == 0


def test_nothing_outlives_a_killed_supervisor(supervised: Supervised) -> None:
    pids = [supervised.running("first"), supervised.running("second")]
    supervised.end(signal.SIGKILL)
    until(lambda: not any(alive(pid) for pid in pids), "the supervised processes die")


def test_a_command_that_cannot_be_run_is_told_and_tried_again(tmp_path: Path) -> None:
    broken = {"name": "broken", "argv": [str(tmp_path / "later")]}
    working = {"name": "working", "argv": ["/bin/sleep", "60"]}
    supervised = Supervised(tmp_path, [broken, working])
    try:
        supervised.running("working")
        until(lambda: "cannot start broken" in supervised.log("broken"), "the reason is logged")
        (tmp_path / "later").symlink_to("/bin/cat")
        script = tmp_path / "script"
        script.write_text("#!/bin/sh\nexec sleep 60\n")
        script.chmod(0o700)
        (tmp_path / "later").unlink()
        script.rename(tmp_path / "later")
        supervised.running("broken", 1)
    finally:
        assert supervised.end(signal.SIGINT) == 0
