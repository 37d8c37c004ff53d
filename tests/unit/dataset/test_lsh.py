"""Near pairs against brute force over word triples, kept in Python sets."""

from __future__ import annotations

from itertools import combinations
from random import Random

import numpy as np
import pytest

from fitsense.errors import GateFailed
from jobs.dataset import lsh
from jobs.dataset.dedup import gather
from jobs.dataset.lsh import NearPairs, Sketches, band_rows, jaccard
from jobs.dataset.shingles import (
    I64,
    U32,
    ShingleSets,
    Vocabulary,
    band_hashes,
    shingle_sets,
    signatures,
)
from jobs.dataset.unions import components

Document = tuple[list[str], list[str]]
Triple = tuple[int, tuple[str, ...]]


def triples(text: list[str]) -> set[tuple[str, ...]]:
    padded = [*text, "", ""]
    return {tuple(padded[i : i + 3]) for i in range(len(text))}


def sets_of(document: Document) -> list[set[Triple]]:
    return [{(k, triple) for triple in triples(text)} for k, text in enumerate(document)]


def similarity(a: Document, b: Document) -> tuple[float, float, float]:
    (ai, ar), (bi, br) = sets_of(a), sets_of(b)
    return _jaccard(ai | ar, bi | br), _jaccard(ai, bi), _jaccard(ar, br)


def _jaccard(left: set[Triple], right: set[Triple]) -> float:
    shared = len(left & right)
    total = len(left) + len(right) - shared
    return shared / total if total else 1.0


def varied(n: int, variants: int, seed: int) -> list[Document]:
    """``n`` texts, each followed by ``variants`` copies with ever more words changed."""
    rng = Random(seed)
    found: list[Document] = []
    for _ in range(n):
        base = [f"w{rng.randrange(300)}" for _ in range(80)]
        for k in range(variants + 1):
            text = list(base)
            for place in rng.sample(range(80), k):
                text[place] = f"w{rng.randrange(300)}"
            found.append((text[:10], text[10:]))
    return found


def sets_for(documents: list[Document]) -> ShingleSets:
    texts = [(" ".join(instruction), f"  {' '.join(response)} ") for instruction, response in documents]
    return shingle_sets(texts, Vocabulary())


def near_pairs(
    documents: list[Document], threshold: float, *, twice: bool = False
) -> tuple[dict[tuple[int, int], float], NearPairs]:
    sets = sets_for(documents)
    bands = band_hashes(signatures(sets), band_rows(threshold))
    sketches = Sketches(bands, sets.parities(), sets.sizes().astype(np.int64))
    finder = NearPairs(sketches, lambda rows: taken(sets, rows), threshold)
    found = [
        ((a, b), value)
        for similar in finder.find()
        for (a, b), value in zip(similar.pairs.tolist(), similar.both.tolist(), strict=True)
    ]
    assert twice or len(dict(found)) == len(found), "a pair came twice"
    return dict(found), finder


def taken(sets: ShingleSets, rows: I64) -> tuple[U32, I64]:
    return gather(sets.hashes, sets.offsets[rows], sets.sizes()[rows].astype(np.int64))


def brute(documents: list[Document], threshold: float) -> dict[tuple[int, int], float]:
    sets = [set.union(*sets_of(document)) for document in documents]
    pairs = combinations(range(len(documents)), 2)
    found = {(a, b): _jaccard(sets[a], sets[b]) for a, b in pairs}
    return {pair: value for pair, value in found.items() if value >= threshold}


@pytest.mark.parametrize("threshold", [0.6, 0.8, 0.9, 1.0])
def test_finds_what_brute_force_finds(threshold: float) -> None:
    documents = [*varied(40, 4, seed=3), ([], ["same"]), ([], ["same"]), (["one"], [])]
    expected = brute(documents, threshold)
    assert len(expected) > (0 if threshold == 1.0 else 40)
    assert near_pairs(documents, threshold)[0] == pytest.approx(expected)


