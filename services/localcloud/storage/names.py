"""Bucket and object names: what is allowed, and where an object's file lies. Pure.

A segment keeps its name as far as a file system allows; the rest is escaped with ``%``, which is itself
always escaped, so no two names share a path and none leaves the bucket's folder::

    a/b.txt    a/b.txt         100%     100%25         (empty segment)   %_
    ..         %2E%2E          tab      %09            (over 200 bytes)  <200 bytes>%~/<the rest>

Two marks are added by the store where a name is both an object and a folder: ``a%file`` and ``a%dir``.
"""

from __future__ import annotations

import re

from services.localcloud.http import ApiError

EMPTY = "%_"
CONTINUED = "%~"
FILE_MARK = "%file"
FOLDER_MARK = "%dir"
MAX_SEGMENT = 200
"""Bytes of a path segment before its marks; file systems allow 255."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_UNSAFE = re.compile(r"[%\x00-\x1f\x7f]")
_ATOM = re.compile(r"%[0-9A-F]{2}|.", re.DOTALL)


def check_bucket(name: str) -> None:
    """400 unless ``name`` is a bucket name (https://cloud.google.com/storage/docs/buckets#naming)."""
    if not _BUCKET.fullmatch(name):
        raise ApiError(400, f"Invalid bucket name: '{name}'", "invalid")


def check_object(name: str) -> None:
    """400 unless ``name`` is an object name (https://cloud.google.com/storage/docs/objects#naming)."""
    if not name:
        raise ApiError(400, "Required parameter: name", "required")
    if len(name.encode()) > 1024:
        raise ApiError(400, "The maximum object length is 1024 characters.", "invalid")
    if name in (".", "..") or "\r" in name or "\n" in name:
        raise ApiError(400, f"Disallowed unicode characters or name: {name!r}", "invalid")


def segments(name: str) -> list[str]:
    """Path segments of an object's file, folders first. None is ``.`` or ``..`` or over 202 bytes."""
    return [piece for segment in name.split("/") for piece in _split(_escape(segment))]


def _escape(segment: str) -> str:
    if not segment:
        return EMPTY
    return _dots(_UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", segment))


def _dots(piece: str) -> str:
    """A piece that a file system would read as a way up."""
    return piece.replace(".", "%2E") if piece in (".", "..") else piece


def _split(escaped: str) -> list[str]:
    """Cut at ``MAX_SEGMENT`` bytes, never inside a character or an escape."""
    if len(escaped) <= MAX_SEGMENT // 4 or len(escaped.encode()) <= MAX_SEGMENT:
        return [escaped]
    pieces, piece, size = [], "", 0
    for atom in _ATOM.findall(escaped):
        width = len(atom.encode())
        if size + width > MAX_SEGMENT:
            pieces.append(piece + CONTINUED)
            piece, size = "", 0
        piece, size = piece + atom, size + width
    return [*pieces, _dots(piece)]
