"""What two records are compared by: normalised texts, words, and the hashes of both."""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b

from fitsense.records import CoachAnswer, Plan, PlannedExercise

# Not \w: it would split Devanagari words at their vowel signs, which are marks and not letters.
_WORD = re.compile(
    r"[^\s!-/:-@\[-`{-~\u00a1\u00ab\u00bb\u00bf\u0964\u0965\u2010-\u2027\u2039\u203a\u3001\u3002]+"
)
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[a-z]{2,}", re.IGNORECASE)
# International, grouped, or nine and more digits in a row: rows of repetitions and weights are none of these.
_PHONE = re.compile(r"\+\d[\d ()-]{7,16}\d|(?<![\d.])(?:\(?\d{3}\)?[ -]\d{3}[ -]\d{3,4}|\d{9,15})(?![\d.])")


def normalised(text: str) -> str:
    """Unicode NFKC, case folded, whitespace collapsed: what differs only so is the same text."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(text: str) -> list[str]:
    """Words of a normalised text, without punctuation, in any of the languages."""
    return _WORD.findall(text)


def answer_words(answer: CoachAnswer) -> list[str]:
    """The words of an answer's content: the message, then the plan's values, without JSON's own keys."""
    found = words(normalised(answer.message))
    found.append(answer.action)
    if answer.plan:
        found += _plan_words(answer.plan)
    return found


def _plan_words(plan: Plan) -> list[str]:
    found = ["deload"] if plan.deload else []
    for number, day in enumerate(plan.days):
        found.append(f"day{number}")
        for exercise in day.exercises:
            found += _exercise_words(exercise)
    return found


def _exercise_words(exercise: PlannedExercise) -> list[str]:
    low, high = exercise.reps
    return [
        exercise.id,
        f"{exercise.sets}x{low}-{high}/{exercise.rest_s}s",
        f"rir{exercise.rir}",
        f"{exercise.kg}kg",
    ]


def exact_hash(instruction: str, context: str, response: str) -> bytes:
    """128 bits over the three normalised texts: equal hashes are the same record."""
    joined = "\0".join((normalised(instruction), normalised(context), normalised(response)))
    return blake2b(joined.encode(), digest_size=16).digest()


def text_hash(text: str) -> bytes:
    """64 bits over one normalised text."""
    return blake2b(normalised(text).encode(), digest_size=8).digest()


def looks_personal(text: str) -> bool:
    """Whether a text carries what looks like an e-mail address or a telephone number."""
    return ("@" in text and bool(_EMAIL.search(text))) or bool(_PHONE.search(text))
