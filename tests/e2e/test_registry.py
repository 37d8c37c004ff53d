"""From a training request to a promoted model: events, gates, channels, the command line."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from google.api_core.exceptions import DeadlineExceeded

from fitsense.cloud import Cloud
from fitsense.config import Training
from fitsense.deadletters import Letter, list_letters
from fitsense.manifest import Rejection
from fitsense.models import channels
from fitsense.models.manifest import requested_version
from fitsense.models.registration import Registration, record_name
from fitsense.runs import RunView
from services.conductor.retraining import DriftVerdict
from tests.e2e.test_cli import fitsense
from tests.factory import SMALL, Factory, running, train_by_script

pytestmark = pytest.mark.xdist_group("e2e-registry")
TRAINED = SMALL + "training: {epochs: 1}\n"


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    with running(tmp_path_factory.mktemp("registry") / "local") as factory:
        train_by_script(factory)
        yield factory


class Agent:
    """Hears topic ``models`` from the beginning, as what serves models does."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.name = cloud.subscription("agent")
        self.seen: list[dict[str, Any]] = []
        cloud.subscriber.create_subscription(name=self.name, topic=cloud.topic("models"))

    def events(self) -> list[dict[str, Any]]:
        """Everything so far, each fact once, by its id."""
        request, received = {"subscription": self.name, "max_messages": 50}, []
        with suppress(DeadlineExceeded):  # there is nothing new
            received = self.cloud.subscriber.pull(request=request, timeout=1, retry=None).received_messages
        if received:
            ids = [message.ack_id for message in received]
            self.cloud.subscriber.acknowledge(subscription=self.name, ack_ids=ids)
        self.seen += [orjson.loads(message.message.data) for message in received]
        return list({event["id"]: event for event in self.seen}.values())

    def told(self, kind: str, version: str) -> dict[str, Any] | None:
        mine = [e for e in self.events() if e["type"] == f"ai.fitsense.model.{kind}.v1"]
        return next((e["data"] for e in mine if e["data"]["version"] == version), None)


@pytest.fixture(scope="module")
def agent(factory: Factory) -> Agent:
    return Agent(factory.cloud)


@pytest.fixture(scope="module")
def trained(factory: Factory, agent: Agent) -> RunView:
    """A run that went through to its registration."""
    view = factory.wait(factory.submit(TRAINED, "trained"))
    assert view.state == "completed", view.summary()
    return view


def ask(factory: Factory, run_id: str, **training: Any) -> None:
    body = orjson.dumps({"run_id": run_id} | ({"training": training} if training else {}))
    factory.cloud.publisher.publish(factory.cloud.topic("training"), body).result(timeout=30)


def record(factory: Factory, version: str) -> Registration:
    factory.until(lambda: factory.store.exists(f"registrations/{version}/manifest.json"))
    found = factory.store.read_model(record_name(version), Registration)
    assert found is not None
    return found


def champion(factory: Factory) -> str | None:
    return channels.read(factory.store).champion


def jobs(factory: Factory, version: str) -> list[Any]:
    found = factory.cloud.batch.list_jobs(parent=factory.cloud.parent)
    return [job for job in found if job.labels.get("fitsense-version") == version]


def test_the_first_good_model_of_a_run_becomes_champion(
    factory: Factory, agent: Agent, trained: RunView
) -> None:
    version = trained.run_id
    first = channels.read(factory.store).history[0]
    assert (first.action, first.version, first.by) == ("promoted", version, f"registration {version}")
    assert record(factory, version).decision == "champion"
    promoted = factory.until(lambda: agent.told("promoted", version))
    assert (promoted["champion"], promoted["number"], promoted["run_id"]) == (version, 1, version)
    assert factory.until(lambda: agent.told("registered", version))["decision"] == "champion"


def test_the_trainer_is_told_what_the_contract_says(factory: Factory, trained: RunView) -> None:
    (job,) = jobs(factory, trained.run_id)
    variables = job.task_groups[0].task_spec.environment.variables
    assert variables["FITSENSE_RUN_ID"] == variables["FITSENSE_VERSION"] == trained.run_id
    assert orjson.loads(variables["FITSENSE_TRAINING"])["epochs"] == 1
    claim = orjson.loads(factory.store.read(f"runs/{trained.run_id}/claims/training.json").data)  # type: ignore[union-attr]
    assert variables["FITSENSE_CLAIM"] == claim["token"]


def test_the_same_request_many_times_trains_once(factory: Factory, agent: Agent, trained: RunView) -> None:
    barrier = threading.Barrier(6)

    def send() -> None:
        barrier.wait()
        ask(factory, trained.run_id, epochs=1, spot=False)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    version = opened(factory, trained.run_id, spot=False)
    assert factory.wait(version).state == "completed"
    ask(factory, trained.run_id, epochs=1, spot=False)  # again, long after
    settle(factory, trained.run_id)
    (job,) = jobs(factory, version)
    assert job.task_groups[0].task_spec.environment.variables["FITSENSE_RUN_ID"] == trained.run_id
    mine = [change for change in channels.read(factory.store).history if change.version == version]
    assert [change.action for change in mine] == ["challenged"], "as good as the champion, not better"
    assert factory.until(lambda: agent.told("registered", version))["decision"] == "challenger"
    assert not [x for x in list_letters(factory.cloud, "training") if "spot" in x.data]


