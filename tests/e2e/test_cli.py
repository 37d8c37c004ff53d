"""What the command line promises: starts and stops in any order, exit codes, JSON, nothing sent twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import google.api_core.exceptions as google
import orjson
import psutil
import pytest
import requests
import typer
from google.auth.exceptions import TransportError

from fitsense import terminal
from fitsense.admission import parse_config
from fitsense.cloud import Cloud
from fitsense.deadletters import list_letters
from fitsense.errors import BadConfig, Unavailable
from fitsense.follow import listening
from fitsense.local import Local
from fitsense.local_settings import gpu_node_ready
from fitsense.settings import Settings
from fitsense.submit import await_admission, upload
from tests.cloud import ROOT
from tests.factory import GATED, SMALL, Factory, running
from tests.scripted_endpoint import ScriptedEndpoint

pytestmark = pytest.mark.xdist_group("e2e-cli")
TINY = SMALL.replace("users: 48", "users: 16")
ELSEWHERE = {"FITSENSE_BUCKET": "prod-bucket", "STORAGE_EMULATOR_HOST": "http://127.0.0.1:1"}
"""What a terminal exports that works with another cloud."""


def start(environment: dict[str, str], *arguments: str, **options: Any) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("fitsense")), *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=os.environ | environment, **(pipes | options))


def end(process: subprocess.Popen[str], timeout_s: float = 200) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=timeout_s)
    return process.returncode, out, err


def fitsense(factory: Factory, *arguments: str, **environment: str) -> tuple[int, str, str]:
    return end(start(factory.environment | environment, *arguments))


def supervisors(home: Path) -> list[psutil.Process]:
    """Whoever keeps processes running for ``home``."""
    file = str(Local(home=home).supervisor_file)
    found = [p for p in psutil.process_iter(["cmdline"]) if file in (p.info["cmdline"] or [])]
    return [p for p in found if p.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder for a local cloud of the test's own; whatever is left running there is stopped."""
    yield tmp_path / "home"
    Local(home=tmp_path / "home").down()
    for process in supervisors(tmp_path / "home"):
        process.kill()


def test_two_runs_at_once_share_one_cloud_of_this_machine(home: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / f"{name}.yaml").write_text(TINY)
    environment = ELSEWHERE | {"FITSENSE_HOME": str(home)}
    runs = [
        start(environment, "run", str(tmp_path / f"{name}.yaml"), "--json") for name in ("first", "second")
    ]
    for code, out, err in [end(process) for process in runs]:
        assert code == 0, out + err
        assert orjson.loads(out)["state"] == "completed"
    assert supervisors(home) == []


def test_the_last_one_out_stops_what_was_started_for_runs_alone(home: Path) -> None:
    with ExitStack() as first, ExitStack() as second:
        url = first.enter_context(Local(home=home).used())
        assert second.enter_context(Local(home=home).used()) == url
        first.close()
        assert requests.get(f"{url}/_localcloud/health", timeout=10).ok
        second.close()
        assert supervisors(home) == []
    kept = Local(home=home).up()
    with Local(home=home).used() as url:
        assert url == kept
    assert Local(home=home).url() == kept


@pytest.mark.parametrize("reached", ["supervisor.json", "supervisor.status.json", "cloud.url"])
def test_a_start_that_was_killed_is_made_good_by_the_next(factory: Factory, home: Path, reached: str) -> None:
    killed = start({"FITSENSE_HOME": str(home)}, "up", start_new_session=True)
    factory.until(lambda: (home / reached).exists())
    os.killpg(killed.pid, signal.SIGKILL)
    end(killed)
    assert not (home / "provisioned").exists(), "killed too late: the test shows nothing"
    code, out, err = end(start({"FITSENSE_HOME": str(home)}, "up", "--json"))
    assert code == 0, err
    bucket = f"{orjson.loads(out)['url']}/storage/v1/b/{orjson.loads(out)['bucket']}"
    assert requests.get(f"{bucket}/notificationConfigs", timeout=10).json()["items"]
    assert len(supervisors(home)) == 1


