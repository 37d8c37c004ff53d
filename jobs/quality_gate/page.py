"""The verdict as a page: all checks of all reports."""

from __future__ import annotations

from fitsense.manifest import Check, Report
from fitsense.reporting import charts
from fitsense.reporting.elements import Page, Section, Table, Tile
from fitsense.reporting.text import count, number
from jobs.quality_gate.gate import Verdict


def build(report: Report, verdict: Verdict) -> Page:
    waived = "A waived check crossed its threshold and was let through by name in the config."
    return Page(
        title="Quality gate",
        purpose="May a model be trained on this dataset? Every check of the four reports must hold, "
        "unless the config waives it.",
        report=report,
        tiles=[
            Tile("Checks", count(len(verdict.checks))),
            Tile("Crossed", count(len(verdict.crossed))),
            Tile("Waived", count(len(verdict.waived)), ", ".join(name for name, _ in verdict.waived)),
        ],
        sections=[_overview(verdict), _all(verdict)],
        notes=[waived, *(f"The waiver {name} names no check: is it misspelt?" for name in verdict.unknown)],
    )


def _overview(verdict: Verdict) -> Section:
    rows = [(one.stage, _shares(one, verdict)) for one in verdict.reports]
    return Section(
        "The four reports", charts=[charts.stacked("Checks by outcome", rows, ["hold", "waived", "crossed"])]
    )


def _shares(one: Report, verdict: Verdict) -> dict[str, float]:
    states = [_state(name, verdict) for name, _ in verdict.checks if name.startswith(f"{one.stage}.")]
    return {state: states.count(state) / len(states) for state in ("hold", "waived", "crossed")}


def _all(verdict: Verdict) -> Section:
    rank = {"crossed": 0, "waived": 1, "hold": 2}
    ordered = sorted(verdict.checks, key=lambda item: rank[_state(item[0], verdict)])
    rows = [_row(name, check, _state(name, verdict)) for name, check in ordered]
    return Section(
        "Every check", tables=[Table("All checks", ["Outcome", "Check", "Value", "Allowed", "Found"], rows)]
    )


def _row(name: str, check: Check, state: str) -> list[object]:
    op = {"<=": "≤", ">=": "≥", "==": "="}[check.op]
    return [state, name, check.value, f"{op} {number(check.threshold)}", check.detail]


def _state(name: str, verdict: Verdict) -> str:
    if name in {crossed for crossed, _ in verdict.crossed}:
        return "crossed"
    return "waived" if name in {waived for waived, _ in verdict.waived} else "hold"