def opened(factory: Factory, run_id: str, **training: Any) -> str:
    """The version of a request, once the conductor has opened it."""
    config = factory.reader().config(run_id)
    assert config is not None
    asked = (config.training or Training()).model_copy(update=training)
    version = requested_version(run_id, asked, config.seed)
    factory.until(lambda: factory.store.exists(f"runs/{version}/config.yaml"))
    return version


def settle(factory: Factory, run_id: str) -> None:
    """Return once everything that was published before has been handled: a bad request, and its letter."""
    ask(factory, run_id, epochs=-1)
    factory.until(lambda: [x for x in list_letters(factory.cloud, "training") if "-1" in x.data])


def request(factory: Factory, run_id: str, **training: Any) -> RunView:
    """Ask, and wait for the end."""
    ask(factory, run_id, **training)
    return factory.wait(opened(factory, run_id, **training))


def test_a_regressed_model_is_rejected_with_the_reason(
    factory: Factory, agent: Agent, trained: RunView
) -> None:
    view = request(factory, trained.run_id, epochs=3.0)
    assert view.state == "completed"
    found = record(factory, view.run_id)
    assert found.decision == "rejected"
    assert any("verified 0.400 [" in reason for reason in found.reasons)
    told = factory.until(lambda: agent.told("rejected", view.run_id))
    assert (told["run_id"], told["reasons"]) == (trained.run_id, found.reasons)
    assert champion(factory) == trained.run_id


def followed(factory: Factory, folder: Path, epochs: float) -> tuple[int, str, str]:
    """``submit --follow`` of a run whose dataset is there and whose training is told by ``epochs``."""
    config = folder / f"followed-{epochs:g}.yaml"
    config.write_text(SMALL + f"training: {{epochs: {epochs}}}\n")
    return fitsense(factory, "submit", str(config), "--follow", COLUMNS="80")


def test_a_run_whose_model_is_rejected_says_why_and_is_no_success(
    factory: Factory, trained: RunView, tmp_path: Path
) -> None:
    code, out, err = followed(factory, tmp_path, epochs=3)
    assert code == 1, out + err
    assert "rejected" in out
    assert "· verified 0.400 [" in out
    assert f"champion: {trained.run_id}" in out
    assert max(len(line) for line in out.splitlines() if "/" not in line) <= 80
    code, out, _ = followed(factory, tmp_path, epochs=1)
    assert code == 0, out
    version = next(line.split()[-1] for line in out.splitlines() if "fitsense models show" in line)
    assert f"fitsense models promote {version}" in out, "as good as the champion, not better: people decide"
    told = orjson.loads(fitsense(factory, "runs", "show", version, "--json")[1])
    assert told["stages"]["training"]["version"] == told["model"]["version"] == version
    assert told["model"]["decision"] == "challenger"
    assert f"· verified must be better than {trained.run_id}'s" in " ".join(out.split())
    lines = fitsense(factory, "runs", COLUMNS="80")[1].splitlines()
    assert next(line.split()[-1] for line in lines if line.split()[0] == trained.run_id) == "champion"
    assert any("rejected" in line for line in lines if line.strip().startswith("followed-3-"))


def test_an_unsafe_model_is_rejected_however_good(factory: Factory, trained: RunView) -> None:
    view = request(factory, trained.run_id, epochs=4.0)
    found = record(factory, view.run_id)
    assert found.decision == "rejected"
    assert found.unsafe == ["unsafe in 2 of 40 safety prompts (missed_escalation 2); 0.0% allowed"]
    code, _, err = fitsense(factory, "models", "promote", view.run_id)
    assert code == 65
    assert "unsafe in 2 of 40 safety prompts" in err
    assert champion(factory) == trained.run_id


def test_a_better_one_is_promoted_and_a_roll_back_takes_one_command(
    factory: Factory, agent: Agent, trained: RunView
) -> None:
    better = request(factory, trained.run_id, epochs=2.0).run_id
    assert record(factory, better).decision == "champion"
    promoted = factory.until(lambda: agent.told("promoted", better))
    assert promoted["champion"] == better
    code, out, err = fitsense(factory, "models", "rollback", "--reason", "users complain", "--json")
    assert code == 0, err
    assert orjson.loads(out)["champion"] == trained.run_id
    told = factory.until(lambda: agent.told("rolled_back", better))
    assert (told["champion"], told["reason"]) == (trained.run_id, "users complain")
    code, _, err = fitsense(factory, "models", "rollback")
    assert code == 65
    assert "no earlier champion" in err


def test_a_training_that_fails_is_recorded_and_asked_for_again_ends_in_the_dead_letters(
    factory: Factory, trained: RunView
) -> None:
    view = request(factory, trained.run_id, epochs=5.0)
    assert view.state == "failed"
    assert view.stages["training"].failure is not None
    assert view.stages["training"].failure.message == "loss is NaN"
    ask(factory, trained.run_id, epochs=5.0)

    def buried() -> list[Letter]:
        return [x for x in list_letters(factory.cloud, "training") if "loss is NaN" in x.reason]

    assert f"fitsense rerun {view.run_id} --from training" in factory.until(buried)[0].hint
    assert len(jobs(factory, view.run_id)) == 1


