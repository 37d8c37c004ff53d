"""What a stage is, and what it is given.

A stage splits its work into parts by its config alone, never by the number of tasks: whatever the
sharding, the same files with the same bytes come out. ``run_part`` does the I/O around a pure
``transform``; the runner decides which task makes which part and who commits the manifest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar

import polars as pl

from fitsense.artifacts import ArtifactStore
from fitsense.config import RunConfig, Section
from fitsense.errors import BadArtifact, Interrupted
from fitsense.manifest import Counters, Manifest, OutputRef, Part

SectionT = TypeVar("SectionT", bound=Section)


class Input:
    """A landed artifact, read through its manifest (which may name files of an earlier run)."""

    def __init__(self, store: ArtifactStore, manifest: Manifest) -> None:
        self._store = store
        self.manifest = manifest

    def files(self, suffix: str = "") -> list[OutputRef]:
        """Output files whose names end in ``suffix``, by name."""
        return sorted(
            (o for o in self.manifest.outputs if o.name.endswith(suffix)), key=lambda output: output.name
        )

    def part_count(self, suffix: str) -> int:
        return len(self.files(suffix))

    def read(self, name: str) -> bytes:
        """A whole file, checked against its manifest. Raises BadArtifact."""
        reference = self._reference(name)
        stored = self._store.read(self._store.name(reference.uri))
        if stored is None or stored.crc32c != reference.crc32c:
            raise BadArtifact(f"{reference.uri} is missing or not what {self.manifest.stage}'s manifest says")
        return stored.data

    def parquet(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.read(name))

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a JSONL file, streamed: memory does not grow with the file."""
        with self._store.open(self._store.name(self._reference(name).uri)) as stream:
            yield from stream

    def download(self, name: str, folder: Path) -> Path:
        """A file on disk, for readers that scan lazily."""
        path = folder / name
        self._store.download(self._store.name(self._reference(name).uri), path)
        return path

    def _reference(self, name: str) -> OutputRef:
        try:
            return self.manifest.output(name)
        except KeyError:
            raise BadArtifact(f"{self.manifest.stage} of {self.manifest.run_id} has no file {name}") from None


class Job:
    """One task's view of its stage: config, inputs, outputs, counters, progress, and the wish to stop."""

    def __init__(
        self,
        *,
        stage: str,
        config: RunConfig,
        store: ArtifactStore,
        folder: str,
        inputs: dict[str, Input],
        scratch: Path,
        interrupted: Callable[[], bool],
        report_progress: Callable[[int, int, str, int, float], None],
    ) -> None:
        self.stage = stage
        self.config = config
        self.seed = config.seed
        self.store = store
        self.folder = folder
        self.inputs = inputs
        self.scratch = scratch
        self.interrupted = interrupted
        self._report_progress = report_progress
        self._outputs: list[OutputRef] = []
        self._counters = Counters()
        self._started = time.monotonic()

    def params(self, section: type[SectionT]) -> SectionT:
        """This stage's own section of the config."""
        params = self.config.params(self.stage)
        if not isinstance(params, section):
            raise TypeError(f"{self.stage} has a {type(params).__name__}, not a {section.__name__}")
        return params

    def write(self, name: str, data: bytes | Path, *, rows: int, content_type: str = "") -> None:
        """Write an output file, create-only; an identical one of an earlier attempt is taken as written."""
        self.check_interrupted()
        kind = content_type or _CONTENT_TYPES.get(name.rsplit(".", 1)[-1], "application/octet-stream")
        self._outputs.append(self.store.create_same(f"{self.folder}/{name}", data, kind, rows=rows))

    def write_streamed(self, name: str, lines: Iterable[bytes], *, rows: int) -> None:
        """Write JSONL lines as they are made, create-only, without scratch space."""
        self.check_interrupted()
        path, kind = f"{self.folder}/{name}", _CONTENT_TYPES["jsonl"]
        self._outputs.append(self.store.create_streamed(path, joined(lines), kind, rows=rows))

    def write_lines(self, name: str, lines: Iterable[bytes]) -> int:
        """Stream JSONL lines (each with its line feed) through scratch space; the number of rows."""
        path = self.scratch / name.replace("/", "_")
        rows = 0
        with path.open("wb") as file:
            for line in lines:
                file.write(line)
                rows += 1
        self.write(name, path, rows=rows)
        path.unlink()
        return rows

    def count(self, **counters: Any) -> None:
        """Add to the counters of the current part: see ``fitsense.manifest.Counters``."""
        self._counters += Counters(**counters)

    def progress(
        self, done: int, total: int, unit: str = "rows", tokens: int = 0, cost_usd: float = 0.0
    ) -> None:
        """Say how far this task is; cheap, throttled, and never trusted."""
        self._report_progress(done, total, unit, tokens, cost_usd)
        self.check_interrupted()

    def check_interrupted(self) -> None:
        """Raises Interrupted once SIGTERM came; call it between units of work."""
        if self.interrupted():
            raise Interrupted(f"{self.stage}: told to stop")

    def finish_part(self, number: int) -> Part:
        """What the part made, and a clean slate for the next one."""
        part = Part(
            part=number,
            outputs=self._outputs,
            counters=self._counters,
            seconds=round(time.monotonic() - self._started, 4),
        )
        self._outputs, self._counters, self._started = [], Counters(), time.monotonic()
        return part


_CONTENT_TYPES = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}


class Stage(Protocol):
    """A module of ``jobs`` named after its stage has these two functions."""

    def parts(self, job: Job) -> int:
        """How many parts there are: by config and inputs, never by tasks."""
        ...

    def run_part(self, job: Job, part: int) -> None:
        """Make one part: read inputs, transform, ``job.write``, ``job.count``."""
        ...


def joined(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines in chunks of some thousand: calls cost more than bytes."""
    iterator = iter(lines)
    while chunk := b"".join(islice(iterator, 1000)):
        yield chunk


def part_file(part: int, suffix: str) -> str:
    """``part-00000.sets.parquet`` and the like; ``suffix`` without its dot."""
    return f"part-{part:05d}.{suffix}"
