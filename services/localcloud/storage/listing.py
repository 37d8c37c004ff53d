"""One page of an object list: prefix, delimiter, offsets, glob. Pure, over a scan in order of name.

https://cloud.google.com/storage/docs/json_api/v1/objects/list
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from services.localcloud.http import ApiError
from services.localcloud.storage.conditions import int64
from services.localcloud.storage.records import StoredObject

MAX_RESULTS = 1000
_LAST = "\U0010ffff"

Scan = Callable[[str], Iterator[StoredObject]]
"""``scan(start)``: the objects named ``start`` or greater, in order of name."""


@dataclass(frozen=True)
class Query:
    prefix: str = ""
    delimiter: str = ""
    start: str = ""
    end: str = ""
    limit: int = MAX_RESULTS
    token: str = ""
    glob: re.Pattern[str] | None = None
    trailing: bool = False

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Query:
        limit = int64(parameters, "maxResults") or MAX_RESULTS
        glob = parameters.get("matchGlob")
        return cls(
            prefix=parameters.get("prefix", ""),
            delimiter=parameters.get("delimiter", ""),
            start=parameters.get("startOffset", ""),
            end=parameters.get("endOffset", ""),
            limit=max(1, min(limit, MAX_RESULTS)),
            token=_decode_token(parameters.get("pageToken", "")),
            glob=re.compile(glob_pattern(glob)) if glob else None,
            trailing=parameters.get("includeTrailingDelimiter", "").lower() == "true",
        )

    def common_prefix(self, name: str) -> str:
        """Up to and including the first delimiter behind the prefix; empty when there is none."""
        if not self.delimiter:
            return ""
        at = name.find(self.delimiter, len(self.prefix))
        return name[: at + len(self.delimiter)] if at >= 0 else ""

    def admits(self, name: str) -> bool:
        return self.glob is None or self.glob.fullmatch(name) is not None


@dataclass
class Page:
    items: list[StoredObject] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    token: str = ""

    def full(self, limit: int) -> bool:
        return len(self.items) + len(self.prefixes) >= limit


def list_page(scan: Scan, query: Query) -> Page:
    """The page that begins at the query's token. ``token`` is set only if more will follow."""
    page = Page()
    rows = scan(max(query.prefix, query.start, query.token))
    while (stored := next(rows, None)) is not None:
        name = stored.name
        if not name.startswith(query.prefix) or (query.end and name >= query.end):
            break
        common = query.common_prefix(name)
        takes_item = query.admits(name) and (not common or (query.trailing and name == common))
        takes_prefix = bool(common) and common not in page.prefixes[-1:] and _admits_prefix(query, common)
        if (takes_item or takes_prefix) and page.full(query.limit):
            page.token = _encode_token(name)
            break
        if takes_prefix:
            page.prefixes.append(common)
        if takes_item:
            page.items.append(stored)
        if common:  # leap over everything below the common prefix
            rows = scan(common + _LAST)
    return page


def _admits_prefix(query: Query, common: str) -> bool:
    return query.admits(common) or query.admits(common.removesuffix(query.delimiter))


def glob_pattern(glob: str) -> str:
    """``matchGlob`` as a regular expression: only ``**`` crosses ``/``; 400 if it is broken."""
    out, at, depth = "", 0, 0
    while at < len(glob):
        char = glob[at]
        if glob.startswith("**", at):
            out, at = out + ".*", at + 1
        elif char in "*?":
            out += "[^/]*" if char == "*" else "[^/]"
        elif char == "[":
            at, text = _character_class(glob, at)
            out += text
        elif char == "{":
            out, depth = out + "(?:", depth + 1
        elif char in ",}" and depth:
            out, depth = out + ("|" if char == "," else ")"), depth - (char == "}")
        elif char == "\\" and at + 1 < len(glob):
            at += 1
            out += re.escape(glob[at])
        else:
            out += re.escape(char)
        at += 1
    if depth:
        raise ApiError(400, f"Invalid matchGlob: '{glob}'", "invalid")
    return f"(?s:{out})"


def _character_class(glob: str, at: int) -> tuple[int, str]:
    """``[abc]``, ``[a-z]`` or ``[!abc]`` from ``at``: where it ends, and its regular expression."""
    end = glob.find("]", at + 2)
    if end < 0:
        raise ApiError(400, f"Invalid matchGlob: '{glob}'", "invalid")
    inner = glob[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^")
    return end, f"[^{inner[1:]}]" if inner[0] == "!" else f"[{inner}]"


def _encode_token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _decode_token(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise ApiError(400, f"Invalid value for pageToken: '{token}'", "invalid") from error
