"""From the bytes of a dropped file to a run config, or to every reason why not. Pure."""

from __future__ import annotations

import re
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from fitsense.config import RunConfig
from fitsense.errors import BadConfig, Problem

MAX_BYTES = 256 * 1024
"""A config is a page of text; anything larger is a mistake or an attack, and is not even downloaded."""
NAME = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
MAX_NAME = 40
MAX_DEPTH = 16


def check_name(name: str, size: int) -> None:
    """Judge a file by its name (after ``configs/``) and size, before reading it. Raises BadConfig."""
    stem, _, suffix = name.rpartition(".")
    if suffix != "yaml":
        raise BadConfig([Problem("(file)", f"{name!r} is not a .yaml file", "configs/<name>.yaml")])
    if not NAME.fullmatch(stem) or len(stem) > MAX_NAME:
        allowed = f"lower-case letters, digits and single hyphens, at most {MAX_NAME} characters"
        raise BadConfig([Problem("(file)", f"{stem!r} cannot name a run", allowed)])
    if size > MAX_BYTES:
        raise BadConfig([Problem("(file)", f"{size} bytes are too many", f"at most {MAX_BYTES} bytes")])


def parse_config(data: bytes) -> RunConfig:
    """Decode, parse and validate. Raises BadConfig with all problems found."""
    return validate(_parse(_decode(data)))


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise BadConfig([Problem("(file)", f"{len(data)} bytes are too many", f"at most {MAX_BYTES} bytes")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8: {error.reason}"
        raise BadConfig([Problem("(file)", message, "a text file in UTF-8")]) from error


def _parse(text: str) -> dict[str, Any]:
    try:
        _refuse_bombs(text)
        value = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - derives from SafeLoader
    except _UNREADABLE as error:
        raise BadConfig([Problem(_where(error), f"not YAML: {_why(error)}", "a YAML mapping")]) from error
    if not isinstance(value, dict):
        raise BadConfig([Problem("(file)", f"a {type(value).__name__}, not a mapping", "key: value lines")])
    return value


_UNREADABLE = (yaml.YAMLError, RecursionError, ValueError, LookupError, AttributeError, TypeError)
"""PyYAML's constructors raise bare errors for explicit tags that do not fit, such as ``!!int ""``."""


def _refuse_bombs(text: str) -> None:
    """Aliases grow exponentially when expanded, nesting quadratically when scanned; neither is needed."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, AliasEvent):
            raise BadConfig([Problem("(file)", "aliases (*name) are not accepted", "write the value out")])
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise BadConfig([Problem("(file)", f"nested deeper than {MAX_DEPTH} levels", "a flat mapping")])


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that is given twice, where YAML would take the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is not text", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else "(file)"


def _why(error: Exception) -> str:
    return str(getattr(error, "problem", None) or type(error).__name__ + ": " + str(error)[:200])


def validate(value: dict[str, Any]) -> RunConfig:
    """Check a parsed config; used by the conductor and by forms that validate as one types."""
    try:
        return RunConfig.model_validate(value)
    except ValidationError as error:
        raise BadConfig([_problem(detail) for detail in error.errors()]) from error


def _problem(detail: Any) -> Problem:
    known, path = _walk(list(detail["loc"]))
    where = ".".join(path) or "(file)"
    if detail["type"] == "extra_forbidden":
        return Problem(where, "unknown key", f"one of: {', '.join(known)}")
    context = detail.get("ctx") or {}
    allowed = str(context.get("expected") or context.get("expected_tags") or _bound(context))
    allowed = allowed or _TYPES.get(detail["type"], "")
    if detail["type"] == "missing":
        return Problem(where, "missing", allowed or "a value for this key")
    return Problem(where, f"{detail['msg']}, got {detail['input']!r}"[:300], allowed)


_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "list_type": "a list",
    "date_type": "a date, YYYY-MM-DD",
    "date_from_datetime_parsing": "a date, YYYY-MM-DD",
}


def _bound(context: dict[str, Any]) -> str:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "pattern": "matching"}
    return ", ".join(f"{sign} {context[key]}" for key, sign in signs.items() if key in context)


def _walk(location: list[Any]) -> tuple[list[str], list[str]]:
    """The keys known beside the last one of ``location``, and the path as a person would write it.

    In a union told apart by ``kind``, pydantic puts the kind into the location; the path leaves it out.
    """
    models: list[type[BaseModel]] = [RunConfig]
    path: list[str] = []
    known: list[str] = []
    for part in map(str, location):
        tagged = [m for m in models if part in _kinds(m)]
        if tagged:
            models = tagged
            continue
        path.append(part)
        known = list(models[-1].model_fields) if models else []
        field = models[-1].model_fields.get(part) if models else None
        models = _models_in(field.annotation) if field else []
    return known, path


def _kinds(model: type[BaseModel]) -> tuple[Any, ...]:
    return get_args(model.model_fields["kind"].annotation) if "kind" in model.model_fields else ()


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that an annotation admits: itself, or the members of a union."""
    found = [annotation, *get_args(annotation)]
    return [a for a in found if isinstance(a, type) and issubclass(a, BaseModel)]
