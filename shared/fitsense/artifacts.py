"""The artifact protocol over one bucket: create-only objects, manifests last, compare-and-swap.

The bucket is the truth of the pipeline. Every write here is create-only or conditional on a generation,
so that any number of duplicate, late or retried writers leave what one would have left.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import google_crc32c
import orjson
from pydantic import BaseModel

from fitsense.errors import BadArtifact
from fitsense.manifest import OutputRef

if TYPE_CHECKING:
    from google.cloud import storage

ModelT = TypeVar("ModelT", bound=BaseModel)

MANIFEST = "manifest.json"
FAILURE = "failure.json"
CHUNK = 1 << 20


@dataclass(frozen=True)
class Stored:
    """An object as it was read: its bytes and its identity."""

    data: bytes
    generation: int
    crc32c: str


def to_json(model: BaseModel) -> bytes:
    """A person reads these files, so they are indented; keys keep the model's order."""
    return orjson.dumps(model.model_dump(mode="json"), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


class ArtifactStore:
    """Reads and writes of the artifact protocol. Names are object names in the bucket."""

    def __init__(self, bucket: storage.Bucket) -> None:
        self.bucket = bucket

    def uri(self, name: str) -> str:
        return f"gs://{self.bucket.name}/{name}"

    def name(self, uri: str) -> str:
        """The object's name within this bucket. Raises BadArtifact for another bucket's."""
        prefix = self.uri("")
        if not uri.startswith(prefix):
            raise BadArtifact(f"{uri} is not in {prefix}")
        return uri.removeprefix(prefix)

    def read(self, name: str, generation: int | None = None) -> Stored | None:
        """The object whole, or None when it is not there."""
        from google.api_core.exceptions import NotFound

        blob = self.bucket.blob(name, generation=generation)
        try:
            data = blob.download_as_bytes(raw_download=True)
        except NotFound:
            return None
        return Stored(data, int(blob.generation), str(blob.crc32c))

    def read_model(self, name: str, model: type[ModelT]) -> ModelT | None:
        stored = self.read(name)
        return model.model_validate_json(stored.data) if stored else None

    def exists(self, name: str) -> bool:
        return bool(self.bucket.blob(name).exists())

    def age_s(self, name: str) -> float:
        """Seconds since the object was last written; 0 when it is not there."""
        blob = self.bucket.get_blob(name)
        return (dt.datetime.now(dt.UTC) - blob.updated).total_seconds() if blob else 0.0

    def delete(self, name: str, generation: int) -> bool:
        """Delete exactly this generation; False when it has moved on or is gone."""
        from google.api_core.exceptions import NotFound, PreconditionFailed

        try:
            self.bucket.blob(name).delete(if_generation_match=generation)
        except (NotFound, PreconditionFailed):
            return False
        return True

    def open(self, name: str) -> BinaryIO:
        """Streamed reading, a chunk at a time."""
        # Buffered here: BlobReader's own readline asks for one byte at a time, 2 MB a second.
        return io.BufferedReader(self.bucket.blob(name).open("rb", chunk_size=8 * CHUNK), CHUNK)

    def download(self, name: str, path: Path) -> None:
        """To a file, without holding the object in memory."""
        self.bucket.blob(name).download_to_filename(str(path), raw_download=True)

    def names(self, prefix: str) -> Iterator[str]:
        for blob in self.bucket.client.list_blobs(
            self.bucket, prefix=prefix, fields="items(name),nextPageToken"
        ):
            yield blob.name

    def create(self, name: str, data: bytes | Path, content_type: str = "application/octet-stream") -> bool:
        """Write unless something is there; True when this call made it."""
        from google.api_core.exceptions import PreconditionFailed

        blob = self.bucket.blob(name)
        try:
            if isinstance(data, Path):
                blob.upload_from_filename(str(data), content_type=content_type, if_generation_match=0)
            else:
                blob.upload_from_string(data, content_type=content_type, if_generation_match=0)
        except PreconditionFailed:
            return False
        return True

    def create_model(self, name: str, model: BaseModel) -> bool:
        return self.create(name, to_json(model), "application/json")

    def create_same(self, name: str, data: bytes | Path, content_type: str, *, rows: int) -> OutputRef:
        """Write an output, or find the identical one that an earlier attempt wrote.

        Raises BadArtifact when other bytes stand there: then the stage was not deterministic.
        """
        reference = describe(self.uri(name), name.rsplit("/", 1)[-1], data, rows)
        if not self.create(name, data, content_type):
            self._check_same(name, reference)
        return reference

    def create_streamed(
        self, name: str, chunks: Iterable[bytes], content_type: str, *, rows: int
    ) -> OutputRef:
        """``create_same`` for data that is made while it is written; nothing of it is kept here.

        The object appears once the last chunk is in; an error on the way leaves none. Raises BadArtifact.
        """
        from google.cloud.storage.exceptions import InvalidResponse

        blob, digest, chunks = self.bucket.blob(name), _Digest(), iter(chunks)
        try:
            with blob.open(
                "wb", chunk_size=8 * CHUNK, content_type=content_type, if_generation_match=0
            ) as writer:
                for chunk in chunks:
                    digest.update(chunk)
                    writer.write(chunk)
        except InvalidResponse as error:  # what the writer raises where others raise PreconditionFailed
            if error.response.status_code != HTTPStatus.PRECONDITION_FAILED:
                raise
            for chunk in chunks:
                digest.update(chunk)
            self._check_same(name, digest.reference(self.uri(name), name.rsplit("/", 1)[-1], rows))
        return digest.reference(self.uri(name), name.rsplit("/", 1)[-1], rows)

    def _check_same(self, name: str, reference: OutputRef) -> None:
        blob = self.bucket.get_blob(name)
        if blob is None or blob.crc32c != reference.crc32c or blob.size != reference.bytes:
            raise BadArtifact(
                f"{name} stands in the bucket with other bytes than this attempt made",
                hint="the stage is not deterministic, or two code versions ran in one run; rerun it",
            )

    def replace(self, name: str, data: bytes, generation: int | None) -> bool:
        """Compare-and-swap: write only over ``generation`` (0: over nothing, None: over anything)."""
        from google.api_core.exceptions import PreconditionFailed

        blob = self.bucket.blob(name)
        try:
            blob.upload_from_string(data, content_type="application/json", if_generation_match=generation)
        except PreconditionFailed:
            return False
        return True


def describe(uri: str, name: str, data: bytes | Path, rows: int) -> OutputRef:
    """Size and checksums of what is about to be written."""
    digest = _Digest()
    for chunk in _chunks(data):
        digest.update(chunk)
    return digest.reference(uri, name, rows)


class _Digest:
    """Size and checksums of what passes by."""

    def __init__(self) -> None:
        self._crc, self._sha, self._size = google_crc32c.Checksum(), hashlib.sha256(), 0

    def update(self, chunk: bytes) -> None:
        self._crc.update(chunk)
        self._sha.update(chunk)
        self._size += len(chunk)

    def reference(self, uri: str, name: str, rows: int) -> OutputRef:
        crc32c, sha256 = base64.b64encode(self._crc.digest()).decode(), self._sha.hexdigest()
        return OutputRef(name=name, uri=uri, bytes=self._size, rows=rows, crc32c=crc32c, sha256=sha256)


def _chunks(data: bytes | Path) -> Iterator[bytes]:
    if isinstance(data, bytes):
        yield data
        return
    with data.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def manifest_name(artifact: str, run_id: str) -> str:
    return f"{artifact}/{run_id}/{MANIFEST}"


def failure_name(artifact: str, run_id: str) -> str:
    return f"{artifact}/{run_id}/{FAILURE}"


def dumps_line(value: Any) -> bytes:
    """One JSONL line, with its line feed."""
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
