"""What the evaluation measures with: texts, samples, intervals."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from student.evaluate.bootstrap import Bootstrap
from student.evaluate.sampling import Candidate, apportion, choose
from student.evaluate.texts import chrf, distinct, grounded, novelty

BOOT = Bootstrap(seed=1, level=0.95, resamples=400)


# texts


def test_chrf_is_one_for_the_same_and_less_for_less() -> None:
    text = "Keep 20 kg on goblet squat this week."
    assert chrf(text, text) == 1.0
    assert chrf("Keep  20 kg on goblet squat\nthis week.", text) == 1.0
    assert (
        0.0 < chrf("Keep 20 kg this week.", text) < chrf("Keep 22 kg on goblet squat this week.", text) < 1.0
    )
    assert chrf("", text) == 0.0
    assert chrf("абвгд", text) == 0.0


def test_chrf_by_hand() -> None:
    # characters a, b of "ab" against "abc": unigrams P 1, R 2/3; bigrams P 1, R 1/2; trigrams 0; longer ones
    # neither text has. F2 = 5 P R / (4 P + R).
    def f2(p: float, r: float) -> float:
        return 5 * p * r / (4 * p + r)

    assert chrf("ab", "abc") == pytest.approx((f2(1, 2 / 3) + f2(1, 1 / 2) + 0) / 3)


def test_numbers_are_grounded_in_what_was_known_or_planned() -> None:
    exercise = {"id": "sq03", "sets": 3, "reps": [8, 12], "rir": 2.0, "kg": 20.0, "rest_s": 90}
    plan = {"plan": {"goal": "strength", "days": [{"exercises": [exercise]}] * 2, "deload": False}}
    known = ["Weight kg: 71.5"]
    assert grounded("You weigh 71,5 kg; squat 3x8-12 with 20 kg (44 lb).", known, plan) == 1.0
    assert grounded("Day 2: rest 1.5 minutes (P-01, sq03).", known, plan) == 1.0
    assert grounded("Squat 47 kg, you weigh 71.5 kg.", known, plan) == 0.5
    assert grounded("Well done!", known, plan) is None


def test_novelty_and_distinct_fall_with_sameness() -> None:
    own, shared = "one two three four five", "six seven eight nine"
    assert novelty([own, shared, shared]) == [1.0, 0.0, 0.0]
    assert novelty(["too short"]) == [None]
    assert distinct([shared, shared]) == 0.5
    assert distinct([]) == 0.0


# sampling


def records(count: int, seed: int = 0) -> list[Candidate]:
    dice = random.Random(seed)
    kinds, languages = ["plan"] * 7 + ["chat"] * 3, ["en"] * 9 + ["hi"]
    found = []
    for number in range(count):
        stratum = (dice.choice(kinds), dice.choice(languages))
        found.append(Candidate(f"r{number}", stratum, {"type": stratum[0], "language": stratum[1]}))
    return found


def test_the_sample_has_the_proportions_of_the_whole() -> None:
    everything = records(1000)
    chosen = choose(everything, 100, 0, seed=3)
    whole = Counter(one.stratum for one in everything)
    sample = Counter(one.stratum for one in everything if one.id in chosen.main)
    assert len(chosen.main) == 100
    assert not chosen.extra
    assert all(abs(sample[stratum] - whole[stratum] / 10) < 1 for stratum in whole)


def test_the_sample_is_the_seeds_alone() -> None:
    everything = records(300)
    shuffled = random.Random(1).sample(everything, 300)
    assert choose(everything, 50, 4, 7) == choose(shuffled, 50, 4, 7)
    assert choose(everything, 50, 4, 7) != choose(everything, 50, 4, 8)


def test_small_slices_are_filled_as_far_as_there_are_records() -> None:
    everything = [*records(200), Candidate("lone", ("plan", "es"), {"language": "es"})]
    chosen = choose(everything, 20, 6, seed=1)
    kept = [one for one in everything if one.id in chosen.main | chosen.extra]
    have = Counter(place for one in kept for place in one.slices.items())
    assert not chosen.main & chosen.extra
    assert have["language", "hi"] >= 6
    assert have["language", "es"] == 1


def test_seats_never_exceed_the_stratum() -> None:
    assert apportion({("a",): 1, ("b",): 99}, 10) == {("a",): 0, ("b",): 10}
    assert sum(apportion({("a",): 33, ("b",): 33, ("c",): 34}, 10).values()) == 10
    assert apportion({("a",): 2, ("b",): 3}, 9) == {("a",): 2, ("b",): 3}


# bootstrap


def test_intervals_are_the_seeds_alone_and_hold_the_value() -> None:
    dice = random.Random(4)
    values, people = [float(dice.random() < 0.7) for _ in range(80)], [str(n) for n in range(80)]
    one, two = (BOOT.estimate(values, people, "verified") for _ in range(2))
    assert one == two
    assert one != BOOT.estimate(values, people, "other")
    assert one.low < one.value < one.high
    half = 1.96 * np.std(values) / np.sqrt(80)
    assert one.high - one.low == pytest.approx(2 * half, rel=0.2)


def test_prompts_of_one_person_are_no_independent_evidence() -> None:
    values = [float(person % 2) for person in range(20) for _ in range(10)]
    own, one_each = [str(n // 10) for n in range(200)], [str(n) for n in range(200)]
    clustered, naive = BOOT.estimate(values, own, "x"), BOOT.estimate(values, one_each, "x")
    assert clustered.high - clustered.low > 2.5 * (naive.high - naive.low)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    dice, hits = random.Random(9), 0
    for trial in range(200):
        values = [float(dice.random() < 0.6) for _ in range(60)]
        found = BOOT.estimate(values, range(60), f"{trial}")
        hits += found.low <= 0.6 <= found.high
    assert 180 <= hits <= 198
