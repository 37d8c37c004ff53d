"""Whether a word is another with a typing error in it."""

from __future__ import annotations

SHORTEST = 5
"""Letters; shorter words are too near to others."""
TWO_ERRORS_FROM = 8


def errors(typed: str, word: str, *, stem: bool = False) -> int | None:
    """How many typing errors part the two; None when they are too many to mean the same.

    One error is forgiven in words of five letters or more, two from eight on; one of the first two letters
    must be right. Of a ``stem``, the beginning of longer words, only the first letters are compared.
    """
    if len(typed) < SHORTEST or len(word) < SHORTEST or (typed[0] != word[0] and typed[1] != word[1]):
        return None
    most = 2 if min(len(word), len(typed)) >= TWO_ERRORS_FROM else 1
    if stem and len(typed) > len(word):
        ends = range(len(word) - 1, len(word) + 2)
        found = min(distance(typed[:end], word, most) for end in ends)
    else:
        found = distance(typed, word, most) if abs(len(typed) - len(word)) <= most else most + 1
    return found if found <= most else None


def distance(one: str, other: str, most: int) -> int:
    """Insertions, deletions, exchanges and swaps of neighbours; above ``most`` only that it is more."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        here = [row]
        for column, wanted in enumerate(other, 1):
            best = min(last[column] + 1, here[-1] + 1, last[column - 1] + (letter != wanted))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == wanted:
                best = min(best, before[column - 2] + 1)
            here.append(best)
        if min(here) > most:
            return most + 1
        before, last = last, here
    return last[-1]
