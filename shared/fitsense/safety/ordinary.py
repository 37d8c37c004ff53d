"""Which ordinary words the lexicon would take for a slip of the finger: the source of ``ordinary.txt``.

``python -m fitsense.safety.ordinary < words.txt > schema/catalog/safety/ordinary.txt``, with the common words
of English and Spanish, one a line (wordfreq 3: Zipf 2.9 and more in English, 3.1 in Spanish).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from fitsense.safety.lexicon import Lexicon, load_lexicon
from fitsense.safety.text import fold

SHORTEST = 4


def near_misses(words: Iterable[str], lexicon: Lexicon) -> list[str]:
    """Those of ``words`` that ``lexicon`` does not know, but would read as one of its own."""
    folded = {fold(word.strip()) for word in words}
    return sorted(
        word
        for word in folded
        if word.isalpha() and word.isascii() and len(word) >= SHORTEST and lexicon.misreads(word)
    )


if __name__ == "__main__":
    sys.stdout.writelines(f"{word}\n" for word in near_misses(sys.stdin, load_lexicon()))
