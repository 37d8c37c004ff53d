"""Where files lie, and how they get there. Knows paths and rows, no rules."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from services.localcloud.http import ApiError
from services.localcloud.storage import names
from services.localcloud.storage.records import StoredObject

MAX_PATH = 4000
"""Bytes; Linux allows 4,096, ending included."""


class Layout:
    """``root/<bucket>/<path>`` for what people see, ``root/.index`` for the rest."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.staging = root / ".index" / "staging"
        self.database = root / ".index" / "storage.sqlite3"
        self.staging.mkdir(parents=True, exist_ok=True)

    def bucket(self, name: str) -> Path:
        return self.root / name

    def visible(self, stored: StoredObject) -> Path:
        return self.root / stored.bucket / stored.path

    def current(self, stored: StoredObject) -> Path:
        """Where the content is now."""
        staged = self.staging / stored.blob
        return staged if staged.exists() else self.visible(stored)

    def open(self, stored: StoredObject) -> BinaryIO:
        """``staging`` first: a file there is committed, and only its renaming is outstanding."""
        try:
            return (self.staging / stored.blob).open("rb")
        except FileNotFoundError:
            return self.visible(stored).open("rb")

    def place(self, bucket: str, name: str) -> str:
        """A free path for a new object. Marks tell an object from a folder of the same name."""
        here, path = self.root / bucket, ""
        *parents, leaf = names.segments(name)
        for segment in parents:
            chosen = segment + names.FOLDER_MARK if (here / segment).is_file() else segment
            here, path = here / chosen, f"{path}{chosen}/"
        if len(os.fsencode(here)) + len(os.fsencode(leaf)) > MAX_PATH:
            raise ApiError(400, "The name is too long for this file system.", "invalid")
        _remove_empty(here / leaf)
        return f"{path}{leaf}{names.FILE_MARK if (here / leaf).is_dir() else ''}"

    def settle(self, stored: StoredObject) -> None:
        """Rename a committed file to its visible path; nothing to do when that has been done."""
        staged, visible = self.staging / stored.blob, self.visible(stored)
        try:
            staged.replace(visible)
        except FileNotFoundError:
            if staged.exists():
                _make_folders(visible.parent)
                staged.replace(visible)

    def remove(self, bucket: str, path: str) -> None:
        """Unlink a file, and the folders that this empties."""
        folder = self.root / bucket
        file = folder / path
        file.unlink(missing_ok=True)
        for parent in file.parents:
            if parent == folder:
                return
            try:
                parent.rmdir()
            except OSError:
                return  # another object lies there

    def remove_bucket(self, name: str) -> None:
        """The folder goes if it is empty; files that no object owns are not ours to delete."""
        _remove_empty(self.root / name)


def _make_folders(folder: Path) -> None:
    """``mkdir(parents=True)`` without its recursion: a name may have 1,024 slashes."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for folder in reversed(missing):
        folder.mkdir()


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # not there, or not empty
        folder.rmdir()
