"""Shingle sets and MinHash signatures of a batch of records, vectorised.

A record's set holds the hashes of its three-word shingles: of the instruction with bit 31 clear and of
the response with bit 31 set, sorted, so that one array answers for both texts and for each alone.
MinHash: Broder 1997, https://doi.org/10.1109/SEQUEN.1997.666900.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
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
        words = (self.hashes >> np.uint32(6)) & np.uint32(PARITY_WORDS - 1)
        bits = np.uint64(1) << (self.hashes & np.uint32(63)).astype(np.uint64)
        found = np.empty((len(self.offsets) - 1, PARITY_WORDS), np.uint64)
        for word in range(PARITY_WORDS):
            turned = np.where(words == word, bits, np.uint64(0))
            running = np.bitwise_xor.accumulate(np.concatenate([np.zeros(1, np.uint64), turned]))
            found[:, word] = running[self.offsets[1:]] ^ running[self.offsets[:-1]]
        return found


def shingle_sets(documents: list[tuple[list[str], list[str]]], vocabulary: Vocabulary) -> ShingleSets:
    """``documents``: the words of instruction and response of each record."""
    texts = [text for document in documents for text in document]
    lengths = np.fromiter((len(text) for text in texts), np.int64, len(texts))
    shingles = _shingles(texts, lengths, vocabulary)
    text_of = np.repeat(np.arange(len(texts)), lengths)
    # Record, text (bit 31) and shingle in one key: one sort makes all sets at once.
    keys = (text_of >> 1).astype(np.uint64) << np.uint64(32)
    keys |= (text_of & 1).astype(np.uint64) << np.uint64(31)
    keys |= shingles >> np.uint64(33)
    unique = np.unique(keys)
    edges = np.arange(len(documents) + 1, dtype=np.uint64) << np.uint64(32)
    offsets = np.searchsorted(unique, edges).astype(np.int64)
    return ShingleSets((unique & np.uint64(0xFFFFFFFF)).astype(np.uint32), offsets)


def _shingles(texts: list[list[str]], lengths: I64, vocabulary: Vocabulary) -> U64:
    """A 64-bit hash at every word, of it and the next two; after a text's end come zeros."""
    flat = [vocabulary[word] for text in texts for word in text]
    hashes = np.array(flat, dtype=np.uint64)
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
