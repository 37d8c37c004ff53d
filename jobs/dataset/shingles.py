"""Shingle sets and MinHash signatures of a batch of records, vectorised.

A record's set holds the hashes of its three-word shingles: of the instruction with bit 31 clear and of
the response with bit 31 set, sorted, so that one array answers for both texts and for each alone.
MinHash: Broder 1997, https://doi.org/10.1109/SEQUEN.1997.666900.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rensa import RMinHash

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

PERMUTATIONS = 128
PARITY_WORDS = 4
RESPONSE_BIT = np.uint32(1 << 31)
_SHINGLE = 3
_VOCABULARY_LIMIT = 500_000
_MULTIPLIERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)


class Vocabulary(dict[str, int]):
    """64-bit hashes of words. Forgets all when it grows too large: a hash depends on its word alone."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _VOCABULARY_LIMIT:
            self.clear()
        value = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
        self[word] = value
        return value


@dataclass(frozen=True)
class ShingleSets:
    """Of ``n`` records: ``hashes[offsets[i]:offsets[i + 1]]`` is the sorted set of record ``i``."""

    hashes: U32
    offsets: I64

    def sizes(self) -> U32:
        return np.diff(self.offsets).astype(np.uint32)

    def fingerprints(self) -> U64:
        """One 64-bit hash a set, order-free: equal sets, and practically only those, have equal ones."""
        mixed = _mix(self.hashes.astype(np.uint64) + np.uint64(_MULTIPLIERS[0]))
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])
        found: U64 = sums[self.offsets[1:]] - sums[self.offsets[:-1]]
        return found

    def parities(self) -> U64:
        """256 bits a set, (n, 4): each member turns over one bit.

        Two sets' parities differ in at most as many bits as there are members in one of the sets alone.
        """
        bits = PARITY_WORDS * 64
        row = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        counts = np.bincount(row * bits + self.hashes % bits, minlength=(len(self.offsets) - 1) * bits)
        odd = (counts & 1).astype(np.uint8).reshape(-1, bits)
        return np.packbits(odd, axis=1, bitorder="little").view("<u8").astype(np.uint64, copy=False)


def shingle_sets(documents: Sequence[tuple[str, str]], vocabulary: Vocabulary) -> ShingleSets:
    """``documents``: the words of instruction and response of each record, with spaces between them."""
    hashes, lengths = _words([text for document in documents for text in document], vocabulary)
    shingles = _shingles(hashes, lengths)
    text_of = np.repeat(np.arange(len(lengths), dtype=np.uint64), lengths)
    # Record, text (bit 31) and shingle in one key: one sort makes all sets at once.
    keys = text_of << np.uint64(31) | shingles >> np.uint64(33)
    keys.sort()
    keys = keys[np.diff(keys, prepend=~keys[:1]) != 0]  # np.unique hashes first: thirty times as slow
    edges = np.arange(len(documents) + 1, dtype=np.uint64) << np.uint64(32)
    offsets = np.searchsorted(keys, edges).astype(np.int64)
    return ShingleSets(keys.astype(np.uint32), offsets)


def _words(texts: list[str], vocabulary: Vocabulary) -> tuple[U64, I64]:
    """The hashes of all words, in order, and how many of them each text has."""
    split = pc.ascii_split_whitespace(pa.array(texts, pa.string()))
    coded = split.values.dictionary_encode()
    known = [str(word) for word in coded.dictionary.to_pylist()]
    table = np.array([vocabulary[word] for word in known], np.uint64)
    codes = coded.indices.to_numpy()
    text_of = pc.list_parent_indices(split).to_numpy()
    # Space at either end of a text splits off an empty word.
    words = np.flatnonzero(np.array([word != "" for word in known], bool)[codes])
    return table[codes[words]], np.bincount(text_of[words], minlength=len(texts))


def _shingles(hashes: U64, lengths: I64) -> U64:
    """A 64-bit hash at every word, of it and the next two; after a text's end come zeros."""
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(hashes))
    padded = np.concatenate([hashes, np.zeros(_SHINGLE, np.uint64)])
    total = np.zeros(len(hashes), np.uint64)
    for step, multiplier in enumerate(_MULTIPLIERS):
        word = np.where(left > step, padded[step : step + len(hashes)], np.uint64(0))
        total = _mix(total + word) * np.uint64(multiplier)
    return _mix(total)


def signatures(sets: ShingleSets) -> U32:
    """MinHash signatures, (n, 128)."""
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        sets.hashes.astype(np.uint64), sets.offsets.astype(np.uint64), PERMUTATIONS, 1
    )
    return np.array(matrix.to_rows(), dtype=np.uint32).reshape(-1, PERMUTATIONS)


def band_hashes(signature: U32, rows: int) -> U64:
    """One hash for each band of ``rows`` permutations: (n, 128 // rows)."""
    bands = PERMUTATIONS // rows
    grouped = signature[:, : bands * rows].reshape(len(signature), bands, rows).astype(np.uint64)
    total = np.zeros((len(signature), bands), np.uint64)
    for row in range(rows):
        total = _mix(total * np.uint64(_MULTIPLIERS[1]) + grouped[:, :, row])
    return total


def _mix(value: U64) -> U64:
    """The finaliser of SplitMix64: spreads every input bit over all output bits."""
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
