"""What every answer satisfies, whatever the case: the format, and the numbers that never bend."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.acceptance.answer import EASY, ISOLATION, Answer
from tests.acceptance.ceilings import too_heavy
from tests.acceptance.exclusions import against_the_table
from tests.acceptance.form import misshapen
from tests.acceptance.loading import catalogue

CAREFUL = {
    "hypertension_controlled": 3,
    "pregnant": 3,
    "postpartum": 3,
    "coronary_stent": 4,
    "heart_failure": 4,
    "stroke": 4,
}
DUMBBELL_STEPS = (2.0, 10.0, 2.5)
"""The rack without a step of its own: 2.0 kg up to 10 kg, then 2.5 (R-01)."""
POUND = 0.45359237
CODE = re.compile(r"[{}]|(?<![\w.])[a-z]+_[a-z]|\bNone\b")
"""What no person should read: slots, codes of muscles or conditions."""
TRAINING_RULES = "PFGIWTRVDSM"
"""First letters of the rules that belong to a plan: without one they say nothing."""


def broken(answer: Answer, rule_ids: frozenset[str]) -> list[str]:
    """All that no answer may be. ``rule_ids``: those that rules.md knows."""
    shape = list(misshapen(answer.out))
    if shape:
        return shape
    checks = (
        _refusal,
        _known,
        _equipment,
        _minutes,
        _rir,
        _loads,
        _warmups,
        _weekly,
        _per_session,
        _days,
        _energy,
        against_the_table,
        too_heavy,
    )
    found = [problem for check in checks for problem in check(answer)]
    return list(dict.fromkeys([*found, *_reasons(answer, rule_ids)]))


def _refusal(answer: Answer) -> Iterator[str]:
    if not answer.out["plan_allowed"] and answer.out["days"]:
        yield "no plan is allowed, and one was written"
    if answer.out["plan_allowed"] and not answer.out["days"] and answer.out["today_session_allowed"] is True:
        yield "a plan is allowed, and none was written"
    if not answer.out["plan_allowed"]:
        yield from _refused(answer)


def _refused(answer: Answer) -> Iterator[str]:
    if not answer.out["statements"]:
        yield "a refusal says nothing"
    training = sorted(one for one in answer.rule_ids() if one[0] in TRAINING_RULES)
    if training:
        yield f"a refusal speaks of training: {training}"
    if (
        answer.out["kcal"] is not None
        or answer.out["weight_rate_pct_wk"] is not None
        or answer.out["changes"]
    ):
        yield "a refusal carries numbers of a plan"


def _known(answer: Answer) -> Iterator[str]:
    for day in answer.out["days"]:
        ids = [one["exercise_id"] for one in day["exercises"]]
        yield from (f"unknown exercise {one}" for one in ids if one not in catalogue())
        yield from (f"{one} stands twice in a day" for one in sorted(set(ids)) if ids.count(one) > 1)


def _equipment(answer: Answer) -> Iterator[str]:
    here = {one.strip().lower().rstrip("s").replace("resistance ", "") for one in answer.profile["equipment"]}
    for _, entry, _ in answer.exercises():
        if missing := {one for one in entry.equipment if one.rstrip("s") not in here}:
            yield f"{entry.id} needs {sorted(missing)}"


def _minutes(answer: Answer) -> Iterator[str]:
    limit = answer.profile["minutes_per_session"]
    for number, day in enumerate(answer.out["days"]):
        least = _least_minutes(day)
        if day["minutes"] > limit + 0.01 or least > limit + 0.5:
            yield f"day {number} takes {day['minutes']} minutes, {least:.1f} or more by T-01, over {limit}"
        elif day["minutes"] < least - 1.0:
            yield f"day {number} says {day['minutes']} minutes, T-01 gives at least {least:.1f}"


def _least_minutes(day: Mapping[str, Any]) -> float:
    """T-01 at the low end of each range, for strength alone."""
    minutes = 5.0
    for exercise in day["exercises"]:
        entry = catalogue().get(exercise["exercise_id"])
        if entry is None or entry.pattern in EASY:
            continue
        minutes += 1.5
        for one in exercise["sets"]:
            sides = 2 if entry.unilateral else 1
            minutes += 0.5 if one["warmup"] else (one["reps_min"] * 4 * sides + one["rest_s"]) / 60
    return minutes


def _rir(answer: Answer) -> Iterator[str]:
    floor = _rir_floor(answer)
    for _, entry, sets in answer.strength():
        least = max(floor, 0 if entry.pattern in ISOLATION else 1)
        yield from (
            f"{entry.id} at RIR {one['rir']}, below {least}"
            for one in sets
            if one["rir"] is not None and one["rir"] < least
        )


def _rir_floor(answer: Answer) -> int:
    profile = answer.profile
    new = profile["experience"] == "novice" and answer.history.get("training_weeks", 99) < 2
    return max(
        0,
        2
        if profile["experience"] == "novice"
        or profile["age"] >= 65
        or answer.out["goal"] == "general_fitness"
        else 0,
        1 if answer.out["goal"] == "strength" else 0,
        3 if new else 0,
        4 if answer.out["deload"]["active"] else 0,
        *(CAREFUL.get(one, 0) for one in profile.get("conditions", [])),
    )


def _loads(answer: Answer) -> Iterator[str]:
    logged = {(one["exercise"], one.get("weight_kg")) for one in answer.history.get("sets", [])}
    for _, entry, exercise in answer.exercises():
        for one in exercise["sets"]:
            kg = one["weight_kg"]
            if kg is None or (entry.id, kg) in logged:
                continue
            if kg <= 0 or not on_grid(kg, entry.equipment, answer.profile):
                yield f"{entry.id}: {kg} kg does not exist there"


def on_grid(kg: float, equipment: frozenset[str], profile: Mapping[str, Any]) -> bool:
    """Whether the person has such dumbbells or such a barbell (R-01); true for other implements."""
    pounds = profile.get("units") == "lb"
    if "dumbbell" in equipment and profile.get("dumbbell_step_kg"):
        return _multiple(kg, profile["dumbbell_step_kg"])
    if "dumbbell" in equipment:
        small, limit, large = DUMBBELL_STEPS
        return _multiple(kg / POUND, 2.5) if pounds else _multiple(kg, small if kg <= limit else large)
    if "barbell" in equipment:
        bar = profile.get("bar_kg") or 15.0
        plates = _multiple(kg / POUND, 2.5) or _multiple((kg - bar) / POUND, 2.5)
        return kg >= bar - 0.3 and (plates if pounds else _multiple(kg - bar, 2.5))
    return True


def _multiple(value: float, step: float) -> bool:
    return abs(value / step - round(value / step)) * step < 0.02


def _warmups(answer: Answer) -> Iterator[str]:
    for _, entry, exercise in answer.exercises():
        work = [
            one["weight_kg"] for one in exercise["sets"] if not one["warmup"] and one["weight_kg"] is not None
        ]
        ramp = [one for one in exercise["sets"] if one["warmup"]]
        if len(ramp) > 4:
            yield f"{entry.id} has {len(ramp)} warm-up sets"
        for one in ramp:
            if work and one["weight_kg"] is not None and one["weight_kg"] > max(work) + 0.01:
                yield f"{entry.id} warms up with {one['weight_kg']} kg for {max(work)} kg"


def _weekly(answer: Answer) -> Iterator[str]:
    if answer.case["request"] != "next_week_plan":
        return
    sure, most = answer.volume(hard=True), answer.volume_at_most()
    for muscle, sets in answer.out["weekly_sets"].items():
        if not sure[muscle] - 0.01 <= sets <= most[muscle] + 0.01:
            yield f"weekly_sets.{muscle} is {sets}; the days hold {sure[muscle]} hard ones of {most[muscle]}"
    yield from (
        f"weekly_sets lacks {muscle}"
        for muscle, sets in sure.items()
        if sets and muscle not in answer.out["weekly_sets"]
    )


def _per_session(answer: Answer) -> Iterator[str]:
    most = 6 if answer.profile["experience"] == "novice" else 10
    for day in range(len(answer.out["days"])):
        yield from (
            f"day {day} has {sets} sets of {muscle}, more than {most} (V-06)"
            for muscle, sets in answer.volume(hard=True, day=day).items()
            if sets > most + 0.01
        )


def _days(answer: Answer) -> Iterator[str]:
    most = min(answer.profile["days_per_week"], 6)
    careful = (
        answer.profile["experience"] == "novice"
        or answer.profile["age"] >= 65
        or answer.profile.get("conditions")
    )
    most = min(most, 5 if careful and answer.profile.get("conditions") != ["none"] else 6)
    if len(answer.out["days"]) > most:
        yield f"{len(answer.out['days'])} days, more than {most} (F-03)"


def _energy(answer: Answer) -> Iterator[str]:
    kcal = answer.out["kcal"]
    if kcal is None:
        return
    least = 1200 if answer.profile["sex"] == "F" else 1500
    if kcal["target"] < max(least, kcal["floor"]) - 0.5 or kcal["floor"] < least:
        yield f"{kcal} is below the floor of {least} (N-03)"
    if kcal["deficit"] > min(750, 0.25 * (kcal["target"] + kcal["deficit"])) + 1:
        yield f"a deficit of {kcal['deficit']} at {kcal['target']} kcal (N-02)"
    if kcal["deficit"] < -500.5:
        yield f"a surplus of {-kcal['deficit']} kcal (N-06)"


def _reasons(answer: Answer, rule_ids: frozenset[str]) -> Iterator[str]:
    for one in [*answer.out["reasons"], *answer.out["changes"]]:
        if one["rule_id"] not in rule_ids:
            yield f"no rule {one['rule_id']!r}"
        if not str(one["text"]).strip() or "{" in one["text"]:
            yield f"{one['rule_id']}: the text is {one['text']!r}"
    yield from (f"a text is {text!r}" for text in answer.texts() if not text.strip() or CODE.search(text))