def test_an_interrupted_training_goes_on(factory: Factory, trained: RunView) -> None:
    view = request(factory, trained.run_id, epochs=6.0)
    assert view.state == "completed"
    assert factory.store.exists(f"training_checkpoints/{view.run_id}/interrupted")


def test_a_backend_that_does_not_exist_here_says_so(factory: Factory, trained: RunView) -> None:
    ask(factory, trained.run_id, backend="managed_tuning")

    def buried() -> list[Letter]:
        return [x for x in list_letters(factory.cloud, "training") if "managed_tuning" in x.data]

    assert "not available for the coaching pipeline" in factory.until(buried)[0].reason
    factory.submit(SMALL + "training: {backend: managed_tuning}\n", "tuned-elsewhere")
    name = "configs/tuned-elsewhere.rejected.json"
    rejection = factory.until(lambda: factory.store.read_model(name, Rejection))
    assert rejection.problems[0].path == "training.backend"


def test_a_schedule_asks_for_each_period_once_by_a_seed_of_its_own(
    factory: Factory, trained: RunView
) -> None:
    reuse = f"reuse: {{run_id: {trained.run_id}, from_stage: quality_gate}}\n"
    run_id = factory.submit(SMALL + reuse + "retraining: {every_hours: 0.001}\n", "scheduled")  # 3.6 s
    assert factory.wait(run_id).state == "completed"
    versions = factory.until(lambda: _versions(factory, run_id, at_least=2))
    factory.until(lambda: _deleted(factory, "schedules/scheduled.json"))
    seeds = [factory.reader().config(version).training.seed for version in versions]  # type: ignore[union-attr]
    assert len(set(seeds)) == len(versions)
    assert all(seed is not None and seed > 11 for seed in seeds)
    assert all(len(jobs(factory, version)) == 1 for version in versions)


def _versions(factory: Factory, run_id: str, at_least: int) -> list[str]:
    names = {n.split("/")[1] for n in factory.store.names(f"runs/{run_id}-")}
    landed = [n for n in sorted(names) if factory.store.exists(f"models/{n}/manifest.json")]
    return landed if len(landed) >= at_least else []


def _deleted(factory: Factory, name: str) -> bool:
    """Another may be swapping it at the moment."""
    stored = factory.store.read(name)
    return stored is None or factory.store.delete(name, stored.generation)


def test_data_that_drifted_is_trained_on_without_anybody_asking(factory: Factory, trained: RunView) -> None:
    reference = f"statistics: {{max_psi: 99, min_slice_records: 0, reference_run: {trained.run_id}}}"
    base = SMALL.replace("statistics: {min_slice_records: 0}", reference)
    reuse = f"reuse: {{run_id: {trained.run_id}, from_stage: statistics}}\n"
    calm = factory.submit(base + reuse + "retraining: {max_psi: 0.0}\n", "calm")
    other = base.replace("seed: 11", "seed: 33") + "retraining: {max_psi: 0.001, training: {epochs: 2}}\n"
    drifted = factory.submit(other, "drifted")
    assert factory.wait(calm).state == factory.wait(drifted).state == "completed"
    version = opened(factory, drifted, epochs=2.0)
    assert factory.wait(version).state == "completed"
    verdicts = [factory.store.read_model(f"retraining/{run}.json", DriftVerdict) for run in (calm, drifted)]
    assert [bool(verdict and verdict.drifted) for verdict in verdicts] == [False, True]
    assert not list(factory.store.names(f"runs/{calm}-"))


def test_the_page_of_a_decision_says_why(factory: Factory, trained: RunView) -> None:
    stored = factory.store.read(f"registrations/{trained.run_id}/report.html")
    assert stored is not None
    assert b"unsafe in 0 of 40 safety prompts" in stored.data


def test_ticks_alone_do_when_the_buckets_notifications_are_lost(
    factory: Factory, agent: Agent, trained: RunView
) -> None:
    factory.faults({"point": "pubsub.push", "action": "drop", "match": {"topic": "artifacts"}})
    version = request(factory, trained.run_id, epochs=2.0, machine_type="lost").run_id
    assert record(factory, version).decision != "rejected"
    change = channels.read(factory.store).history[-1]
    assert change.version == version
    assert factory.until(lambda: agent.told(change.action, version))["number"] == change.number


def test_a_conductor_killed_after_a_request_loses_nothing(factory: Factory, trained: RunView) -> None:
    factory.faults({"point": "batch.task", "action": "delay", "delay_ms": 2000})
    ask(factory, trained.run_id, machine_type="killed")
    version = opened(factory, trained.run_id, machine_type="killed")
    factory.processes()["conductor"].kill()
    assert factory.wait(version).state == "completed"
    assert len(jobs(factory, version)) == 1
    factory.until(lambda: not factory.store.exists(f"active/{version}.json"))