def test_a_cloud_that_holds_old_code_is_started_anew_unless_it_is_in_use(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = Local(home=home)
    url = local.up()
    pid = local.supervisor_pid()
    started_with(local, lambda version: version.removesuffix("+dirty") + "+dirty", age_s=-3600)
    assert (local.up(), local.supervisor_pid()) == (url, pid), "a tree that differs is no reason"
    started_with(local, lambda _: "0" * 12, age_s=-3600)
    with ExitStack() as user:
        (home / "users.lock").touch()
        hold(user, home / "users.lock")
        with pytest.raises(Unavailable, match="a run uses it"):
            local.up()
    assert local.up() == url
    assert local.supervisor_pid() not in (None, pid), "another commit"
    pid = local.supervisor_pid()
    started_with(local, str, age_s=10 * 365 * 86400)
    assert local.up() == url
    assert local.supervisor_pid() not in (None, pid), "edited since"
    for name, value in local.environment(url).items():
        monkeypatch.setenv(name, value)
    with listening(Cloud(Settings.from_env()), "nobody-1", print):
        local.down()
    assert supervisors(home) == []


@pytest.mark.skipif(not gpu_node_ready(ROOT), reason="make gpu-node/.venv/ready")
def test_a_cloud_without_the_student_is_started_anew_for_who_needs_it_unless_it_is_in_use(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FITSENSE_SPARE_ENGINE", "0")
    without, wanting = Local(home=home, student=False), Local(home=home, student=True)
    url = without.up()
    pid = without.supervisor_pid()
    with ExitStack() as user:
        (home / "users.lock").touch()
        hold(user, home / "users.lock")
        with pytest.raises(Unavailable, match="without the student"):
            wanting.up()
    assert wanting.up() == url
    assert (wanting.supervisor_pid() != pid, wanting.running()) == (True, {"cloud", "conductor", "student"})
    pid = wanting.supervisor_pid()
    assert (without.up(), without.supervisor_pid()) == (url, pid), "one that serves is good for both"


def started_with(local: Local, change: Callable[[str], str], age_s: float) -> None:
    """Make the running cloud one that was started with another version, ``age_s`` ago."""
    processes = orjson.loads(local.supervisor_file.read_bytes())
    variables = next(process["env"] for process in processes if process["name"] == "conductor")
    variables["FITSENSE_CODE_VERSION"] = change(variables["FITSENSE_CODE_VERSION"])
    local.supervisor_file.write_bytes(orjson.dumps(processes))
    moment = local.supervisor_file.stat().st_mtime - age_s
    os.utime(local.supervisor_file, (moment, moment))


def hold(user: ExitStack, lock: Path) -> None:
    """As another process that runs something does."""
    flock = user.enter_context(
        subprocess.Popen(["flock", "-s", str(lock), "sh", "-c", "echo; cat"], stdin=-1, stdout=-1)
    )
    assert flock.stdout
    flock.stdout.readline()
    assert flock.stdin
    user.callback(flock.stdin.close)


def test_commands_about_the_cloud_take_json_too(factory: Factory, tmp_path: Path) -> None:
    code, out, err = fitsense(factory, "env", "--json")
    assert code == 0, err
    assert orjson.loads(out)["FITSENSE_RUN_ENDPOINT"] == factory.url
    code, out, err = end(start({"FITSENSE_HOME": str(tmp_path)}, "down", "--json"))
    assert code == 0, err
    assert orjson.loads(out) == {"stopped": False}


def test_errors_are_one_line_of_json_if_json_is_asked_for(factory: Factory, tmp_path: Path) -> None:
    config = tmp_path / "wrong.yaml"
    config.write_text(TINY + "foo: 1\n")
    code, out, err = fitsense(factory, "submit", str(config), "--json")
    assert (code, out) == (65, "")
    told = orjson.loads(err)
    assert told["error"] == "BadConfig"
    assert [problem["path"] for problem in told["problems"]] == ["foo"]


def test_what_the_cloud_refuses_is_bad_input_and_no_traceback(factory: Factory, tmp_path: Path) -> None:
    config = tmp_path / "nowhere.yaml"
    config.write_text(TINY)
    code, _, err = fitsense(factory, "submit", str(config), "--json", FITSENSE_BUCKET="no-such-bucket")
    assert code == 65, err
    assert orjson.loads(err)["error"] == "Refused"
    assert "no-such-bucket" in orjson.loads(err)["message"]


def test_a_cloud_that_does_not_answer_is_tried_again_later(factory: Factory) -> None:
    code, _, err = fitsense(factory, "dead-letters", "list", "--json", PUBSUB_EMULATOR_HOST="127.0.0.1:1")
    assert code == 75, err
    assert orjson.loads(err)["error"] == "Unavailable"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (google.NotFound("gone"), 65),
        (google.Forbidden("no"), 65),
        (google.TooManyRequests("slowly"), 75),
        (google.ServiceUnavailable("not now"), 75),
        (google.RetryError("gave up", None), 75),
        (TransportError("no network"), 75),
        (requests.ConnectionError("refused"), 75),
        (TimeoutError("hangs"), 75),
    ],
)
def test_exit_codes_tell_what_the_cloud_raised(error: Exception, code: int) -> None:
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as exited:
        terminal.command(command)()
    assert exited.value.exit_code == code


