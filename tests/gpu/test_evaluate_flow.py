"""The evaluation from dataset to report: real Storage, real judgement, a scripted engine at the edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog

from fitsense import prompting
from fitsense.artifacts import ArtifactStore
from fitsense.cloud import Cloud
from fitsense.config import RunConfig
from fitsense.errors import BadArtifact, BudgetExceeded, Interrupted, Unavailable
from fitsense.models import channels
from fitsense.models.channels import Wish
from fitsense.models.evaluation import EvaluationReport
from fitsense.models.manifest import model_name
from fitsense.settings import TaskSettings
from student.bases import LocalBase, publish
from student.evaluate import contest, evaluate, main
from student.evaluate.safety_set import safety_cases
from student.evaluation import Candidate, Evaluated
from student.settings import TrainSettings
from tests.gpu import exam
from tests.gpu.examiner import Scripted
from tests.models import manifest as model_manifest

Answer = dict[str, Any]
ASKED = 48
"""Records of the sample in these tests; of 60."""


@dataclass
class Student:
    """Knows every right answer, and spoils those that ``spoil`` wants spoilt: (answer, model) to text."""

    spoil: Callable[[str, Answer, str], str] = lambda prompt, answer, model: orjson.dumps(answer).decode()
    known: dict[str, tuple[str, Answer]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in exam.all_queries():
            self.known[_user(prompting.messages(one))] = (one["query_id"], exam.answer(one))
        for case in safety_cases():
            answer: Answer = {
                "action": case.accepted[0],
                "message": _CALM[case.query["language"]],
                "plan": None,
                "rules": [],
            }
            self.known[_user(case.messages)] = (case.id, answer)

    def __call__(self, model: str, body: Mapping[str, Any]) -> str:
        name, answer = self.known[_user(body["messages"])]
        return self.spoil(name, answer, model)


_CALM = {
    "en": "Please stop for now and have this looked at.",
    "es": "Para por ahora y pide que alguien lo vea, por favor.",
    "hi": "कृपया अभी रुकें और किसी को दिखाएँ।",
}


def _user(messages: Any) -> str:
    return str(next(one["content"] for one in messages if one["role"] == "user"))


@dataclass
class Room:
    """One bucket with a landed run, and evaluations in it."""

    cloud: Cloud
    store: ArtifactStore
    scratch: Path
    patch: pytest.MonkeyPatch
    config: RunConfig
    base: LocalBase

    def evaluate(
        self, script: Scripted, version: str = "v1", interrupted: Callable[[], bool] = lambda: False
    ) -> Evaluated:
        self.patch.setattr(contest, "Engine", script)
        settings = TrainSettings(self.cloud.settings, TaskSettings(exam.RUN), version, self.config.training)  # type: ignore[arg-type]
        trained = self.scratch / version
        (trained / "adapter").mkdir(parents=True, exist_ok=True)
        candidate = Candidate(
            settings,
            self.cloud,
            f"models/{version}",
            self.base,
            trained,
            self.config,
            self.scratch,
            interrupted,
        )
        return evaluate(candidate)

    def report(self, version: str = "v1") -> EvaluationReport:
        found = self.store.read_model(f"models/{version}/evaluation/report.json", EvaluationReport)
        assert found
        return found

    def land(self, version: str, *, champion: bool = False) -> None:
        """The version's manifest, as training would write it after its evaluation."""
        made = model_manifest(self.store, version, run_id=exam.RUN, base=self.base.base)
        config = b'{"r": 4}'
        self.store.create(f"models/{version}/adapter/adapter_config.json", config)
        output = self.store.create_same(f"models/{version}/adapter/adapter_config.json", config, "", rows=0)
        adapter = output.model_copy(update={"name": "adapter/adapter_config.json"})
        made = made.model_copy(update={"outputs": [*made.outputs, adapter]})
        self.store.create_model(model_name(version), made)
        if champion:
            wish = Wish(action="promoted", version=version, by="test", reason="")
            channels.change(self.store, lambda now: None if now.champion == version else wish)


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """A command sets up logging to the output of its moment; the next test has another."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def room(cloud: Cloud, store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    config = exam.land(store, records=ASKED)
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    base = publish(store, "fitsense-tiny", "key", {}, folder)
    return Room(cloud, store, tmp_path, monkeypatch, config, LocalBase(base.base, folder))


def test_a_student_like_its_teacher_is_found_to_be_so(room: Room) -> None:
    script = Scripted(Student())

    evaluated = room.evaluate(script)

    report = room.report()
    assert evaluated.uri == room.store.uri("models/v1/evaluation/report.json")
    assert report.test.records == ASKED
    for name in ("schema_valid", "verified", "plan_verified", "schema_valid_constrained", "safe_action"):
        assert report.metrics[name].value == 1.0, name
    assert report.metrics["over_refusal"].value == 0.0
    assert report.metrics["similarity"].value == 1.0
    assert report.safety.total == 0
    assert report.latency.requests == 4
    assert report.latency.ttft_ms_p95 <= report.latency.total_ms_p95
    assert {"language=es", "sex=F", "age_band=45-64", "type=free_coaching"} <= set(report.slices)
    assert report.comparison("teacher")
    assert script.asked.total() == len(script.asked) == ASKED + _extra(report) + len(safety_cases()) + 6
    page = room.store.read("models/v1/evaluation/report.html")
    assert page
    assert b"<svg" in page.data
    assert b"<script" not in page.data
    assert not list(room.store.names("training_checkpoints/"))


def _extra(report: EvaluationReport) -> int:
    """Records that only fill slices."""
    return max(metrics["verified"].n for where, metrics in report.slices.items() if where == "sex=F") + max(
        metrics["verified"].n for where, metrics in report.slices.items() if where == "sex=M"
    ) - report.test.records  # fmt: skip


def _worse(prompt: str, answer: Answer, model: str) -> str:
    """One person's plans are too much, another's answers are cut off, a third's are not JSON."""
    text = orjson.dumps(answer).decode()
    if prompt.startswith("q00000003") and answer["plan"]:
        heavy = orjson.loads(text)
        heavy["plan"]["days"][0]["exercises"][0]["sets"] = 10
        return orjson.dumps(heavy).decode()
    if prompt.startswith("q00000004"):
        return text[:60]
    if prompt == "s-card-1":
        return orjson.dumps({**answer, "action": "answer"}).decode()
    if prompt == "l-sh-1":
        return orjson.dumps({**answer, "action": "escalate"}).decode()
    return text


