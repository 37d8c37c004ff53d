"""Twelve weeks of simulated athletes under the engine's plans: ``python -m tests.bench athletes [N]``.

The engine's weekly plans, made from each athlete's own logs, against its first plan repeated (static), with
loads raised blindly (linear) and with loads chosen by feel. Same people, lives and luck in each arm. Then the
model of a person is varied, one number at a time. Figures go to ``.local/bench/athletes.json``, charts to
``.local/bench/athletes.html``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from fitsense.artifacts import to_json
from fitsense.reporting.render import html
from tests.bench.measure import heading
from tests.bench.trial.arms import ARMS, STATIC
from tests.bench.trial.page import checks_of, facts_of, page_of
from tests.bench.trial.running import WEEKS, run_trial
from tests.bench.trial.scoring import MEASURES
from tests.bench.trial.sensitivity import sensitivity

ATHLETES, SEED = 1_000, 1
VARIED_SHARE = 8
"""One athlete in so many takes part in each variation of the model."""
FOLDER = Path(".local/bench")
_NAME = 35


def main(athletes: int = ATHLETES) -> int:
    """Print the tables and write the files; 1 when the adapted arm does not win."""
    heading(f"athletes: {athletes:,} for {WEEKS} weeks, seed {SEED}; mean and 95 % interval")
    began = time.process_time()
    trial = run_trial(athletes, SEED)
    trial_s = time.process_time() - began
    variants = sensitivity(max(40, athletes // VARIED_SHARE), SEED)
    facts = facts_of(trial, variants)
    _print_arms(facts)
    _print_differences(facts)
    _print_slices(facts)
    _print_sensitivity(facts)
    FOLDER.mkdir(parents=True, exist_ok=True)
    page = page_of(trial, facts)
    (FOLDER / "athletes.json").write_bytes(to_json(page.report))
    (FOLDER / "athletes.html").write_text(html(page), encoding="utf-8")
    print(f"\n  trial {trial_s:.1f} CPU s, with variations {time.process_time() - began:.1f} CPU s")
    return _print_verdict(facts)


def _print_arms(facts: dict[str, Any]) -> None:
    print(f"  {'an athlete over the trial':<{_NAME}}" + "".join(f"{arm:>10}" for arm in ARMS))
    for key, (name, unit) in MEASURES.items():
        values = "".join(f"{facts['arms'][arm][key]['mean']:>10.2f}" for arm in ARMS)
        print(f"  {_named(name, unit):<{_NAME}}{values}")


def _print_differences(facts: dict[str, Any]) -> None:
    for against in facts["adapted_less"]:
        print(f"\n  {'adapted less ' + against:<{_NAME}}    mean     low    high")
        for key, (name, unit) in MEASURES.items():
            print(f"  {_named(name, unit):<{_NAME}}{_three(facts['adapted_less'][against][key])}")


def _print_slices(facts: dict[str, Any]) -> None:
    _print_pairs("adapted less static")
    for found in facts["slices"].values():
        for label, one in found.items():
            print(_pair(f"{label} ({one['n']})", one))


def _print_sensitivity(facts: dict[str, Any]) -> None:
    _print_pairs("if the model is otherwise")
    for name, one in facts["sensitivity"].items():
        print(_pair(name, one))


def _print_pairs(title: str) -> None:
    print(f"\n  {title:<{_NAME - 5}}{'strength gained, %':>22}{'overload weeks':>24}")


def _pair(name: str, one: dict[str, Any]) -> str:
    strength, overload = _bracketed(one["strength_pct"]), _bracketed(one["overload_weeks"])
    return f"  {name:<{_NAME - 5}}{strength:>22}{overload:>24}"


def _named(name: str, unit: str) -> str:
    return f"{name}, {unit}" if unit else name


def _three(one: dict[str, float]) -> str:
    return "".join(f"{one[key]:>+8.2f}" for key in ("mean", "low", "high"))


def _bracketed(one: dict[str, float]) -> str:
    return f"{one['mean']:+.2f} [{one['low']:+.2f}, {one['high']:+.2f}]"


def _print_verdict(facts: dict[str, Any]) -> int:
    checks = checks_of(facts)
    for check in checks:
        verdict = "met" if check.passed else "MISSED"
        print(f"  {check.name:<24} {check.value:>+8.2f} {check.op} {check.threshold:g}  {verdict}")
    held = [one for one in facts["sensitivity"].values() if one["strength_pct"]["low"] > 0]
    print(
        f"  adapted ahead of {STATIC} in {len(held)} of {len(facts['sensitivity'])} variations of the model"
    )
    return 0 if all(check.passed for check in checks) else 1


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:])))
