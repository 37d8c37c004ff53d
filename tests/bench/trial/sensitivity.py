"""Does the verdict hang on a number of the model? Each parameter by 30 % less and more, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from fitsense.simulation.response import RESPONSE, Response
from tests.bench.trial.arms import ADAPTED, STATIC
from tests.bench.trial.people import draw_cast
from tests.bench.trial.running import run_trial
from tests.bench.trial.scoring import Estimate, differences, estimate

SWING = 0.3
NO_PART = frozenset({"size_per_rir", "size_rate"})
"""Parameters that only scale the proxy of size: neither strength nor overload knows them."""
EXTREMES: dict[str, Response] = {
    "easy sets count in full": replace(RESPONSE, easy_set_worth=1.0),
    "half the sets keep most fitness": replace(RESPONSE, fitness_power=0.5),
    "sleep does not matter": replace(RESPONSE, sleep_slows=0.0, sleep_cost_per_h=0.0),
    "no noise in RIR": replace(RESPONSE, rir_noise=0.0),
    "twice the noise in RIR": replace(RESPONSE, rir_noise=2.0),
    "fatigue in proportion (Banister)": replace(RESPONSE, fatigue_power=1.0),
}
"""Where a third is not the question: assumptions switched off or turned over."""


@dataclass(frozen=True)
class Variant:
    """Adapted less static where the model is otherwise."""

    name: str
    strength_pct: Estimate
    overload_weeks: Estimate


def responses() -> Iterator[tuple[str, Response]]:
    """Every variation of the model with its name."""
    for one in (one for one in fields(Response) if one.name not in NO_PART):
        value = getattr(RESPONSE, one.name)
        for factor in (1 - SWING, 1 + SWING):
            yield f"{one.name} x {factor:.1f}", replace(RESPONSE, **{one.name: value * factor})
    yield from EXTREMES.items()


def sensitivity(count: int, seed: int) -> list[Variant]:
    """The two arms again for each variation, with the same ``count`` athletes."""
    cast = draw_cast(count, seed)
    found = []
    for name, response in responses():
        trial = run_trial(count, seed, arms=(ADAPTED, STATIC), response=response, cast=cast)
        less = differences(trial, ADAPTED, STATIC)
        strength, overload = estimate(less["strength_pct"]), estimate(less["overload_weeks"])
        found.append(Variant(name, strength, overload))
    return found
