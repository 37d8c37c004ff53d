"""Query ids as numbers: eight bytes each in a table of millions."""

from __future__ import annotations


def id_number(query_id: str) -> int:
    """``q00000012-03`` as 1203: ids sort as their numbers do."""
    return int(query_id[1:9]) * 100 + int(query_id[10:])


def id_text(number: int) -> str:
    return f"q{number // 100:08d}-{number % 100:02d}"
