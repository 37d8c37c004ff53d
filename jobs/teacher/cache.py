"""Answers to identical requests of earlier runs: ``teacher_cache/<key>/<content hash>.{jsonl,keys}``.

A finished part adds one object of new answers, and beside it the first eight bytes of each of their
request hashes, in order. A task reads the small ``.keys`` objects once (8 bytes an answer in memory) and
opens only those answers' objects that hold a hash it wants.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import orjson

from fitsense.artifacts import ArtifactStore
from jobs.teacher.completion import Completion, encode_cached

PREFIX_BYTES = 8
READERS = 8


class ResponseCache:
    """The cache folder ``key``. The directory is read on the first lookup and then kept."""

    def __init__(self, store: ArtifactStore, key: str) -> None:
        self._store = store
        self._folder = f"teacher_cache/{key}/"
        self._directory: Directory | None = None

    def lookup(self, wanted: Collection[str]) -> dict[str, Completion]:
        """Those of the request hashes that were answered before."""
        if not wanted:
            return {}
        if self._directory is None:
            self._directory = self._read_directory()
        found: dict[str, Completion] = {}
        asked = set(wanted)
        for name in self._directory.objects_with(asked):
            found.update(self._read(name, asked))
        return found

    def add(self, completions: Iterable[Completion]) -> None:
        """Keep paid answers; what is there already stays as it is."""
        paid = sorted((one for one in completions if one.failed is None), key=lambda one: one.sha256)
        if not paid:
            return
        data = b"".join(encode_cached(one) for one in paid)
        name = self._folder + hashlib.sha256(data).hexdigest()
        self._store.create(f"{name}.jsonl", data, "application/x-ndjson")
        # Last: readers look for keys, so that answers half there are not seen.
        self._store.create(f"{name}.keys", b"".join(_prefix(one.sha256) for one in paid))

    def _read_directory(self) -> Directory:
        names = [name for name in self._store.names(self._folder) if name.endswith(".keys")]
        with ThreadPoolExecutor(READERS) as pool:
            keys = list(pool.map(self._read_keys, names))
        return Directory([name.removesuffix(".keys") + ".jsonl" for name in names], keys)

    def _read_keys(self, name: str) -> bytes:
        stored = self._store.read(name)
        return stored.data if stored else b""

    def _read(self, name: str, wanted: set[str]) -> dict[str, Completion]:
        stored = self._store.read(name)
        rows = (orjson.loads(line) for line in (stored.data.splitlines() if stored else []))
        return {row["sha256"]: Completion(**row) for row in rows if row["sha256"] in wanted}


class Directory:
    """Which object holds which hash prefix: two arrays, sorted by prefix. Pure."""

    def __init__(self, names: list[str], keys: list[bytes]) -> None:
        counts = [len(data) // PREFIX_BYTES for data in keys]
        prefixes = np.frombuffer(b"".join(keys), dtype=">u8").astype(np.uint64)
        order = np.argsort(prefixes, kind="stable")
        self._names = names
        self._prefixes: npt.NDArray[np.uint64] = prefixes[order]
        self._objects: npt.NDArray[np.int32] = np.repeat(np.arange(len(names), dtype=np.int32), counts)[order]

    def objects_with(self, hashes: Collection[str]) -> list[str]:
        """Names of the objects that hold any of ``hashes``, in the order of the listing."""
        wanted = np.frombuffer(b"".join(_prefix(one) for one in hashes), dtype=">u8").astype(np.uint64)
        first = np.searchsorted(self._prefixes, wanted, side="left")
        last = np.searchsorted(self._prefixes, wanted, side="right")
        hits = {
            int(self._objects[i]) for low, high in zip(first, last, strict=True) for i in range(low, high)
        }
        return [self._names[i] for i in sorted(hits)]


def _prefix(sha256: str) -> bytes:
    return bytes.fromhex(sha256[: 2 * PREFIX_BYTES])
