"""Checkpoints in the bucket: files first, then a marker that names them. What has no marker is not there.

``training_checkpoints/<version>/<phase>/step-<n>-<token>/…``. Each save has a folder of its own, so that
what a killed save left behind is never taken for a part of the next one. The two newest are kept.
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from fitsense.artifacts import ArtifactStore, describe
from fitsense.manifest import Model, OutputRef

log = structlog.get_logger(__name__)

MARKER = "complete.json"
KEPT = 2
SHARE = 0.1
"""Of the time at most, that goes into saving: gigabytes are saved more seldom."""
_MARKED = re.compile(rf"/step-(\d+)-([0-9a-f]+)/{re.escape(MARKER)}$")


class Marker(Model):
    """The last object of a checkpoint: all its files with their checksums."""

    step: int
    files: list[OutputRef]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on this machine's disk."""

    step: int
    folder: Path


class Checkpoints:
    """Those of one phase of one version's training."""

    def __init__(self, store: ArtifactStore, prefix: str, scratch: Path, every_s: float) -> None:
        self._store = store
        self._prefix = prefix
        self._scratch = scratch
        self._every_s, self._rest_s = every_s, every_s
        self._last = time.monotonic()

    def due(self, told_to_stop: bool) -> bool:
        """Whether it is time to save: enough of it has passed, or there is no more."""
        return told_to_stop or time.monotonic() - self._last >= self._rest_s

    def save(self, step: int, write: Callable[[Path], None]) -> None:
        """``write`` fills an empty folder; its files, those in folders too, are then uploaded."""
        local = self._scratch / f"saving-{step}"
        shutil.rmtree(local, ignore_errors=True)
        local.mkdir(parents=True)
        write(local)
        self.upload(step, local)
        shutil.rmtree(local)

    def upload(self, step: int, local: Path) -> None:
        """Marker last: a kill at any moment leaves a whole checkpoint or none."""
        begun = time.monotonic()
        folder = f"{self._prefix}/step-{step:08d}-{secrets.token_hex(4)}"
        files = []
        for path in sorted(path for path in local.rglob("*") if path.is_file()):
            name = path.relative_to(local).as_posix()
            files.append(describe(self._store.uri(f"{folder}/{name}"), name, path, rows=0))
            self._store.create(f"{folder}/{name}", path)
        self._store.create_model(f"{folder}/{MARKER}", Marker(step=step, files=files))
        self._last = time.monotonic()
        took = self._last - begun
        if self._every_s:
            self._rest_s = max(self._every_s, took / SHARE)
        log.info("checkpoint.saved", step=step, files=len(files), seconds=round(took, 3))
        self._prune()

    def newest(self) -> Checkpoint | None:
        """The newest whole checkpoint, downloaded and held against its checksums."""
        for step, name in self._marked():
            marker = self._store.read_model(name, Marker)
            folder = self._scratch / f"resumed-{step}"
            if marker and self._download(marker, folder):
                log.info("checkpoint.found", step=step)
                return Checkpoint(step, folder)
            log.warning("checkpoint.torn", step=step, name=name)
        return None

    def delete(self) -> None:
        """All of them: the training is done."""
        self._remove(list(self._store.names(f"{self._prefix}/")))

    def _marked(self) -> list[tuple[int, str]]:
        """``(step, marker's name)``, newest first."""
        found = ((_MARKED.search(name), name) for name in self._store.names(f"{self._prefix}/"))
        return sorted(((int(match[1]), name) for match, name in found if match), reverse=True)

    def _download(self, marker: Marker, folder: Path) -> bool:
        from google.api_core.exceptions import NotFound

        shutil.rmtree(folder, ignore_errors=True)
        for file in marker.files:
            path = folder / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._store.download(self._store.name(file.uri), path)
            except NotFound:
                return False
            if describe(file.uri, file.name, path, rows=0).sha256 != file.sha256:
                return False
        return True

    def _prune(self) -> None:
        """Remove all but the two newest; what has no marker is a killed save's remains."""
        kept = {name.rsplit("/", 1)[0] for _, name in self._marked()[:KEPT]}
        self._remove([name for name in self._store.names(f"{self._prefix}/") if not _within(name, kept)])

    def _remove(self, names: list[str]) -> None:
        """Markers first, so that no half-deleted checkpoint looks whole."""
        for name in sorted(names, key=lambda name: not name.endswith(f"/{MARKER}")):
            self._store.bucket.delete_blobs([self._store.bucket.blob(name)], on_error=lambda _: None)


def _within(name: str, folders: set[str]) -> bool:
    return any(name.startswith(f"{folder}/") for folder in folders)
