"""Pages of lists: the token of a page is the last name of the one before."""

from __future__ import annotations

from collections.abc import Iterable

from services.localcloud.http import ApiError

_MOST = 1000


def page(names: Iterable[str], size: int, token: str) -> tuple[list[str], str]:
    """One page of sorted names and the next page's token (empty after the last); ApiError 400."""
    if size < 0:
        raise ApiError(400, f"Invalid page size: {size}.")
    rest = sorted(name for name in names if name > token)
    size = min(size or 100, _MOST)
    return rest[:size], rest[size - 1] if len(rest) > size else ""
