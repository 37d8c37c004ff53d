"""What a start does before the first call: finish what commits promised, forget what none did."""

from __future__ import annotations

import structlog

from services.localcloud.storage.index import Index
from services.localcloud.storage.layout import Layout
from services.localcloud.storage.records import StoredObject

log = structlog.get_logger(__name__)

UPLOAD_LIFE = 7 * 24 * 3600 * 1_000_000
"""Microseconds that a resumable session lives, as in Cloud Storage."""


def recover(layout: Layout, index: Index, now: int) -> None:
    """Bring the folder up to the index. ``now`` (microseconds) tells which upload sessions have expired."""
    open_uploads = _expire_uploads(index, now)
    _unlink_removed(layout, index)
    _settle_staged(layout, index, open_uploads)
    _mend_buckets(layout, index)


def _expire_uploads(index: Index, now: int) -> set[str]:
    uploads = index.uploads()
    with index.transaction():
        for upload in uploads:
            if upload.created < now - UPLOAD_LIFE:
                index.delete_upload(upload.id)
    return {upload.id for upload in uploads if upload.created >= now - UPLOAD_LIFE and not upload.result}


def _unlink_removed(layout: Layout, index: Index) -> None:
    for bucket, path in index.removals():
        if not index.has_path(bucket, path):
            layout.remove(bucket, path)
    with index.transaction():
        index.clear_removals()


def _settle_staged(layout: Layout, index: Index, open_uploads: set[str]) -> None:
    """The staging folder is the redo log: a live row's file takes its place, an open upload's stays."""
    staged = {file.name for file in layout.staging.iterdir()}
    if not staged:
        return
    for stored in index.all_objects():
        if stored.blob in staged:
            staged.discard(stored.blob)
            _settle(layout, stored)
    for orphan in staged - open_uploads:
        (layout.staging / orphan).unlink()


def _settle(layout: Layout, stored: StoredObject) -> None:
    """What stands in the way, put there by hand, may stay: the object is read from ``staging`` then."""
    try:
        layout.settle(stored)
    except OSError as error:
        log.warning("storage.recovery.behind", object=stored.name, error=str(error))
    else:
        log.info("storage.recovered", bucket=stored.bucket, object=stored.name)


def _mend_buckets(layout: Layout, index: Index) -> None:
    buckets = {bucket.name for bucket in index.buckets()}
    for name in buckets:
        layout.bucket(name).mkdir(exist_ok=True)
    for folder in layout.root.iterdir():
        if folder.is_dir() and folder.name not in buckets and not folder.name.startswith("."):
            layout.remove_bucket(folder.name)
