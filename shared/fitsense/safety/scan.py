"""A text as concepts in their places, each denied, past, supposed, general, or live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from fitsense.safety.lexicon import Lexicon, load_lexicon
from fitsense.safety.text import Text, read
from fitsense.safety.tongue import Tongue, tongues
from fitsense.safety.words import words

Span = tuple[str, int, int]
"""Concept, first word, word behind the last."""
SCOPE_WORDS = 6
"""How far ``no`` reaches forward, and ``nahi`` (less two words) backward."""
_HINDI_VERBS = words("scan.hindi_verbs")
_LIST_WORDS = words("scan.list_words")
_FORWARD_HINDI = words("scan.forward_hindi")


@dataclass(frozen=True, slots=True)
class Hit:
    """A concept at words ``start`` to before ``end``, and what its sentence makes of it."""

    concept: str
    start: int
    end: int
    sentence: int
    negated: bool = False
    past: bool = False
    supposed: bool = False
    general: bool = False

    @property
    def live(self) -> bool:
        return not (self.negated or self.past or self.supposed or self.general)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text names, by concept."""

    text: Text
    tongue: Tongue
    tongues: frozenset[Tongue]
    hits: Mapping[str, tuple[Hit, ...]] = field(default_factory=dict)

    def has(self, *concepts: str) -> bool:
        """Whether any of them is named and not denied."""
        return any(not hit.negated for concept in concepts for hit in self.hits.get(concept, ()))

    def live(self, *concepts: str) -> Iterator[Hit]:
        """What holds here and now."""
        return (hit for concept in concepts for hit in self.hits.get(concept, ()) if hit.live)


def scan(text: str, extra: Iterable[tuple[str, int]] = ()) -> Reading:
    """Read ``text``. ``extra`` adds concepts that were found by other means, at a word each."""
    return scan_words(read(text), extra)


def scan_words(text: Text, extra: Iterable[tuple[str, int]] = ()) -> Reading:
    """As ``scan``, for a text that is split already."""
    lexicon = load_lexicon()
    text = _with_joined_split(text, lexicon)
    main, used = tongues(text.words, text.devanagari)
    spans = _unmasked(list(dict.fromkeys(_spans(text, lexicon, used))))
    spans += [(concept, at, at + 1) for concept, at in extra if at < len(text.words)]
    spans += [("asks", at, at + 1) for at in _questions(text)]
    spans = _bounded(spans)
    grammar = _Grammar(text, spans)
    hits: dict[str, list[Hit]] = {}
    for concept, start, end in spans:
        hits.setdefault(concept, []).append(grammar.hit(concept, start, end))
    return Reading(text, main, used, {concept: tuple(found) for concept, found in hits.items()})


MOST_PLACES = 60
"""Of one concept, from both ends: a text that says a word a thousand times says no more than that."""


def _bounded(spans: list[Span]) -> list[Span]:
    if len(spans) <= MOST_PLACES:
        return spans
    places: dict[str, list[Span]] = {}
    for span in spans:
        places.setdefault(span[0], []).append(span)
    half = MOST_PLACES // 2
    return [
        span
        for found in places.values()
        for span in (found if len(found) <= MOST_PLACES else (*found[:half], *found[-half:]))
    ]


def _questions(text: Text) -> Iterator[int]:
    """The first word of each sentence that asks."""
    before = -1
    for at, sentence in enumerate(text.sentence):
        if sentence != before and text.asks[sentence]:
            yield at
        before = sentence


def _with_joined_split(text: Text, lexicon: Lexicon) -> Text:
    parts = [lexicon.split(word) for word in text.words]
    if all(len(one) == 1 for one in parts):
        return text
    repeat = [at for at, one in enumerate(parts) for _ in one]
    return Text(
        tuple(word for one in parts for word in one),
        tuple(text.clause[at] for at in repeat),
        tuple(text.sentence[at] for at in repeat),
        text.asks,
        text.devanagari,
        text.plain,
    )


def _spans(text: Text, lexicon: Lexicon, used: frozenset[Tongue]) -> Iterator[Span]:
    hindi = "hi" in used
    resolved = [lexicon.resolve(word, hindi) for word in text.words]
    for start, entries in enumerate(resolved):
        for entry in entries:
            for _, concept, language in lexicon.single.get(entry, ()):
                if language in used:
                    yield concept, start, start + 1
        for pair in product(entries, resolved[start + 1] if start + 1 < len(resolved) else ()):
            for phrase, concept, language in lexicon.by_two.get(pair, ()):
                end = start + len(phrase)
                if language in used and end <= len(resolved) and _follows(phrase, resolved, start):
                    yield concept, start, end


def _follows(phrase: tuple[str, ...], resolved: list[tuple[str, ...]], start: int) -> bool:
    return all(phrase[at] in resolved[start + at] for at in range(2, len(phrase)))


