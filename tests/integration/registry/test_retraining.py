"""Retraining that nobody asks for, over a real bucket and a clock of the test's own."""

from __future__ import annotations

import datetime as dt

import orjson
import pytest

from fitsense.admission import parse_config
from fitsense.artifacts import ArtifactStore, describe
from fitsense.events import Event, TrainingRequested, encode
from fitsense.manifest import Counters, Manifest, Report
from fitsense.pipeline import load_pipelines
from fitsense.runs import RunView, StageView
from services.conductor.retraining import Retrainer
from tests.models import NOW

CONFIG = "version: 1\npipeline: coaching\nseed: 11\nprofiles: {users: 100}\n"


class Clocked:
    """A retrainer, what it asked for, and its clock."""

    def __init__(self, store: ArtifactStore) -> None:
        self.asked: list[TrainingRequested] = []
        self.hours = 0.0
        self.store = store
        self.retrainer = self.fresh()

    def fresh(self) -> Retrainer:
        """As after a restart."""
        self.retrainer = Retrainer(self.store, self._emit, lambda: NOW + dt.timedelta(hours=self.hours))
        return self.retrainer

    def _emit(self, event: Event) -> None:
        assert isinstance(event, TrainingRequested)
        self.asked.append(event)

    def tick(self, hours: float) -> list[int | None]:
        """The seeds asked for so far, after a tick so long after the gate."""
        self.hours = hours
        for name in list(self.retrainer.schedules()):
            self.retrainer.ask_if_due(name)
        return [event.overrides["seed"] for event in self.asked]


@pytest.fixture
def clocked(store: ArtifactStore) -> Clocked:
    return Clocked(store)


def landed(store: ArtifactStore, run_id: str, text: str, after_h: float = 0, **drift: float) -> RunView:
    """A run whose statistics and gate have landed, with such a drift."""
    facts = {"drift": drift or None}
    data = orjson.dumps(Report(stage="statistics", passed=True, checks=[], facts=facts).model_dump())
    name = f"reports/statistics/{run_id}/report.json"
    store.create(name, data)
    view = RunView(run_id, parse_config((CONFIG + text).encode()), load_pipelines().graph("coaching"))
    for stage in view.graph.order:
        made = Manifest(
            run_id=run_id,
            pipeline="coaching",
            stage=stage,
            inputs=[],
            outputs=[describe(store.uri(name), "report.json", data, 1)],
            params={},
            params_sha256="",
            seed=11,
            code_version="v",
            attempt=0,
            started=NOW,
            finished=NOW + dt.timedelta(hours=after_h),
            seconds=0,
            counters=Counters(),
        )
        view.stages[stage] = StageView(stage, "landed", manifest=made)
    return view


DAILY = "training: {epochs: 3}\nretraining: {every_hours: 24}\n"


def test_each_period_is_asked_for_once_with_the_next_seed(store: ArtifactStore, clocked: Clocked) -> None:
    clocked.retrainer.consider(landed(store, "x-1", DAILY))
    assert clocked.tick(23.9) == []
    assert clocked.tick(24) == [12]
    assert clocked.tick(30) == [12]
    clocked.fresh()
    assert clocked.tick(47) == [12], "a restart forgets nothing"
    assert clocked.tick(48) == [12, 13]
    assert clocked.tick(24 * 10 + 1) == [12, 13, 21], "only the newest of what was missed"
    assert clocked.asked[0].overrides["epochs"] == 3
    ids = {orjson.loads(encode(event))["id"] for event in clocked.asked}
    assert len(ids) == 3


def test_a_crash_between_asking_and_noting_asks_the_same_again(
    store: ArtifactStore, clocked: Clocked
) -> None:
    clocked.retrainer.consider(landed(store, "x-1", DAILY))
    before = store.read("schedules/x.json")
    clocked.tick(24)
    stored = store.read("schedules/x.json")
    assert before is not None
    assert stored is not None
    store.replace("schedules/x.json", before.data, stored.generation)
    clocked.tick(25)
    assert clocked.asked[0] == clocked.asked[1]


def test_the_newest_run_of_a_name_has_the_schedule_and_may_end_it(
    store: ArtifactStore, clocked: Clocked
) -> None:
    old, new = landed(store, "x-1", DAILY), landed(store, "x-2", DAILY, after_h=5)
    clocked.retrainer.consider(new)
    clocked.retrainer.consider(old)  # late
    assert clocked.tick(28.9) == []
    clocked.tick(29)
    assert [event.run_id for event in clocked.asked] == ["x-2"]
    clocked.retrainer.consider(landed(store, "x-3", "", after_h=30))
    assert list(clocked.retrainer.schedules()) == []


DRIFT = "retraining: {max_psi: 0.1}\n"


def test_drift_is_judged_once_and_named(store: ArtifactStore, clocked: Clocked) -> None:
    view = landed(store, "y-1", DRIFT, sex=0.3, action=0.05)
    clocked.retrainer.consider(view)
    clocked.fresh().consider(view)
    assert [event.run_id for event in clocked.asked] == ["y-1"]
    stored = store.read("retraining/y-1.json")
    assert stored is not None
    assert orjson.loads(stored.data)["drifted"] == {"sex": 0.3}


@pytest.mark.parametrize(
    ("text", "drift"),
    [
        (DRIFT, {"sex": 0.1}),  # at the bound, not beyond it
        (DRIFT, {}),  # nothing to compare with
        ("", {"sex": 9.0}),
        (DRIFT + "training: {}\n", {"sex": 9.0}),  # the run trains by itself
    ],
)
def test_what_asks_for_nothing(
    store: ArtifactStore, clocked: Clocked, text: str, drift: dict[str, float]
) -> None:
    clocked.retrainer.consider(landed(store, "y-1", text, **drift))
    assert clocked.asked == []
