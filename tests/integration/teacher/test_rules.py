"""The ``rules`` teacher as a stage: no endpoint, no key, no cost."""

from __future__ import annotations

import pytest

from fitsense.errors import BadArtifact
from fitsense.records import TeacherResponse
from tests.integration.teacher.stage import Stage, answerable


def test_a_query_that_the_engine_cannot_read_is_no_answer_but_an_error(stage: Stage) -> None:
    rows = [{**row, "type": "plan_creation", "tags": []} for row in answerable(2)]
    stage.land("run", rows, {"kind": "rules"})
    with pytest.raises(BadArtifact, match="q00000000-00: the engine does not know 'ask'"):
        stage.run("run")


def test_the_engine_answers_in_order_verified_and_free_whatever_the_sharding(stage: Stage) -> None:
    asks = {"type": "progress_adaptation", "tags": ["ask:next_week"]}
    rows = [{**row, **asks} for row in answerable(40)]
    stage.land("one", rows, {"kind": "rules"})
    stage.land("four", rows, {"kind": "rules"}, parts=4)
    manifest = stage.run("one")
    stage.run("four")
    responses = [TeacherResponse.model_validate(row) for row in stage.responses("one")]
    assert [one.query.query_id for one in responses] == [row["query_id"] for row in rows]
    assert stage.output("one") == stage.output("four")
    assert manifest.counters.rows_in == 40
    assert manifest.counters.rows_out == sum(one.rejected is None for one in responses) > 0
    assert manifest.counters.cost_usd == 0
    for one in responses:
        assert (one.model, one.cost_usd) == ("rules", 0)
        assert (one.answer is None) == (one.rejected is not None)
        assert (one.rejected == "unverified") == bool(one.violations)
