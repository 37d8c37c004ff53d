"""What a person's own notes say about their body: data, never instructions (X-INJECT)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fitsense.safety import numbers
from fitsense.safety.inject import injected
from fitsense.safety.people import concepts_of
from fitsense.safety.rules import LEVELS, Level, matches
from fitsense.safety.scan import Hit, Reading, scan_words
from fitsense.safety.text import read
from fitsense.safety.words import words

DEFAULT_SEVERITY = 0
"""Pain without a number; ``SEVERE`` words stand in for one."""
SEVERE, MILD = 7, 2
SORE_SCORE, SORE_HOURS = 7, 72
"""D-01e."""

AREAS = {
    "back": "low_back",
    "knee": "knee", "shoulder": "shoulder", "low_back": "low_back", "wrist": "wrist", "elbow": "elbow",
    "hip": "hip", "ankle": "ankle", "neck": "neck", "foot": "foot", "calf": "calf", "a_shin": "shin",
    "a_thigh": "thigh", "a_hamstring": "hamstring", "a_groin": "groin", "a_upper_back": "upper_back",
    "a_chest_wall": "chest_wall", "abdomen": "abdomen", "hand": "hand", "a_forearm": "forearm",
    "a_upper_arm": "upper_arm",
}  # fmt: skip
"""Concept → pain area of ``conditions.yaml``."""
QUALITIES = {
    "sharp": "sharp", "worse": "worsening", "night_pain": "night", "swell": "swelling", "locking":
    "locking", "numb": "numbness", "weak": "weakness", "not_improving": "not_improving",
}  # fmt: skip
"""C-PAINRULE: what makes a pain one to stop for, and to see a clinician."""
SIGNS = {
    "fatigue": "fatigue", "low_mood": "low_mood", "mood_low": "low_mood", "poor_sleep": "poor_sleep",
    "hr_up": "resting_hr", "frequent_ill": "frequent_illness", "appetite_loss": "appetite",
    "missed_period": "lost_periods", "low_libido": "low_libido", "headache": "headache", "vision_word":
    "vision", "dizzy": "dizzy", "breathless": "breathless", "confused": "confused", "ketones": "ketones",
}  # fmt: skip
SORE_MUSCLES = {
    "m_quads": "quads", "m_hams": "hamstrings", "m_glutes": "glutes", "calf": "calves", "m_chest":
    "chest", "m_back": "back", "m_side": "side_delts", "m_biceps": "biceps", "m_triceps": "triceps",
    "m_abs": "abs", "m_front": "front_delts", "m_rear": "rear_delts", "m_forearms": "forearms",
}  # fmt: skip
SIGN_RULES = words("triage.sign_rules")
_WISHES = frozenset({"X-MIN", "X-MED", "X-DX", "X-PRIV", "N-03"})


@dataclass(frozen=True, slots=True)
class Notes:
    """``pain``: area → severity 0 to 10 (0: not told); ``qualities``: area → what C-PAINRULE asks about.

    ``illness`` is "", "cold" (above the neck), "below_neck" or "fever"; ``flags`` are (rule, level).
    """

    pain: Mapping[str, int] = field(default_factory=dict)
    qualities: Mapping[str, frozenset[str]] = field(default_factory=dict)
    illness: str = ""
    flags: tuple[tuple[str, Level], ...] = ()
    signs: frozenset[str] = frozenset()
    sore_muscles: frozenset[str] = frozenset()
    injection: bool = False


def read_notes(texts: Sequence[str], person: Mapping[str, Any]) -> Notes:
    """All notes together, the strictest reading of each, of a ``person`` with sex and conditions."""
    pain: dict[str, int] = {}
    qualities: dict[str, frozenset[str]] = {}
    flags: dict[str, Level] = {}
    signs: set[str] = set()
    sore: set[str] = set()
    illness, injection, known = "", False, concepts_of(person)
    for reading in (_reading(text, person) for text in texts if text.strip()):
        for area, severity, quality in _pains(reading):
            pain[area] = max(severity, pain.get(area, 0))
            qualities[area] = qualities.get(area, frozenset()) | quality
        for rule, level in _flags(reading, known):
            flags[rule] = max(level, flags.get(rule, level), key=LEVELS.index)
        illness = max(illness, illness_of(reading), key=_ILL.index)
        signs |= {name for concept, name in SIGNS.items() if any(reading.live(concept))}
        sore |= _sore(reading)
        injection = injection or bool(injected(reading))
    _pain_flag(pain, qualities, flags)
    ordered = tuple(sorted(flags.items(), key=lambda one: -LEVELS.index(one[1])))
    if "X-ED" in flags:
        signs.add("eating_disorder")
    return Notes(pain, qualities, illness, ordered, frozenset(signs), frozenset(sore), injection)


def _reading(text: str, person: Mapping[str, Any]) -> Reading:
    split = read(text)
    return scan_words(split, numbers.find(split, person))


def _flags(reading: Reading, known: frozenset[str]) -> Iterator[tuple[str, Level]]:
    """Red flags that hold now. What the notes want is no matter: they are data."""
    for match in matches(reading, known):
        told = match.rule_id in SIGN_RULES or not injected(reading)
        if (
            not match.soft
            and told
            and match.rule_id not in _WISHES
            and (match.level != "none" or match.rule_id == "N-09")
        ):
            yield match.rule_id, match.level


def _pains(reading: Reading) -> Iterator[tuple[str, int, frozenset[str]]]:
    """Each area with a pain near it, how bad, and of what kind."""
    signs = reading.live("pain", "locking", "pinch", "swell")
    hurts = [hit for hit in signs if not _is_fine(reading, hit)]
    taken: dict[str, tuple[int, frozenset[str]]] = {}
    for hurt in hurts:
        for area in _areas_at(reading, hurt):
            severity, quality = severity_of(reading, hurt), quality_of(reading, hurt)
            old = taken.get(area, (0, frozenset[str]()))
            taken[area] = (max(old[0], severity), old[1] | quality)
    for area, (severity, quality) in taken.items():
        yield area, severity, quality


def _is_fine(reading: Reading, hurt: Hit) -> bool:
    """A pain that is gone."""
    gone = (hit for hit in reading.hits.get("pain_gone", ()) if hit.sentence == hurt.sentence)
    return hurt.past or any(0 <= hit.start - hurt.start <= 6 for hit in gone)


def _areas_at(reading: Reading, hurt: Hit) -> Iterator[str]:
    """The areas in the pain's clause; else the nearest in its sentence, or in the one before."""
    text = reading.text
    found = [(hit, area) for concept, area in AREAS.items() for hit in reading.hits.get(concept, ())]
    found = [(hit, area) for hit, area in found if not (hit.start == hurt.start and hit.end == hurt.end)]
    same = {
        area
        for hit, area in found
        if text.clause[hit.start] == text.clause[hurt.start] and abs(hit.start - hurt.start) <= 8
    }
    if not same:
        near = [
            (abs(hit.start - hurt.start), area)
            for hit, area in found
            if abs(hit.sentence - hurt.sentence) <= 1
        ]
        same = {min(near)[1]} if near and min(near)[0] <= 10 else set()
    yield from _finest(same)


