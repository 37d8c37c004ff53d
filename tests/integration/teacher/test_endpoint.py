"""The whole stage, real clients and a real bucket, against an endpoint that misbehaves by script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fitsense.errors import BudgetExceeded, Misconfigured, TooManyErrors
from fitsense.records import TeacherResponse
from tests.integration.teacher.stage import KEY, Stage, answerable, teacher
from tests.scripted_endpoint import Script, ScriptedEndpoint

ROWS = 300


def billed_once(stats: dict[str, Any]) -> bool:
    return all(key["billed"] <= 1 for key in stats["keys"].values())


def test_nothing_is_lost_to_limits_errors_and_dropped_connections(stage: Stage, tmp_path: Path) -> None:
    rows = answerable(ROWS)
    quiet = Script(latency_s=0.01)
    noisy = Script(latency_s=0.02, jitter_s=0.01, rate_limited=0.05, errors=0.03, drops=0.03)
    with (
        ScriptedEndpoint(tmp_path / "quiet", quiet) as calm,
        ScriptedEndpoint(tmp_path / "noisy", noisy) as storm,
    ):
        stage.land("calm", rows, teacher(calm.base_url))
        stage.land("storm", rows, teacher(storm.base_url, max_in_flight=32))
        stage.run("calm")
        manifest = stage.run("storm")
        stats = storm.stats()
    counters = manifest.counters
    assert (counters.rows_in, counters.rows_out, counters.rejected) == (ROWS, ROWS, {})
    assert stage.output("storm") == stage.output("calm")
    assert min(stats["rate_limited"], stats["errors"], stats["dropped"]) > 0
    assert stats["billed"] == ROWS
    assert billed_once(stats)
    assert stats["max_in_flight"] <= 32
    assert counters.extra["requests"] == stats["requests"]
    assert counters.extra["retries"] == stats["requests"] - ROWS
    assert counters.cost_usd == pytest.approx((stats["tokens_in"] + 4 * stats["tokens_out"]) / 1e6, abs=1e-9)


def test_records_hold_no_trace_of_how_they_came_and_the_checkpoints_all_of_it(
    stage: Stage, tmp_path: Path
) -> None:
    with ScriptedEndpoint(tmp_path, Script(errors=0.1)) as endpoint:
        stage.land("run", answerable(40), teacher(endpoint.base_url))
        stage.run("run")
        stats = endpoint.stats()
    responses = [TeacherResponse.model_validate(row) for row in stage.responses("run")]
    assert [one.query.query_id for one in responses] == [row["query_id"] for row in answerable(40)]
    calls = {row["sha256"]: row for row in stage.trace("run") if row["kind"] == "call"}
    tries = [row for row in stage.trace("run") if row["kind"] == "try"]
    assert set(calls) == set(stats["keys"]) == {one.request_sha256 for one in responses}
    for one in responses:
        call = calls[one.request_sha256]
        assert (call["tokens_in"], call["tokens_out"]) == (one.tokens_in, one.tokens_out)
        assert call["cost_usd"] == one.cost_usd > 0
        assert call["request_id"].startswith("req-")
        assert call["latency_s"] > 0
        assert call["tries"] == stats["keys"][one.request_sha256]["requests"]
    assert len(tries) == stats["errors"] > 0
    assert {row["failure"] for row in tries} == {"server"}


def test_exactly_the_prompts_that_always_fail_are_rejected(stage: Stage, tmp_path: Path) -> None:
    bad = {f"Question {i:05d}:": "500" for i in (3, 77, 78, 199)}
    with ScriptedEndpoint(tmp_path, Script(behaviours=bad, rate_limited=0.02)) as endpoint:
        stage.land("run", answerable(200), teacher(endpoint.base_url, max_attempts=3))
        manifest = stage.run("run")
        stats = endpoint.stats()
    assert manifest.counters.rejected == {"attempts_exhausted": 4}
    assert manifest.counters.rows_out == 196
    assert stats["errors"] == 4 * 3
    rejected = [row for row in stage.responses("run") if row["rejected"]]
    assert [row["query"]["prompt"][:15] for row in rejected] == [
        text[:15] + ":" * (len(text) < 15) for text in bad
    ]
    assert all(row["answer"] is None and row["cost_usd"] == 0 for row in rejected)


def test_bad_answers_get_one_more_chance_and_a_reason(stage: Stage, tmp_path: Path) -> None:
    behaviours = {
        "Question 00001:": "400",
        "Question 00002:": "truncated_once",
        "Question 00003:": "truncated",
        "Question 00004:": "invalid",
        "Question 00005:": "refused",
    }
    answers = {
        "Question 00006:": '{"action":"answer","message":"Eat 700 kcal a day.","plan":null,"rules":[]}'
    }
    with ScriptedEndpoint(tmp_path, Script(behaviours=behaviours, answers=answers)) as endpoint:
        stage.land("run", answerable(60), teacher(endpoint.base_url))
        manifest = stage.run("run")
        stats = endpoint.stats()
    reasons = [row["rejected"] for row in stage.responses("run")]
    assert reasons[:8] == [
        None,
        "permanent_error",
        None,
        "truncated",
        "schema_invalid",
        "schema_invalid",
        "unverified",
        None,
    ]
    assert stage.responses("run")[6]["violations"] == ["N-03"]
    assert manifest.counters.rows_out == 60 - 5
    # 400 is asked once; a cut or malformed answer twice, as two requests with keys of their own.
    assert stats["requests"] == 60 + 4
    assert billed_once(stats)
    mended = stage.responses("run")[2]
    assert mended["tokens_in"] > 1.9 * stage.responses("run")[0]["tokens_in"]


def test_a_second_run_asks_nothing_and_makes_the_same_bytes(stage: Stage, tmp_path: Path) -> None:
    behaviours = {"Question 00001:": "truncated_once", "Question 00002:": "invalid"}
    rows = answerable(90)
    with ScriptedEndpoint(tmp_path, Script(behaviours=behaviours)) as endpoint:
        stage.land("one", rows, teacher(endpoint.base_url), parts=3)
        stage.land("two", rows, teacher(endpoint.base_url))
        stage.land("part", rows[:30] + answerable(95)[90:], teacher(endpoint.base_url))
        stage.land("fresh", rows[:5], teacher(endpoint.base_url, cache=False))
        first = stage.run("one")
        before = endpoint.stats()["requests"]
        second = stage.run("two")
        assert endpoint.stats()["requests"] == before
        stage.run("part")
        assert endpoint.stats()["requests"] == before + 5
        stage.run("fresh")
        assert endpoint.stats()["requests"] == before + 5 + 7
    assert stage.output("one") == stage.output("two")
    assert second.counters.cost_usd == 0
    assert second.counters.extra["cache_hits"] == 92
    assert second.counters.rejected == first.counters.rejected == {"schema_invalid": 1}
    assert second.counters.tokens_out == first.counters.tokens_out > 0


def test_the_budget_stops_before_the_first_call_when_prompts_alone_exceed_it(
    stage: Stage, tmp_path: Path
) -> None:
    with ScriptedEndpoint(tmp_path) as endpoint:
        stage.land("run", answerable(100), teacher(endpoint.base_url, budget_usd=0.01))
        with pytest.raises(BudgetExceeded, match=r"100 prompts of about \d+ tokens cost .* of its 0\.01 USD"):
            stage.run("run")
        assert endpoint.stats()["requests"] == 0


def test_the_budget_is_never_exceeded_and_what_was_paid_serves_the_next_run(
    stage: Stage, tmp_path: Path
) -> None:
    budget = 0.38
    trouble = Script(latency_s=0.005, errors=0.05, drops=0.05)
    with ScriptedEndpoint(tmp_path, trouble) as endpoint:
        stage.land("poor", answerable(200), teacher(endpoint.base_url, budget_usd=budget), parts=2)
        with pytest.raises(BudgetExceeded, match="the next call may cost"):
            stage.run("poor")
        stats = endpoint.stats()
        spent = (stats["tokens_in"] + 4 * stats["tokens_out"]) / 1e6
        assert 0 < spent <= budget / 2
        stage.land("rich", answerable(200), teacher(endpoint.base_url, budget_usd=10.0), parts=2)
        manifest = stage.run("rich")
        assert billed_once(endpoint.stats())
    assert manifest.counters.rows_out == 200
    assert manifest.counters.extra["cache_hits"] == stats["billed"] - _unheard(stats)


def _unheard(stats: dict[str, Any]) -> int:
    """Answers that were billed and whose connection dropped for good before the stage stopped."""
    return sum(1 for key in stats["keys"].values() if key["billed"] and 200 not in key["statuses"])


def test_a_storm_of_rate_limits_is_waited_out_by_the_whole_client(stage: Stage, tmp_path: Path) -> None:
    script = Script(latency_s=0.01, storm=(20, 44), retry_after={"retry-after-ms": "1000"})
    with ScriptedEndpoint(tmp_path, script) as endpoint:
        stage.land("run", answerable(100), teacher(endpoint.base_url, max_in_flight=16))
        manifest = stage.run("run")
        stats = endpoint.stats()
    assert manifest.counters.rows_out == 100
    assert stats["rate_limited"] == 24
    assert stats["early"] == 0


def test_concurrency_adapts_to_an_endpoint_that_takes_less(stage: Stage, tmp_path: Path) -> None:
    with ScriptedEndpoint(tmp_path, Script(latency_s=0.02, capacity=6)) as endpoint:
        stage.land("run", answerable(ROWS), teacher(endpoint.base_url, max_in_flight=64))
        manifest = stage.run("run")
        stats = endpoint.stats()
    assert manifest.counters.rows_out == ROWS
    assert stats["billed"] == ROWS
    assert stats["rate_limited"] > 0


def test_timeouts_are_retried_and_their_money_is_held(stage: Stage, tmp_path: Path) -> None:
    with ScriptedEndpoint(tmp_path, Script(behaviours={"Question 00004:": "hang"})) as endpoint:
        stage.land("run", answerable(60), teacher(endpoint.base_url, timeout_s=0.3, max_attempts=2))
        manifest = stage.run("run")
    assert manifest.counters.rejected == {"attempts_exhausted": 1}
    assert manifest.counters.extra["timeouts"] == 2
    tries = [row for row in stage.trace("run") if row["kind"] == "try"]
    assert [row["failure"] for row in tries] == ["timeout", "timeout"]
    assert all(row["at_risk_pico"] > 0 for row in tries)


def test_a_mostly_failing_endpoint_stops_the_stage_early(stage: Stage, tmp_path: Path) -> None:
    bad = {f"Question {i:03d}": "400" for i in range(1, 1000, 2)} | {f"{i}1: how": "400" for i in range(100)}
    with ScriptedEndpoint(tmp_path, Script(latency_s=0.005, behaviours=bad)) as endpoint:
        stage.land("run", answerable(2000), teacher(endpoint.base_url, max_in_flight=8))
        with pytest.raises(TooManyErrors, match="permanent_error: 400: scripted"):
            stage.run("run")
        assert endpoint.stats()["requests"] < 200


@pytest.mark.parametrize("status", [403, 404])
def test_what_fails_every_call_stops_the_stage_at_once(stage: Stage, tmp_path: Path, status: int) -> None:
    with ScriptedEndpoint(tmp_path, Script(status=status)) as endpoint:
        stage.land("run", answerable(200), teacher(endpoint.base_url, max_in_flight=8))
        with pytest.raises(Misconfigured, match=f"refuses all calls: {status}"):
            stage.run("run")
        assert endpoint.stats()["requests"] <= 8


def test_a_wrong_key_stops_at_once_and_no_key_is_written_anywhere(
    stage: Stage, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with ScriptedEndpoint(tmp_path, Script(api_key="another")) as endpoint:
        stage.land("run", answerable(200), teacher(endpoint.base_url, max_in_flight=8))
        with pytest.raises(Misconfigured, match="Incorrect API key provided") as caught:
            stage.run("run")
        assert endpoint.stats()["requests"] <= 8
    with ScriptedEndpoint(tmp_path / "right", Script(api_key=KEY, errors=0.2)) as endpoint:
        stage.land("right", answerable(20), teacher(endpoint.base_url))
        assert stage.run("right").counters.rows_out == 20
    written = b"".join(stage.everything().values())
    told = "".join((*capfd.readouterr(), caught.value.message, caught.value.hint))
    assert KEY.encode() not in written
    assert KEY not in told


def test_a_missing_key_is_told_before_anything_is_asked(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedEndpoint(tmp_path) as endpoint:
        stage.land("run", answerable(10), teacher(endpoint.base_url, api_key_secret="NO_SUCH_KEY"))
        with pytest.raises(Misconfigured, match="NO_SUCH_KEY"):
            stage.run("run")


def test_an_endpoint_that_does_not_count_tokens_is_charged_at_the_bound(stage: Stage, tmp_path: Path) -> None:
    with ScriptedEndpoint(tmp_path, Script(usage=False)) as endpoint:
        stage.land("run", answerable(5), teacher(endpoint.base_url, max_tokens=100))
        stage.run("run")
    assert {row["tokens_out"] for row in stage.responses("run")} == {100}
