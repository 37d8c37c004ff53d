"""The filter language of subscriptions: a tokenizer, a parser by recursive descent, a predicate.

Grammar (https://cloud.google.com/pubsub/docs/subscription-message-filter)::

    filter     = unary { "AND" unary } | unary { "OR" unary }      never both without parentheses
    unary      = [ "NOT" | "-" ] unary | "(" filter ")" | comparison
    comparison = "attributes" ":" key
               | "attributes" "." key ( "=" | "!=" ) string
               | "hasPrefix" "(" "attributes" "." key "," string ")"
    key        = [A-Za-z0-9_-]+ | string

``attributes.k != "v"`` is ``NOT attributes.k = "v"``: it holds for a message without ``k`` too, as in
Google's Go fake (google-cloud-go, pubsub/pstest). Operators and names are case-sensitive.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

Predicate = Callable[[Mapping[str, str]], bool]
"""Attributes of a message → does the subscription want it?"""

MAX_BYTES = 256
_MAX_DEPTH = 50

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")
        |(?P<symbol>!=|[=:.,()])
        |(?P<minus>-(?![0-9]))
        |(?P<word>[A-Za-z0-9_][A-Za-z0-9_-]*))""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:u(?P<u>[0-9a-fA-F]{4})|x(?P<x>[0-9a-fA-F]{2})|(?P<o>[0-7]{3})|(?P<c>.))", re.DOTALL
)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_RESERVED = {"AND", "OR", "NOT"}


class FilterError(ValueError):
    """The text is no filter; the message says where and why."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "string", "symbol", "minus", "word" or "end"
    text: str
    at: int


def compile_filter(text: str) -> Predicate:
    """Parse ``text``; raises FilterError. An empty text (after stripping) wants everything."""
    if len(text.encode()) > MAX_BYTES:
        raise FilterError(f"the filter is longer than {MAX_BYTES} bytes")
    if not text.strip():
        return _everything
    return _Parser(list(_tokens(text))).parse()


def _everything(_: Mapping[str, str]) -> bool:
    return True


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise FilterError(f"unexpected character at {at}: {text[at : at + 10]!r}")
        kind = match.lastgroup
        yield _Token(kind, match[kind], match.start(kind))
        at = match.end()
    yield _Token("end", "the end of the filter", end)


def _unquote(literal: str) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match["u"] or match["x"]
        if code:
            return chr(int(code, 16))
        if match["o"]:
            return chr(int(match["o"], 8))
        if match["c"] not in _PLAIN and match["c"] not in "\"'\\":
            raise FilterError(f"unknown escape sequence {match[0]!r}")
        return _PLAIN.get(match["c"], match["c"])

    return _ESCAPE.sub(replace, literal[1:-1])


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def parse(self) -> Predicate:
        predicate = self._junction()
        if self._peek().kind != "end":
            raise self._unexpected("AND, OR or the end")
        return predicate

    def _junction(self) -> Predicate:
        terms = [self._unary()]
        operator = ""
        while self._peek().kind == "word" and self._peek().text in ("AND", "OR"):
            word = self._take().text
            if operator and word != operator:
                raise FilterError("AND and OR can only be combined with parentheses")
            operator = word
            terms.append(self._unary())
        if len(terms) == 1:
            return terms[0]
        return _all_of(terms) if operator == "AND" else _any_of(terms)

    def _unary(self) -> Predicate:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise FilterError("the filter is nested too deeply")
        try:
            token = self._peek()
            if token.kind == "minus" or token.text == "NOT":
                self._take()
                return _negation(self._unary())
            if token.text == "(" and token.kind == "symbol":
                self._take()
                inner = self._junction()
                self._expect(")")
                return inner
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Predicate:
        token = self._peek()
        if token.kind == "word" and token.text == "hasPrefix":
            return self._has_prefix()
        self._expect("attributes")
        if self._peek().text == ":":
            self._take()
            return _has(self._key())
        self._expect(".")
        key = self._key()
        operator = self._take()
        if operator.kind != "symbol" or operator.text not in ("=", "!="):
            raise FilterError(f"expected = or != at {operator.at}, found {operator.text!r}")
        equal = _equals(key, self._string())
        return equal if operator.text == "=" else _negation(equal)

    def _has_prefix(self) -> Predicate:
        for part in ("hasPrefix", "(", "attributes", "."):
            self._expect(part)
        key = self._key()
        self._expect(",")
        prefix = self._string()
        self._expect(")")
        return _has_prefix(key, prefix)

    def _key(self) -> str:
        token = self._take()
        if token.kind == "string":
            return _unquote(token.text)
        if token.kind != "word" or token.text in _RESERVED:
            raise FilterError(f"expected an attribute's key at {token.at}, found {token.text!r}")
        return token.text

    def _string(self) -> str:
        token = self._take()
        if token.kind != "string":
            raise FilterError(f'expected a "string" at {token.at}, found {token.text!r}')
        return _unquote(token.text)

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        if token.kind != "end":
            self._next += 1
        return token

    def _expect(self, text: str) -> None:
        token = self._peek()
        if token.text != text or token.kind not in ("word", "symbol"):
            raise self._unexpected(text)
        self._take()

    def _unexpected(self, wanted: str) -> FilterError:
        token = self._peek()
        return FilterError(f"expected {wanted} at {token.at}, found {token.text!r}")


def _has(key: str) -> Predicate:
    return lambda attributes: key in attributes


def _equals(key: str, value: str) -> Predicate:
    return lambda attributes: attributes.get(key) == value


def _has_prefix(key: str, prefix: str) -> Predicate:
    return lambda attributes: key in attributes and attributes[key].startswith(prefix)


def _negation(term: Predicate) -> Predicate:
    return lambda attributes: not term(attributes)


def _all_of(terms: list[Predicate]) -> Predicate:
    return lambda attributes: all(term(attributes) for term in terms)


def _any_of(terms: list[Predicate]) -> Predicate:
    return lambda attributes: any(term(attributes) for term in terms)
