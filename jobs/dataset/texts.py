"""What two records are compared by: normalised texts, their words, and hashes of whole texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

# Not \w: it would split Devanagari words at their vowel signs, which are marks and not letters.
_WORD = re.compile(
    r"[^\s!-/:-@\[-`{-~\u00a1\u00ab\u00bb\u00bf\u0964\u0965\u2010-\u2027\u2039\u203a\u3001\u3002]+"
)
_BLANKS = {code: " " for code in range(128) if not _WORD.match(chr(code))}
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[a-z]{2,}", re.IGNORECASE)
# International, grouped, or nine and more digits in a row: rows of repetitions and weights are none of these.
_PHONE = re.compile(r"\+\d[\d ()-]{7,16}\d|(?<![\d.])(?:\(?\d{3}\)?[ -]\d{3}[ -]\d{3,4}|\d{9,15})(?![\d.])")
# In every match of _PHONE that has no plus sign, and far quicker to look for.
_PHONE_PART = re.compile(r"\d{3}\)?[ -]?\d{3}")


def normalised(text: str) -> str:
    """Unicode NFKC, case folded, whitespace collapsed: what differs only so is the same text."""
    if not text.isascii():  # which NFKC leaves as it is
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def spaced_words(text: str) -> str:
    """The words of the normalised text with spaces between them, in any of the languages."""
    if text.isascii():
        return text.lower().translate(_BLANKS)
    return " ".join(_WORD.findall(normalised(text)))


def answer_words(answer: Mapping[str, Any]) -> str:
    """The words of a CoachAnswer's content: the message, then the plan's values, without JSON's own keys."""
    found = [spaced_words(answer["message"]), answer["action"]]
    if plan := answer["plan"]:
        if plan["deload"]:
            found.append("deload")
        for number, day in enumerate(plan["days"]):
            found.append(f"day{number}")
            found += [_exercise_words(exercise) for exercise in day["exercises"]]
    return " ".join(found)


def _exercise_words(exercise: Mapping[str, Any]) -> str:
    low, high = exercise["reps"]
    return (
        f"{exercise['id']} {exercise['sets']}x{low}-{high}/{exercise['rest_s']}s "
        f"rir{exercise['rir']} {exercise['kg']}kg"
    )


def text_hash(text: str) -> bytes:
    """128 bits over one normalised text."""
    return blake2b(normalised(text).encode(), digest_size=16).digest()


def exact_hash(instruction: str, context: str, response_hash: bytes) -> bytes:
    """128 bits over the three normalised texts: equal hashes are the same record.

    ``response_hash`` is the ``text_hash`` of the third.
    """
    joined = f"{normalised(instruction)}\0{normalised(context)}\0".encode()
    return blake2b(joined + response_hash, digest_size=16).digest()


def looks_personal(text: str) -> bool:
    """Whether a text carries what looks like an e-mail address or a telephone number."""
    if "@" in text and _EMAIL.search(text):
        return True
    return bool(("+" in text or _PHONE_PART.search(text)) and _PHONE.search(text))