def _finest(areas: set[str]) -> set[str]:
    """``low_back`` is named by every back; a finer word wins over it."""
    if "upper_back" in areas:
        areas = areas - {"low_back", "shoulder"}
    if "groin" in areas:
        areas = areas - {"hip"}
    return areas


def severity_of(reading: Reading, hurt: Hit) -> int:
    """0 to 10: the figure in its sentence or the next, or what the words come to."""
    for word, score in numbers.pain_scores(reading.text):
        if abs(reading.text.sentence[word] - hurt.sentence) <= 1:
            return score
    near = [
        hit.concept
        for name in ("extreme", "mild")
        for hit in reading.hits.get(name, ())
        if hit.sentence == hurt.sentence
    ]
    if "extreme" in near:
        return SEVERE
    return MILD if "mild" in near else DEFAULT_SEVERITY


def quality_of(reading: Reading, hurt: Hit) -> frozenset[str]:
    """What else its sentence and the next say of it."""
    found = {
        name
        for concept, name in QUALITIES.items()
        for hit in reading.live(concept)
        if 0 <= hit.sentence - hurt.sentence <= 1
    }
    if _weeks(reading) > 2:
        found.add("not_improving")
    return frozenset(found)


_WEEKS = re.compile(
    r"(\d{1,2})\s*(?:weeks|semanas|hafte|hafton|hafto)|(\d{1,2})\s*(?:months|meses|mahine|mahino)"
)


def _weeks(reading: Reading) -> int:
    """The longest time that is named, in weeks."""
    found = (int(weeks) if weeks else 4 * int(months) for weeks, months in _WEEKS.findall(reading.text.plain))
    return max(found, default=0)


_ILL = ("", "cold", "below_neck", "fever")


def illness_of(reading: Reading) -> str:
    """O-02: the neck check."""
    if any(reading.live("fever")) or reading.has("n_core_temp"):
        return "fever"
    if any(reading.live("below_neck")):
        return "below_neck"
    if any(reading.live("above_neck")):
        return "cold"
    return "below_neck" if any(reading.live("ill_now")) else ""


def _sore(reading: Reading) -> set[str]:
    """D-01e: muscles at 7/10 or more for 72 hours or more."""
    if not reading.has("sore") and not (reading.has("pain") and reading.has("muscle")):
        return set()
    score = max((score for _, score in numbers.pain_scores(reading.text)), default=0)
    bad = score >= SORE_SCORE or (score == 0 and reading.has("extreme"))
    return (
        {SORE_MUSCLES[one] for one in SORE_MUSCLES if reading.has(one)}
        if bad and _hours(reading) >= SORE_HOURS
        else set()
    )


_HOURS = re.compile(
    r"(\d{1,3}|three|four|five|six|tres|cuatro|cinco|teen|chaar|char|paanch)\s*"
    r"(h\b|hours|horas|ghante|days|dias|din|day|th day)"
)
_NUMBER = {
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "tres": 3,
    "cuatro": 4,
    "cinco": 5,
    "teen": 3,
    "chaar": 4,
    "char": 4,
    "paanch": 5,
}


def _hours(reading: Reading) -> int:
    found = _HOURS.findall(reading.text.plain)
    times = [(_NUMBER.get(number) or int(number)) * (1 if unit[0] in "hg" else 24) for number, unit in found]
    if any(
        word in reading.text.plain
        for word in ("all week", "since last week", "a week", "toda la semana", "hafte bhar")
    ):
        times.append(168)
    return max(times, default=0)


def _pain_flag(
    pain: Mapping[str, int], qualities: Mapping[str, frozenset[str]], flags: dict[str, Level]
) -> None:
    """C-PAINRULE: above 5/10, or of a kind that asks for a clinician."""
    worrying = any(score > 5 for score in pain.values()) or any(qualities.get(area) for area in pain)
    if worrying and "C-PAINRULE" not in flags:
        flags["C-PAINRULE"] = "advise_clearance"
