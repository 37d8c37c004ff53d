"""Words that are one slip of the finger away from a known word (two for long ones)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

SHORTEST = 5
"""Below that a slip turns one ordinary word into another too often."""
LONG = 9
"""From here on two slips are forgiven."""


def deletions(word: str) -> Iterator[str]:
    """``word`` with each one letter left out."""
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def swaps(word: str) -> Iterator[str]:
    """``word`` with two neighbours changed over: all that is forgiven to short words."""
    for at in range(1, len(word) - 1):
        yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def distance(a: str, b: str) -> int:
    """Optimal string alignment distance: insert, delete, replace, or swap two neighbours."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row, last = row, [i], before
        for j, y in enumerate(b, 1):
            best = min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, last[j - 2] + 1)
            row.append(best)
    return row[-1]


class Neighbours:
    """Looks up the known words within one slip (two for long words) of a word, by shared deletions."""

    def __init__(self, words: Iterable[str]) -> None:
        self._by_deletion: dict[str, list[str]] = {}
        self._short: dict[str, str] = {}
        for word in words:
            if len(word) == SHORTEST - 1:
                self._short.update(dict.fromkeys(swaps(word), word))
            if len(word) >= SHORTEST:
                for shape in {word, *_shapes(word)}:
                    self._by_deletion.setdefault(shape, []).append(word)

    def near(self, word: str) -> list[str]:
        """Known words near ``word``; fingers rarely miss the first letter, so it must be there."""
        if len(word) < SHORTEST - 1:
            return []
        known = self._by_deletion
        found = {one for shape in (word, *_shapes(word)) for one in known.get(shape, ())}
        near = [one for one in found if _close(word, one)]
        return near + ([self._short[word]] if word in self._short else [])


def _shapes(word: str) -> set[str]:
    once = set(deletions(word))
    if len(word) < LONG:
        return once
    return once | {shape for one in once for shape in deletions(one)}


def _close(word: str, known: str) -> bool:
    if known[0] not in word[:2] or abs(len(word) - len(known)) > 2:
        return False
    return distance(word, known) <= (2 if min(len(word), len(known)) >= LONG else 1)
