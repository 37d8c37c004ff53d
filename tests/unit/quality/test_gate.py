"""The gate: it names each crossed threshold, honours waivers by name, and says which name nothing."""

from __future__ import annotations

from fitsense.manifest import Report
from fitsense.reporting.checks import at_least, at_most, none_of, report
from fitsense.reporting.render import html
from jobs.quality_gate.gate import judge, weigh
from jobs.quality_gate.page import build

GREEN = report("validation", [none_of("schema", 0), none_of("user_overlap", 0)], {})
RED = report("bias", [at_most("rejected_sex", 0.2, 0.1), at_most("counterfactual_age", 0.3, 0.1)], {})
THIN = report("statistics", [at_least("slice_sex", 2, 5, "X")], {})


def test_green_reports_pass() -> None:
    verdict = weigh([GREEN], [])
    assert verdict.crossed == []
    assert judge(verdict).passed


def test_every_crossed_threshold_is_named() -> None:
    verdict = weigh([GREEN, RED, THIN], [])
    assert verdict.message == (
        "bias.rejected_sex: 0.2 <= 0.1 does not hold; bias.counterfactual_age: 0.3 <= 0.1 does not hold; "
        "statistics.slice_sex: 2 >= 5 does not hold"
    )
    assert not judge(verdict).passed


def test_a_waived_check_lets_the_rest_decide() -> None:
    verdict = weigh([GREEN, RED], ["bias.rejected_sex"])
    assert [name for name, _ in verdict.crossed] == ["bias.counterfactual_age"]
    assert [name for name, _ in verdict.waived] == ["bias.rejected_sex"]


def test_all_waived_passes_and_shows_what_was_waived() -> None:
    verdict = weigh([GREEN, RED], ["bias.rejected_sex", "bias.counterfactual_age"])
    told = judge(verdict)
    assert told.passed
    assert told.facts["waived"] == [
        "bias.rejected_sex: 0.2 <= 0.1 does not hold",
        "bias.counterfactual_age: 0.3 <= 0.1 does not hold",
    ]
    page = html(build(told, verdict))
    assert "waived: rejected_sex, counterfactual_age" in page


def test_a_waiver_of_a_passing_check_waives_nothing() -> None:
    assert weigh([GREEN], ["validation.schema"]).waived == []


def test_a_waiver_that_names_no_check_is_shown() -> None:
    verdict = weigh([GREEN, RED], ["bias.rejected"])
    assert verdict.unknown == ["bias.rejected"]
    assert len(verdict.crossed) == 2
    assert "bias.rejected names no check" in html(build(judge(verdict), verdict))


def test_a_report_without_checks_does_not_pass() -> None:
    empty = Report(stage="anomalies", passed=True, checks=[], facts={})
    verdict = weigh([empty], [])
    assert [name for name, _ in verdict.crossed] == ["anomalies.checks"]
    assert not judge(verdict).passed