def look_alikes(n: int) -> list[Document]:
    """One text, each time with another last word."""
    ((instruction, response),) = varied(1, 0, seed=1)
    return [(instruction, [*response, f"end{k}"]) for k in range(n)]


def near_copies(n: int) -> list[Document]:
    """One text, each time with other words in three places."""
    rng, ((instruction, response),) = Random(6), varied(1, 0, seed=1)
    copies = [list(response) for _ in range(n)]
    for copy in copies:
        for place in rng.sample(range(len(copy)), 3):
            copy[place] = f"other{rng.randrange(1000)}"
    return [(instruction, copy) for copy in copies]


def test_large_buckets_give_every_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = near_copies(50)
    expected = brute(documents, 0.6)
    assert len(expected) > 1000
    assert near_pairs(documents, 0.6)[0] == pytest.approx(expected)
    # Cut smaller by a second band, larger ones do so too.
    monkeypatch.setattr(lsh, "SMALL_BUCKET", 4)
    monkeypatch.setattr(lsh, "LARGE_BUCKET", 35)
    again, finder = near_pairs(documents, 0.6)
    assert again == pytest.approx(expected)
    assert finder.capped == 0


def test_buckets_too_large_for_all_pairs_still_join_what_belongs_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lsh, "SMALL_BUCKET", 4)
    monkeypatch.setattr(lsh, "LARGE_BUCKET", 10)
    documents = look_alikes(60)
    pairs, finder = near_pairs(documents, 0.9, twice=True)
    assert finder.capped > 0
    assert len(pairs) < 60 * 59 // 2
    assert set(components(60, pairs).tolist()) == {0}


def test_too_many_look_alikes_fail_instead_of_filling_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsh, "MAX_CANDIDATES", 100)
    with pytest.raises(GateFailed, match="hardly differ"):
        near_pairs(look_alikes(20), 0.9)


@pytest.mark.parametrize("threshold", [0.51, 0.7, 0.9, 0.99, 1.0])
def test_bands_miss_hardly_any_pair_at_the_threshold(threshold: float) -> None:
    rows = band_rows(threshold)
    assert 1 - (1 - threshold**rows) ** (128 // rows) >= lsh.RECALL


def test_jaccard_of_each_text_alone() -> None:
    rng = Random(5)
    documents = varied(10, 6, seed=5)
    pairs = [(rng.randrange(70), rng.randrange(70)) for _ in range(200)]
    sets = sets_for(documents)
    left, right = (taken(sets, np.array(side, np.int64)) for side in zip(*pairs, strict=True))
    expected = [similarity(documents[a], documents[b]) for a, b in pairs]
    assert jaccard(left, right) == pytest.approx(np.array(expected))


def test_sets_do_not_depend_on_their_batch() -> None:
    documents = varied(5, 3, seed=2)
    together = sets_for(documents)
    for k, document in enumerate(documents):
        alone = sets_for([document])
        assert alone.hashes.tolist() == together.hashes[slice(*together.offsets[k : k + 2])].tolist()
        assert alone.fingerprints()[0] == together.fingerprints()[k]


def test_no_documents() -> None:
    sets = sets_for([])
    assert signatures(sets).shape == (0, 128)
    assert band_hashes(signatures(sets), 8).shape == (0, 16)


def test_parities_differ_in_no_more_bits_than_sets_in_members() -> None:
    documents = varied(20, 10, seed=9)
    sets = sets_for(documents)
    parities = sets.parities()
    members = [set(sets.hashes[slice(*sets.offsets[k : k + 2])].tolist()) for k in range(len(documents))]
    for a, b in combinations(range(len(documents)), 2):
        bits = int(np.bitwise_count(parities[a] ^ parities[b]).sum())
        assert bits <= len(members[a] ^ members[b])
        assert (bits == 0) <= (len(members[a] ^ members[b]) < 40)
