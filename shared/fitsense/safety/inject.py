"""X-INJECT: which sentences are instructions to the coach's machinery, and what is left without them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fitsense.safety.scan import Reading
from fitsense.safety.text import Text
from fitsense.safety.words import words

ENOUGH_WORDS = 4
"""A remainder of fewer words asks for nothing of its own."""
_ROLE = re.compile(
    r"(?:^|[\n.!?>\[<])\s*[\[<]?\s*(?:system|assistant|sistema|developer|admin)\s*(?:prompt|note|message)?\s*[:\]>]"
)
_ROLES = words("inject.roles")
_COMMANDS = words("inject.commands")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """``rest`` is the text without the injected sentences, None when there was none."""

    injected: bool
    rest: Text | None
    """None when nothing of the user's own is left."""


def without_injection(reading: Reading) -> Cleaned:
    """Take out each sentence with an instruction to the machinery, and a command right behind it."""
    text, bad = reading.text, injected(reading)
    if not bad:
        return Cleaned(False, text)
    opening = {
        sentence: word for word, sentence in reversed(list(zip(text.words, text.sentence, strict=True)))
    }
    for sentence in sorted(bad):
        if opening.get(sentence + 1, "") in _COMMANDS:
            bad.add(sentence + 1)
    keep = [at for at, sentence in enumerate(text.sentence) if sentence not in bad]
    kept = {text.sentence[at] for at in keep}
    own = any(hit.sentence in kept for name in _SUBJECTS for hit in reading.hits.get(name, ()))
    if len(keep) < ENOUGH_WORDS or not own:
        return Cleaned(True, None)
    return Cleaned(True, _only(text, keep))


def injected(reading: Reading) -> set[int]:
    """The numbers of the sentences that instruct the machinery."""
    text = reading.text
    bad = {hit.sentence for hit in reading.hits.get("inject", ())} | _overruled(reading)
    if _ROLE.search(text.plain):
        bad |= {text.sentence[at] for at, word in enumerate(text.words) if word in _ROLES}
    return bad


def _overruled(reading: Reading) -> set[int]:
    """Sentences that tell the coach to drop its rules, in whatever words."""
    return {
        verb.sentence
        for verb in reading.hits.get("drop_verb", ())
        for noun in reading.hits.get("rule_noun", ())
        if verb.sentence == noun.sentence and abs(verb.start - noun.start) <= 5
    }


_SUBJECTS = tuple(sorted(words("inject.subjects")))
"""What a prompt of the user's own would be about."""


def _only(text: Text, keep: list[int]) -> Text:
    return Text(
        tuple(text.words[at] for at in keep),
        tuple(text.clause[at] for at in keep),
        tuple(text.sentence[at] for at in keep),
        text.asks,
        text.devanagari,
        " ".join(text.words[at] for at in keep),
    )
