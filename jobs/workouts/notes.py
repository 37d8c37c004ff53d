"""Notes for a few days: which days get one, of which kind, in the person's language."""

from __future__ import annotations

import numpy as np

from fitsense.simulation.arrays import Ints
from fitsense.simulation.athletes import Simulation
from fitsense.simulation.moves import Moves
from jobs.workouts.note_texts import AREAS, ORDINARY, RED_FLAGS
from jobs.workouts.summaries import sessions_by_day

KINDS = ("red_flag", "pain_start", "pain", "tired", "missed", "stalled", "hungry", "good", "plain")
CHANCE = {
    "red_flag": 0.0006,
    "pain_start": 0.7,
    "pain": 0.12,
    "tired": 0.15,
    "missed": 0.12,
    "stalled": 0.08,
    "hungry": 0.012,
    "good": 0.05,
    "plain": 0.012,
}
"""Chance of a note on a day of that kind; the first kind that applies decides."""
SHORT_NIGHT_H = 5.5
ONLY_FOR = {"X-HYPO": ("diabetes_t1", "diabetes_t2"), "C-PREG-STOP": ("pregnant",)}


def write_notes(moves: Moves, simulation: Simulation, rng: np.random.Generator) -> tuple[Ints, list[str]]:
    """Codes (N * D,), -1 for no note, and the distinct texts that they name."""
    kinds = _kinds(simulation, rng)
    texts: dict[str, int] = {}
    codes = np.full(kinds.size, -1, np.int32)
    days = simulation.calendar.days
    places = np.flatnonzero(kinds.ravel() >= 0)
    for place, luck in zip(places.tolist(), rng.random((len(places), 2)).tolist(), strict=True):
        person, day = divmod(place, days)
        text = _text(moves, simulation, KINDS[kinds[person, day]], person, day, luck)
        codes[place] = texts.setdefault(text, len(texts))
    return codes, list(texts)


def _kinds(simulation: Simulation, rng: np.random.Generator) -> Ints:
    """(N, D) index of ``KINDS``, -1 where nobody writes."""
    planned, done = sessions_by_day(simulation)
    pain, size, days = simulation.life.pain, simulation.roster.size, simulation.calendar.days
    before = np.concatenate([np.zeros((size, 1), pain.dtype), pain[:, :-1]], axis=1)
    stalled = np.repeat(np.stack(simulation.history.stalled, axis=1), 7, axis=1)
    dieting = (simulation.roster.kcal_target < simulation.roster.tdee - 250)[:, None]
    applies = {
        "red_flag": np.ones((size, days), bool),
        "pain_start": (pain > 0) & (before == 0),
        "pain": pain > 0,
        "tired": simulation.life.sleep < SHORT_NIGHT_H,
        "missed": planned & ~done,
        "stalled": stalled & done,
        "hungry": np.broadcast_to(dieting, (size, days)),
        "good": done,
        "plain": np.ones((size, days), bool),
    }
    writes = rng.random((size, days), dtype=np.float32)
    # A red flag does not take the day from the others: it is drawn first, on its own.
    flagged = rng.random((size, days), dtype=np.float32) < CHANCE["red_flag"]
    rest = [applies[kind] for kind in KINDS[1:]]
    kind = np.select(rest, list(range(1, len(KINDS))))
    chance = np.array([CHANCE[one] for one in KINDS])[kind]
    return np.where(flagged, 0, np.where(writes < chance, kind, -1))


def _text(moves: Moves, simulation: Simulation, kind: str, person: int, day: int, luck: list[float]) -> str:
    language = simulation.roster.languages[person]
    if kind == "red_flag":
        rules = _possible_flags(simulation.roster.conditions[person])
        return _one(RED_FLAGS[language][_one(rules, luck[0])], luck[1])
    text = _one(ORDINARY[language]["pain" if kind == "pain_start" else kind], luck[0])
    area = int(simulation.life.area[person, day])
    named = AREAS[language][moves.pain_areas[area - 1]] if area else ""
    filled = text.format(area=named, hours=f"{simulation.life.sleep[person, day]:.1f}".removesuffix(".0"))
    return filled[:1].upper() + filled[1:]


def _possible_flags(conditions: list[str]) -> tuple[str, ...]:
    own = set(conditions)
    return tuple(rule for rule in RED_FLAGS["en"] if rule not in ONLY_FOR or own.intersection(ONLY_FOR[rule]))


def _one(texts: tuple[str, ...], luck: float) -> str:
    return texts[int(luck * len(texts))]