def test_a_lost_answer_to_an_upload_makes_no_second_run(factory: Factory, tmp_path: Path) -> None:
    config = tmp_path / "lost.yaml"
    config.write_text(TINY)
    factory.faults(
        {"point": "storage.request", "match": {"path": "/upload/*"}, "action": "kill", "times": 1},
        {"point": "run.task", "action": "delay", "delay_ms": 3000},
    )
    code, out, err = fitsense(factory, "submit", str(config), "--json")
    assert code == 0, err
    factory.until(lambda: all(factory.struck()))
    factory.faults()
    run_id = orjson.loads(out)["run_id"]
    assert factory.wait(run_id).state == "completed"
    assert {name.split("/")[1] for name in factory.store.names("runs/lost-")} == {run_id}
    assert not factory.store.exists("configs/lost.rejected.json")


def test_a_replaced_config_is_not_waited_for(factory: Factory) -> None:
    """Nothing reaches the conductor until two configs of one name lie there."""
    other = TINY.replace("seed: 11", "seed: 12")
    factory.faults({"point": "pubsub.push", "action": "error", "status": 503})
    lost = upload(factory.store, "replaced", other.encode())
    same = upload(factory.store, "replaced", TINY.encode())
    last = upload(factory.store, "replaced", b"# said in other words\n" + TINY.encode())
    with pytest.raises(Unavailable, match="was replaced"):
        await_admission(factory.store, lost, parse_config(other.encode()))
    factory.faults()
    config = parse_config(TINY.encode())
    assert await_admission(factory.store, same, config) == last
    assert factory.wait(last).state == "completed"


def test_a_config_that_is_under_way_already_is_taken_up(factory: Factory) -> None:
    config = parse_config(TINY.encode())
    factory.faults({"point": "run.task", "action": "delay", "delay_ms": 3000})
    first = await_admission(factory.store, upload(factory.store, "again", TINY.encode()), config)
    second = upload(factory.store, "again", TINY.encode())
    assert await_admission(factory.store, second, config) == first
    other = TINY.replace("seed: 11", "seed: 12")
    third = upload(factory.store, "again", other.encode())
    with pytest.raises(BadConfig, match="under way"):
        await_admission(factory.store, third, parse_config(other.encode()))
    factory.faults()
    assert factory.wait(first).state == "completed"


def test_two_verifications_of_one_run_share_a_replay(factory: Factory) -> None:
    run_id = factory.submit(TINY.replace("seed: 11", "seed: 41"), "verified")
    assert factory.wait(run_id).state == "completed"
    both = [start(factory.environment, "verify", run_id, "--json") for _ in range(2)]
    found = [end(process) for process in both]
    assert [code for code, _, _ in found] == [0, 0], found
    assert len({orjson.loads(out)["replay"] for _, out, _ in found}) == 1


def test_a_replay_that_fails_says_so_in_json(factory: Factory) -> None:
    run_id = factory.submit(GATED.replace("users: 48", "users: 16"), "cannot")
    assert factory.wait(run_id).state == "failed"
    code, out, err = fitsense(factory, "verify", run_id, "--json")
    assert code == 1, err
    summary = orjson.loads(out)["summary"]
    assert summary["stages"]["quality_gate"]["error"] == "GateFailed"


def test_replayed_letters_that_are_buried_anew_are_left_alone(factory: Factory) -> None:
    topic = factory.cloud.topic("training")
    for number in range(30):
        factory.cloud.publisher.publish(topic, b"not json %d" % number).result(timeout=30)

    def buried() -> int:
        count = len(list_letters(factory.cloud, "training"))
        return count if count >= 30 else 0

    count = factory.until(buried)
    code, out, err = fitsense(factory, "dead-letters", "replay", "--topic", "training", "--json")
    assert code == 0, err
    assert orjson.loads(out) == {"replayed": count}
    assert factory.until(buried) == count, "each is judged again and back"


def test_verify_does_not_pay_the_teacher_again_unless_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEACHER_API_KEY", "test-key")
    with ScriptedEndpoint(tmp_path) as endpoint, running(tmp_path / "home") as factory:
        teacher = f"kind: openai_compatible, base_url: '{endpoint.base_url}', model: m, max_error_rate: 1"
        config = TINY + f"teacher: {{{teacher}, budget_usd: 100, cache: false}}\n"
        run_id = factory.submit(config, "paid")
        view = factory.wait(run_id)
        assert view.stages["teacher"].state == "landed", factory.logs()
        asked = endpoint.stats()
        code, out, err = fitsense(factory, "verify", run_id, "--json")
        assert code == (0 if view.state == "completed" else 1), out + err
        stages = ["profiles", "workouts", "queries", "teacher"]
        if view.state == "completed":
            assert orjson.loads(out)["adopted"] == stages
        assert endpoint.stats() == asked
        fitsense(factory, "verify", run_id, "--pay", "--json")
        assert endpoint.stats() != asked
