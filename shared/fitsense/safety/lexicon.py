"""The concepts that prompts are read as, and the words for them in English, Spanish and Hindi.

``schema/catalog/safety/lexicon/*.yaml``: ``concept: {en: "…", es: "…", hi: "…"}`` with terms between
commas. A term is a word, several words, or ends in ``*`` for every ending. Hindi stands in Devanagari or
in Latin letters; either finds both. ``+concept`` adds to one that stands in another file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path

import yaml

from fitsense.errors import Misconfigured
from fitsense.safety.fuzzy import Neighbours
from fitsense.safety.hindi import hindi_key, soft_key
from fitsense.safety.text import read
from fitsense.settings import DEFAULT_SCHEMA_DIR

LANGUAGES = ("en", "es", "hi")
SHORTEST_KEY = 3
SHORTEST_JOINED = 7
_RUN = re.compile(r"(.)\1{2,}")
Phrase = tuple[tuple[str, ...], str, str]
"""Entries in order, concept, language."""


class Lexicon:
    """All terms, indexed by their first word."""

    def __init__(self, concepts: Mapping[str, Mapping[str, str]], ordinary: Iterable[str]) -> None:
        self.by_first: dict[str, list[Phrase]] = {}
        self.single: dict[str, list[Phrase]] = {}
        self.by_two: dict[tuple[str, str], list[Phrase]] = {}
        """Terms of one word, and of more by their first two."""
        self._languages: dict[str, set[str]] = {}
        for concept, texts in concepts.items():
            for language, terms in texts.items():
                for term in terms.split(","):
                    self._add(_entries(term), concept, language)
        self.concepts = frozenset(concepts)
        self.ordinary = frozenset(ordinary)
        entries = self._languages
        self._exact = frozenset(entry for entry in entries if not entry.endswith("*"))
        self._stems = frozenset(entry[:-1] for entry in entries if entry.endswith("*"))
        self._longest = max(map(len, self._stems), default=0)
        self._keys, self._key_stems = self._hindi()
        latin = [entry for entry, languages in entries.items() if languages & {"en", "es"}]
        self._near = Neighbours(entry for entry in latin if not entry.endswith("*"))
        self._near_stems = Neighbours(entry[:-1] for entry in latin if entry.endswith("*"))
        self.resolve = lru_cache(maxsize=65536)(self._resolve)

    def _add(self, entries: tuple[str, ...], concept: str, language: str) -> None:
        if entries:
            phrase = (entries, concept, language)
            self.by_first.setdefault(entries[0], []).append(phrase)
            if len(entries) == 1:
                self.single.setdefault(entries[0], []).append(phrase)
            else:
                self.by_two.setdefault((entries[0], entries[1]), []).append(phrase)
            for entry in entries:
                self._languages.setdefault(entry, set()).add(language)

    def _hindi(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        keys: dict[str, list[str]] = {}
        stems: dict[str, list[str]] = {}
        for entry, languages in self._languages.items():
            key = hindi_key(entry.rstrip("*"))
            if "hi" in languages and len(key) < SHORTEST_KEY:
                keys.setdefault(soft_key(entry), []).append(entry)
            elif "hi" in languages:
                (stems if entry.endswith("*") else keys).setdefault(key, []).append(entry)
        return keys, stems

    def knows(self, word: str) -> bool:
        """Whether ``word`` is a term's or an ordinary word, so that it is no misspelling of another."""
        return word in self._exact or word in self.ordinary

    def misreads(self, word: str) -> bool:
        """Whether ``word``, which is no term, would be taken for a misspelt one if it were not ordinary."""
        return not self._literal(word) and bool(self._misspelled(word))

    def _resolve(self, word: str, hindi: bool) -> tuple[str, ...]:
        """The lexicon's entries that ``word`` may stand for; ``hindi`` allows for Hindi's many spellings."""
        found = list(self._literal(word))
        if hindi and "en" not in self._languages.get(word, ()):
            found += self._spelled(word)
        if not found and not word.isdigit() and word not in self.ordinary:
            found += [entry for one in _unrepeated(word) for entry in self._literal(one)]
            found += [] if found else self._misspelled(word)
        return tuple(dict.fromkeys(found))

    def _literal(self, word: str) -> list[str]:
        found = [word] if word in self._exact else []
        sizes = range(2, min(len(word), self._longest) + 1)
        return found + [word[:size] + "*" for size in sizes if word[:size] in self._stems]

    def _spelled(self, word: str) -> list[str]:
        key = hindi_key(word)
        if word in self.ordinary:
            return []
        if len(key) < SHORTEST_KEY:
            return self._keys.get(soft_key(word), [])
        found = list(self._keys.get(key, ()))
        for size in range(SHORTEST_KEY, len(key) + 1):
            found += self._key_stems.get(key[:size], ())
        return found

    def _misspelled(self, word: str) -> list[str]:
        near = self._near.near(word)
        for size in range(5, min(len(word), self._longest) + 1):
            near += [stem + "*" for stem in self._near_stems.near(word[:size])]
        return near

    @lru_cache(maxsize=8192)  # noqa: B019  one lexicon a process
    def split(self, word: str) -> tuple[str, ...]:
        """``chestpain`` → ``chest``, ``pain``; the word itself when it is no two known words."""
        if len(word) < SHORTEST_JOINED or self.knows(word) or self._literal(word):
            return (word,)
        for at in range(3, len(word) - 2):
            if word[:at] in self._exact and word[at:] in self._exact:
                return word[:at], word[at:]
        return (word,)


def _unrepeated(word: str) -> list[str]:
    """``paaaain`` → ``paain``, ``pain``; double letters stay as they are."""
    return [_RUN.sub(to, word) for to in (r"\1\1", r"\1")] if _RUN.search(word) else []


def _entries(term: str) -> tuple[str, ...]:
    """A term's words as a text would have them; the last keeps its ``*``."""
    found: list[str] = []
    for word in term.split():
        parts = read(word.rstrip("*")).words
        found += [*parts[:-1], parts[-1] + "*" * word.endswith("*")] if parts else []
    return tuple(found)


def _add_to(concepts: dict[str, dict[str, str]], concept: str, texts: Mapping[str, str]) -> None:
    if concept not in concepts:
        raise Misconfigured(f"+{concept}: there is no such concept to add to")
    for language, terms in texts.items():
        known = concepts[concept].get(language)
        concepts[concept][language] = f"{known}, {terms}" if known else terms


@cache
def load_lexicon(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> Lexicon:
    """Read once a process. Raises Misconfigured for a concept that stands twice or in an unknown language."""
    folder = schema_dir / "catalog" / "safety"
    concepts: dict[str, dict[str, str]] = {}
    added: list[tuple[str, dict[str, str]]] = []
    for path in sorted((folder / "lexicon").glob("*.yaml")):
        read_in: dict[str, dict[str, str]] = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader) or {}
        for concept, texts in read_in.items():
            if concept in concepts or set(texts) - set(LANGUAGES):
                raise Misconfigured(f"{path.name}: {concept} stands twice or has an unknown language")
            if concept.startswith("+"):
                added.append((concept[1:], texts))
            else:
                concepts[concept] = dict(texts)
    for concept, texts in added:
        _add_to(concepts, concept, texts)
    return Lexicon(concepts, (folder / "ordinary.txt").read_text(encoding="utf-8").split())
