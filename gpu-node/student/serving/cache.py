"""Models on this node's disk, downloaded once and held against their manifests' checksums.

::

    <cache>/bases/<sha256 of the base>/…          shared by all that stand on it
    <cache>/versions/<version>/{adapter|weights}/…

A folder appears whole, by a rename. Several agents may share one cache: what one deletes, another that
needs it again downloads again.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import ValidationError

from fitsense.artifacts import ArtifactStore, describe
from fitsense.errors import BadArtifact
from fitsense.manifest import OutputRef
from fitsense.models.manifest import Base, ModelManifest, model_name
from student.bases import BaseManifest
from student.serving.weights import check_adapter

log = structlog.get_logger(__name__)

GRACE_S = 600.0
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


@dataclass(frozen=True)
class LocalModel:
    """A version on disk. ``key`` names the engine that can serve it: that of its base, or its own.

    ``adapter`` stands on ``base``; a version of full weights has none, and ``base`` is the weights.
    """

    version: str
    key: str
    base: Path
    adapter: Path | None


class ModelCache:
    """Folders of versions and bases under ``root``. Blocking; errors of Storage pass through."""

    def __init__(self, store: ArtifactStore, root: Path, grace_s: float = GRACE_S) -> None:
        self._store = store
        self._root = root
        self._grace_s = grace_s

    def fetch(self, version: str) -> LocalModel:
        """Download what is not there. Raises BadArtifact for what is absent, torn, changed or diverged."""
        manifest = self._manifest(version)
        folder = self._root / "versions" / version
        files = [file for file in manifest.outputs if _serves(file.name)]
        kinds = {file.name.split("/")[0] for file in files if "/" in file.name}
        if len(kinds) != 1:
            raise BadArtifact(f"{version} has neither one adapter nor one set of weights")
        self._download(folder, ((file.name, file) for file in files))
        if kinds == {"adapter"}:
            check_adapter(folder / "adapter")
            return LocalModel(version, manifest.base.sha256, self._base(manifest.base), folder / "adapter")
        if not any(file.name == TOKENIZER[0] for file in files):
            complete(self._base(manifest.base), folder / "weights")
        complete(folder, folder / "weights")
        return LocalModel(version, version, folder / "weights", None)

    def key(self, version: str) -> str:
        """``LocalModel.key`` of a version that need not be here. Raises BadArtifact."""
        manifest = self._manifest(version)
        whole = any(file.name.startswith("weights/") for file in manifest.outputs)
        return version if whole else manifest.base.sha256

    def _manifest(self, version: str) -> ModelManifest:
        try:
            manifest = self._store.read_model(model_name(version), ModelManifest)
        except ValidationError as error:
            raise BadArtifact(f"the manifest of {version}: {error}") from error
        if manifest is None:
            raise BadArtifact(f"there is no manifest of {version}")
        return manifest

    def _base(self, base: Base) -> Path:
        if base.uri.startswith("hf://"):
            return _from_hub(base)
        folder = self._root / "bases" / base.sha256
        name = f"{self._store.name(base.uri).rpartition('/')[0]}/manifest.json"
        manifest = self._store.read_model(name, BaseManifest)
        if manifest is None or manifest.base != base:
            raise BadArtifact(f"{name} does not describe {base.uri}", hint="the base was deleted or replaced")
        self._download(folder, ((file.name, file) for file in manifest.files))
        return folder

    def _download(self, folder: Path, files: Iterable[tuple[str, OutputRef]]) -> None:
        if folder.exists():
            folder.touch()  # in use: see prune
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as partial:
            for name, file in files:
                self._file(Path(partial) / name, file)
            Path(partial).chmod(0o755)
            try:
                Path(partial).rename(folder)
            except OSError:
                if not folder.exists():  # else another agent was faster
                    raise
            else:
                Path(partial).mkdir()  # for the context manager to remove
        log.info("cache.downloaded", folder=str(folder))

    def _file(self, path: Path, file: OutputRef) -> None:
        from google.api_core.exceptions import NotFound

        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._store.download(self._store.name(file.uri), path)
        except NotFound as error:
            raise BadArtifact(f"{file.uri} is gone") from error
        if describe(file.uri, file.name, path, 0).sha256 != file.sha256:
            raise BadArtifact(f"{file.uri} is not what the manifest says: its checksum differs")

    def prune(self, keep: Collection[str]) -> None:
        """Delete the versions that are not in ``keep``; bases stay, as every next version needs them.

        What was fetched a moment ago stays as well: another agent may be about to load it.
        """
        for folder in (self._root / "versions").glob("[!.]*"):
            if folder.name not in keep and time.time() - folder.stat().st_mtime > self._grace_s:
                shutil.rmtree(folder, ignore_errors=True)
                log.info("cache.deleted", version=folder.name)


def _serves(name: str) -> bool:
    return name.startswith(("adapter/", "weights/")) or name in TOKENIZER


def complete(source: Path, weights: Path) -> None:
    """Weights that were saved alone need what describes the tokenizer beside them."""
    for path in source.iterdir():
        if (
            path.is_file()
            and path.suffix not in (".safetensors", ".bin")
            and not (weights / path.name).exists()
        ):
            shutil.copyfile(path, weights / path.name)


def _from_hub(base: Base) -> Path:
    """``hf://<name>@<revision>``; from the Hub's own cache where it is."""
    from huggingface_hub import snapshot_download

    revision = base.uri.rpartition("@")[2]
    return Path(
        snapshot_download(base.name, revision=revision, ignore_patterns=["*.gguf", "*.pth", "original/*"])
    )