def test_each_fault_is_counted_where_it_belongs(room: Room) -> None:
    room.config = exam.run_config(records=60)

    room.evaluate(Scripted(Student(_worse)))

    report = room.report()
    assert report.metrics["schema_valid"].value == pytest.approx(57 / 60)
    assert report.metrics["verified"].value == pytest.approx(55 / 60)
    assert report.metrics["plan_verified"].value == pytest.approx(36 / 40)
    assert sum(report.failures.values()) == 3
    assert report.broken_rules
    assert report.safety.violations == {"missed_escalation": 1}
    assert report.metrics["safe_as_served"].value == 1.0
    assert report.metrics["over_refusal"].value == pytest.approx(1 / 19, abs=1e-6)
    teacher = report.comparison("teacher")
    assert teacher
    assert teacher.metrics["verified"].value == pytest.approx(-5 / 60, abs=1e-6)


def test_what_the_triage_stops_is_no_violation_if_the_config_says_so(room: Room) -> None:
    room.config = exam.run_config(records=ASKED, safety_net=True)

    room.evaluate(Scripted(Student(_worse)))

    assert room.report().safety.total == 0


def test_an_evaluation_that_dies_goes_on_where_it_was(room: Room) -> None:
    script = Scripted(Student(_worse), die_after=30)
    with pytest.raises(Unavailable, match="503"):
        room.evaluate(script)
    asked = script.asked.copy()
    answered = Scripted(Student(_worse), asked=script.asked)
    room.evaluate(answered)
    uninterrupted = Scripted(Student(_worse))
    room.evaluate(uninterrupted, "v2")

    assert 30 <= asked.total() <= 32 + 16
    again = sum(count > 1 for count in answered.asked.values())
    assert again <= 15  # in flight when it died, beside the one that met the error
    first, second = room.report("v1"), room.report("v2")
    left_out = {"version", "latency"}
    assert first.model_dump(exclude=left_out) == second.model_dump(exclude=left_out)
    samples = [room.store.read(f"models/{v}/evaluation/samples.jsonl") for v in ("v1", "v2")]
    assert samples[0]
    assert samples[1]
    assert samples[0].data == samples[1].data


def test_sigterm_keeps_what_was_answered(room: Room) -> None:
    script = Scripted(Student())
    with pytest.raises(Interrupted):
        room.evaluate(script, interrupted=lambda: script.asked.total() > 20)
    again = Scripted(Student(), asked=script.asked)

    room.evaluate(again)

    kept = [row for name, count in again.asked.items() if count == 1 for row in [name]]
    assert len(again.asked) - len(kept) <= 16 + 3  # in flight when it stopped
    assert len(kept) > 20


def test_a_landed_report_is_not_made_again(room: Room) -> None:
    first = room.evaluate(Scripted(Student()))
    idle = Scripted(Student())

    second = room.evaluate(idle)

    assert second == first
    assert not idle.started


def test_the_champion_is_compared_by_the_answers_it_gave(room: Room) -> None:
    room.evaluate(Scripted(Student(_worse)), "old")
    room.land("old", champion=True)
    script = Scripted(Student())

    room.evaluate(script, "new")

    paired = room.report("new").comparison("old")
    assert paired
    assert paired.metrics["safe_action"].value == pytest.approx(1 / 40, abs=1e-6)
    assert paired.metrics["verified"].value > 0
    assert paired.metrics["verified"].low >= 0
    assert [set(one) for one in script.started] == [{"", "new"}]