def _unmasked(spans: list[Span]) -> list[Span]:
    """Without what a figure of speech covers; a longer finding breaks the figure."""
    masks = [(start, end) for concept, start, end in spans if concept.startswith("mask_")]
    rest = [span for span in spans if not span[0].startswith("mask_")]
    masks = [
        (low, high)
        for low, high in masks
        if not any(a < high and b > low and b - a > high - low for _, a, b in rest)
    ]
    return [span for span in rest if not any(low <= span[1] and span[2] <= high for low, high in masks)]


class _Grammar:
    """Which words are denied, and which sentences and clauses speak of the past, in general, or of ifs."""

    def __init__(self, text: Text, spans: list[Span]) -> None:
        self.text = text
        at: dict[str, list[tuple[int, int]]] = {}
        for concept, start, end in spans:
            at.setdefault(concept, []).append((start, end))
        self.denied = self._denied(at, spans)
        clause, sentence = text.clause, text.sentence
        self.past = {clause[a] for a, _ in at.get("past", ())}
        self.recent = {clause[a] for a, _ in at.get("recent_past", ())}
        self.past_sentences = {sentence[a] for a, _ in at.get("past", ())}
        self.recent_sentences = {sentence[a] for a, _ in at.get("recent_past", ())}
        self.cleared = [a for a, _ in at.get("cleared", ())]
        self.suppose = [(sentence[a], a) for a, _ in at.get("suppose", ())]
        personal = {sentence[a] for a, _ in at.get("first_person", ())}
        personal |= {sentence[a] for a, _ in at.get("third_person", ())}
        personal |= {sentence[a] for a, _ in at.get("deictic", ())}
        self.general = {sentence[a] for a, _ in at.get("define_general", ())} - personal
        self.general |= {sentence[a] for a, _ in at.get("define_strong", ())}

    def hit(self, concept: str, start: int, end: int) -> Hit:
        sentence = self.text.sentence[start]
        return Hit(
            concept,
            start,
            end,
            sentence,
            negated=any(not start <= cue < end for cue in self.denied.get(start, ())),
            past=self._past(start, sentence),
            supposed=any(one == sentence and at < start for one, at in self.suppose),
            general=sentence in self.general,
        )

    def _past(self, start: int, sentence: int) -> bool:
        clause = self.text.clause[start]
        if clause in self.recent:
            return False
        if clause in self.past or (sentence in self.past_sentences and sentence not in self.recent_sentences):
            return True
        return any(self._clears(at, start) for at in self.cleared)

    def _clears(self, at: int, start: int) -> bool:
        """A clearance after the sign, in its sentence or the next, or just before it without a ``but``."""
        apart = self.text.sentence[at] - self.text.sentence[start]
        if at > start:
            return apart <= 1
        return self.text.clause[at] == self.text.clause[start]

    def _denied(self, at: Mapping[str, list[tuple[int, int]]], spans: list[Span]) -> dict[int, list[int]]:
        """Word → the words that deny it. One inside another finding (``can't feel``) denies nothing else."""
        void = {word for a, b in at.get("neg_void", ()) for word in range(a, b)}
        for concept, start, end in spans:
            if end - start > 1 and concept not in _GRAMMAR:
                void.update(range(start, end))
        found: dict[int, list[int]] = {}
        for cue, _ in at.get("neg", ()):
            end = max(b for a, b in at["neg"] if a == cue)
            if cue not in void and not self._opens_question(cue):
                self._deny(found, cue, self._forward(end))
        for cue, _ in at.get("neg_after", ()):
            if cue not in void:
                self._deny(found, cue, self._backward(cue))
                if self.text.words[cue] in _FORWARD_HINDI:
                    self._deny(found, cue, self._forward(cue + 1))
        return found

    @staticmethod
    def _deny(found: dict[int, list[int]], cue: int, words: Iterable[int]) -> None:
        for word in words:
            found.setdefault(word, []).append(cue)

    def _backward(self, cue: int) -> Iterator[int]:
        """Words that ``nahi`` denies: back to the verb that ends what was said before."""
        for word in range(cue - 1, max(-1, cue - SCOPE_WORDS + 1), -1):
            if self.text.clause[word] != self.text.clause[cue] or self.text.words[word] in _HINDI_VERBS:
                return
            yield word

    def _opens_question(self, at: int) -> bool:
        first = at == 0 or self.text.sentence[at - 1] != self.text.sentence[at]
        return (
            first
            and self.text.asks[self.text.sentence[at]]
            and self.text.words[at] not in {"no", "sin", "nunca"}
        )

    def _forward(self, start: int) -> Iterator[int]:
        """Words that ``no`` before ``start`` denies: to the clause's end, and through a list with ``or``."""
        words, clause, sentence = self.text.words, self.text.clause, self.text.sentence
        last = clause[start - 1]
        for at in range(start, min(len(words), start + SCOPE_WORDS)):
            if sentence[at] != sentence[start - 1] or words[at] in SCOPE_END:
                return
            if clause[at] != last:
                ahead = words[at : at + 5]
                if not _LIST_WORDS.intersection(ahead):
                    return
                last = clause[at]
            yield at


SCOPE_END = words("scan.scope_end")
_GRAMMAR = words("scan.grammar")
