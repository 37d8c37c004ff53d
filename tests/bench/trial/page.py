"""The trial as a page: the arms over the weeks, their differences, slices and sensitivity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from fitsense.manifest import Check
from fitsense.reporting.charts import intervals
from fitsense.reporting.checks import at_least, at_most, report
from fitsense.reporting.elements import Chart, Legend, Page, Section, Table, Tile
from fitsense.reporting.text import MINUS
from fitsense.reporting.vega import Spec, colour_of, frame, x_of
from tests.bench.trial.arms import ADAPTED, ARMS, STATIC
from tests.bench.trial.running import Course, Trial
from tests.bench.trial.scoring import MEASURES, Estimate, differences, estimate, labels_of, scores, sliced
from tests.bench.trial.sensitivity import Variant

HEADLINE = ("strength_pct", "overload_weeks")


def facts_of(trial: Trial, variants: Sequence[Variant]) -> dict[str, Any]:
    """All numbers of the trial, as JSON takes them."""
    against = {name: differences(trial, ADAPTED, name) for name in trial.courses if name != ADAPTED}
    headline = {name: against[STATIC][name] for name in HEADLINE}
    return {
        "athletes": len(trial.cast.rows),
        "weeks": len(trial.courses[ADAPTED].planned),
        "passed_over": trial.cast.passed_over,
        "arms": {arm: _as_dicts(found) for arm, found in scores(trial).items()},
        "adapted_less": {
            name: _as_dicts({key: estimate(values) for key, values in less.items()})
            for name, less in against.items()
        },
        "slices": {
            name: {
                label: {"n": _members(trial, name, label), **_as_dicts(found)} for label, found in one.items()
            }
            for name, one in sliced(trial, headline).items()
        },
        "sensitivity": {
            one.name: _as_dicts({"strength_pct": one.strength_pct, "overload_weeks": one.overload_weeks})
            for one in variants
        },
    }


def _as_dicts(found: dict[str, Estimate]) -> dict[str, dict[str, float]]:
    return {name: asdict(one) for name, one in found.items()}


def _members(trial: Trial, name: str, label: str) -> int:
    return int((labels_of(trial, name) == label).sum())


def checks_of(facts: dict[str, Any]) -> list[Check]:
    """The verdict: more strength for certain, and for certain no more weeks with an overload event."""
    less = facts["adapted_less"][STATIC]
    return [
        at_least("strength_gained_low", less["strength_pct"]["low"], 0, "adapted less static, 95 % interval"),
        at_most(
            "overload_weeks_high", less["overload_weeks"]["high"], 0, "adapted less static, 95 % interval"
        ),
    ]


def page_of(trial: Trial, facts: dict[str, Any]) -> Page:
    """The page; the same facts, the same bytes."""
    less = facts["adapted_less"][STATIC]
    return Page(
        title="Simulated athletes",
        purpose=f"{facts['athletes']} athletes follow plans for {facts['weeks']} weeks: "
        "the same people and the same luck in every arm.",
        report=report("athletes", checks_of(facts), facts),
        tiles=[
            Tile("strength, adapted less static", spread(less["strength_pct"], " points")),
            Tile("weeks with an overload event", spread(less["overload_weeks"])),
        ],
        sections=[
            Section("Over the weeks", charts=_weekly(trial)),
            Section("Arms", _explained(), tables=[_arms(facts)]),
            Section("Adapted less static", charts=[_sliced(facts), *_varied(facts)]),
        ],
        notes=[
            "Means of all athletes; intervals are 95 % of 2 000 resamples of the athletes.",
            "Strength is tested after seven days of rest. The model of a person and its sources stand in "
            "fitsense/simulation/response.py; it knows nothing of who wrote the plan.",
        ],
    )  # fmt: skip


def _explained() -> str:
    return "; ".join(f"{arm}: {text}" for arm, text in ARMS.items()) + "."


def spread(one: dict[str, float], unit: str = "") -> str:
    """``+1.2 (+0.9 to +1.5)``."""
    low, high = (f"{one[end]:+.2f}" for end in ("low", "high"))
    return f"{one['mean']:+.2f}{unit} ({low} to {high})".replace("-", MINUS)


def _weekly(trial: Trial) -> list[Chart]:
    return [
        _lines("Strength", trial, lambda course: _gained(course), "per cent gained since the arms began"),
        _lines("Sets a muscle", trial, lambda course: np.stack(course.sets), "stimulating sets a week"),
        _lines("Reps in reserve", trial, lambda course: np.stack(course.rir), "mean true RIR"),
        _lines(
            "Overload",
            trial,
            lambda course: 100 * ((np.stack(course.failed) > 0) | np.stack(course.spike)),
            "per cent of athletes with a failed exercise or a spike",
        ),
    ]


def _gained(course: Course) -> Any:
    return 100 * (np.stack(course.strength[1:]) / course.strength[0] - 1)


def _lines(title: str, trial: Trial, of: Callable[[Course], Any], axis: str) -> Chart:
    """A line an arm, week by week: the mean over those for whom there is a value."""
    arms = list(trial.courses)
    means = {arm: np.nanmean(of(course), axis=1) for arm, course in trial.courses.items()}
    values: list[Spec] = [
        {"week": week + 1, "series": arm, "value": round(float(mean), 4)}
        for arm in arms
        for week, mean in enumerate(means[arm])
    ]
    line = {
        "mark": {"type": "line", "strokeWidth": 2, "point": {"filled": True, "size": 18}},
        "encoding": {
            "x": {**x_of("week"), "title": "week", "axis": {"tickCount": 6, "grid": False}},
            "y": {**x_of("value"), "title": axis, "scale": {"zero": False}},
            "color": colour_of(arms),
        },
    }  # fmt: skip
    said = "; ".join(f"{arm} from {means[arm][0]:.1f} to {means[arm][-1]:.1f}" for arm in arms)
    legend = [Legend(arm, place + 1) for place, arm in enumerate(arms)]
    return Chart(title, f"{title}, {axis}: {said}", {**frame(values), "height": 190, "layer": [line]}, legend)


def _arms(facts: dict[str, Any]) -> Table:
    arms = list(facts["arms"])
    rows = [
        [f"{name}, {unit}" if unit else name, *(f"{facts['arms'][arm][key]['mean']:.2f}" for arm in arms)]
        for key, (name, unit) in MEASURES.items()
    ]
    return Table("An athlete over the whole trial, mean", ["measure", *arms], rows)


def _sliced(facts: dict[str, Any]) -> Chart:
    rows = [
        (f"{label} ({one['n']})", *_shares(one["strength_pct"]), "shown")
        for found in facts["slices"].values()
        for label, one in found.items()
    ]
    return intervals("Strength gained, by who they are", rows, None, _points, "adapted less static, points")


def _varied(facts: dict[str, Any]) -> list[Chart]:
    rows = [
        (name.replace("_", " "), *_shares(one["strength_pct"]), "shown")
        for name, one in facts["sensitivity"].items()
    ]
    title = "Strength gained, if the model is otherwise"
    return [intervals(title, rows, None, _points, "adapted less static, points")] if rows else []


def _shares(one: dict[str, float]) -> tuple[float, float, float]:
    return one["low"] / 100, one["mean"] / 100, one["high"] / 100


def _points(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", MINUS)