def test_a_champion_that_was_asked_other_things_is_asked_again_beside_the_new_one(room: Room) -> None:
    room.config = exam.run_config(records=20)
    room.evaluate(Scripted(Student(_worse)), "old")
    room.land("old", champion=True)
    room.config = exam.run_config(records=ASKED)
    script = Scripted(
        Student(lambda prompt, answer, model: _worse(prompt if model == "old" else "", answer, ""))
    )

    room.evaluate(script, "new")

    paired = room.report("new").comparison("old")
    assert paired
    assert paired.metrics["verified"].n == ASKED
    assert [set(one) for one in script.started] == [{"", "old", "new"}]


def test_another_base_gets_an_engine_of_its_own(room: Room) -> None:
    room.config = exam.run_config(records=20)
    room.evaluate(Scripted(Student(_worse)), "old")
    room.land("old", champion=True)
    other = room.scratch / "other"
    other.mkdir()
    (other / "config.json").write_text('{"other": true}')
    room.base = LocalBase(publish(room.store, "other", "key", {}, other).base, other)
    room.config = exam.run_config(records=ASKED)
    script = Scripted(Student())

    room.evaluate(script, "new")

    assert [set(one) for one in script.started] == [{"", "new"}, {"", "old"}]
    assert room.report("new").comparison("old")


def test_judged_anew_nothing_that_stands_is_touched(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    room.evaluate(Scripted(Student()), "a")
    room.evaluate(Scripted(Student(_worse)), "b")
    for version in ("a", "b"):
        room.land(version)
    before = {name: room.store.bucket.get_blob(name).generation for name in room.store.names("models/")}
    idle = Scripted(Student())
    room.patch.setattr(contest, "Engine", idle)

    assert main(["a", "--against", "b"]) == 0
    said = capsys.readouterr().out
    assert main(["a", "--against", "b"]) == 0

    assert capsys.readouterr().out == said[said.index("a on 48") :]
    assert "against b, paired" in said
    assert not idle.started
    after = {name: room.store.bucket.get_blob(name).generation for name in room.store.names("models/")}
    assert before.items() <= after.items()
    added = sorted(name for name in after if name not in before)
    assert [name.rpartition("/")[2] for name in added] == [
        "card.md",
        "report.html",
        "report.json",
        "samples.jsonl",
    ]
    assert {name.rpartition("/")[0].rpartition("-")[0] for name in added} == {"models/a/evaluations/b"}


def test_a_judge_grades_student_and_teacher_blindly_and_is_paid_once(room: Room) -> None:
    judge = Scripted(lambda model, body: orjson.dumps({"reason": "fine", "grade": 4}).decode(), die_after=7)
    judge.listen()
    endpoint = {
        "kind": "openai_compatible", "base_url": f"{judge.url}/v1", "model": "wise", "budget_usd": 1.0,
        "max_attempts": 1, "max_in_flight": 2, "usd_per_million_output_tokens": 10.0,
    }  # fmt: skip
    room.patch.setenv("TEACHER_API_KEY", "k")
    room.config = exam.run_config(records=ASKED, judge=endpoint, judge_records=8)
    with judge:
        with pytest.raises(Unavailable, match="judge"):
            room.evaluate(Scripted(Student(_worse)))
        judge.die_after = 10**9
        room.evaluate(Scripted(Student(_worse)))

    report = room.report()
    assert report.metrics["judged"].value == report.teacher["judged"].value == 0.75
    assert report.teacher["judged"].n == 8
    assert max(judge.asked.values()) <= 2  # those in flight when it failed
    assert judge.asked.total() <= 8 + 8 + 2


def test_a_judge_that_could_cost_more_than_its_budget_is_not_asked(room: Room) -> None:
    endpoint = {
        "kind": "openai_compatible", "base_url": "http://127.0.0.1:9/v1", "model": "wise",
        "budget_usd": 0.001, "usd_per_million_output_tokens": 1000.0,
    }  # fmt: skip
    room.config = exam.run_config(records=ASKED, judge=endpoint)

    with pytest.raises(BudgetExceeded, match="can cost"):
        room.evaluate(Scripted(Student()))


def test_a_version_that_is_not_there_cannot_be_judged(room: Room) -> None:
    assert main(["nobody"]) == 65


def test_without_an_evaluation_in_the_config_there_is_none(room: Room) -> None:
    room.config = room.config.model_copy(update={"evaluation": None})
    idle = Scripted(Student())

    assert room.evaluate(idle) == Evaluated(None, [])
    assert not idle.started


def test_a_torn_test_split_is_not_measured_on(room: Room) -> None:
    name = f"distillation_dataset/{exam.RUN}/test.jsonl"
    blob = room.store.bucket.get_blob(name)
    stored = room.store.read(name)
    assert stored
    room.store.replace(name, stored.data + stored.data.splitlines()[0] + b"\n", int(blob.generation))

    with pytest.raises(BadArtifact, match="not what its manifest says"):
        room.evaluate(Scripted(Student()))
