"""The filter language, as a pure function."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.localcloud.pubsub.filters import FilterError, compile_filter

EN = {"lang": "en", "domain": "com", "name": "fitsense"}

TRUE = [
    "",
    "   ",
    "attributes:lang",
    'attributes.lang = "en"',
    'attributes.lang="en"',
    'attributes.lang != "de"',
    'attributes.missing != "x"',
    'attributes."lang" = "en"',
    'attributes:"lang"',
    'hasPrefix(attributes.name, "fit")',
    'hasPrefix( attributes."name" , "" )',
    "NOT attributes:missing",
    "-attributes:missing",
    "- attributes:missing",
    "NOT NOT attributes:lang",
    "NOT -attributes:lang",
    'attributes:lang AND attributes.domain = "com"',
    "attributes:missing OR attributes:lang",
    "attributes:a OR attributes:b OR attributes:lang",
    "(attributes:missing OR attributes:lang) AND attributes:domain",
    "attributes:lang AND (attributes:missing OR attributes:domain)",
    "NOT attributes:missing AND attributes:lang",
    "NOT (attributes:missing AND attributes:lang)",
    "((attributes:lang))",
    "attributes\n:\tlang",
]
FALSE = [
    "attributes:missing",
    'attributes.lang = "EN"',
    'attributes.lang != "en"',
    'attributes.missing = "x"',
    'hasPrefix(attributes.name, "sense")',
    'hasPrefix(attributes.missing, "")',
    "NOT attributes:lang",
    "-attributes:lang",
    "attributes:lang AND attributes:missing",
    "NOT attributes:lang OR attributes:missing",
    "-(attributes:lang OR attributes:missing)",
]
GARBAGE = [
    "garbage((",
    "attributes",
    "attributes:",
    "attributes.lang",
    "attributes.lang =",
    "attributes.lang = en",
    "attributes.lang = 'en'",
    'attributes.lang == "en"',
    'attributes.lang > "en"',
    'attributes.lang = "en',
    'attributes.lang : "en"',
    'lang = "en"',
    '"lang" = "en"',
    "Attributes:lang",
    "attributes:lang and attributes:domain",
    "not attributes:lang",
    "NOT",
    "-",
    "AND attributes:lang",
    "attributes:lang AND",
    "attributes:lang attributes:domain",
    "attributes:lang AND OR attributes:domain",
    "attributes:lang AND attributes:domain OR attributes:name",
    "attributes:lang OR attributes:domain AND attributes:name",
    "(attributes:lang",
    "attributes:lang)",
    "()",
    'hasPrefix(attributes.name "fit")',
    'hasPrefix(attributes:name, "fit")',
    'hasprefix(attributes.name, "fit")',
    'hasPrefix(attributes.name, "fit"',
    "hasPrefix(attributes.name)",
    'attributes.la/ng = "x"',
    "attributes:AND",
    'attributes.lang = "\\q"',
    "attributes:lang;",
    "attributes:" + "k" * 256,
    "-" * 200 + "attributes:lang",
]


@pytest.mark.parametrize("text", TRUE)
def test_holds(text: str) -> None:
    assert compile_filter(text)(EN)


@pytest.mark.parametrize("text", FALSE)
def test_does_not_hold(text: str) -> None:
    assert not compile_filter(text)(EN)


@pytest.mark.parametrize("text", GARBAGE)
def test_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        compile_filter(text)


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        (r'"a\"b"', 'a"b'),
        (r'"a\\b"', "a\\b"),
        (r'"a\nb"', "a\nb"),
        (r'"\u00e9"', "é"),
        (r'"\x41\101"', "AA"),
        ('"a b\'c"', "a b'c"),
        ('"ümlaut"', "ümlaut"),
    ],
)
def test_strings(literal: str, value: str) -> None:
    assert compile_filter(f"attributes.k = {literal}")({"k": value})
    assert compile_filter(f"attributes:{literal}")({value: ""})


def test_keys_with_hyphens_digits_and_slashes() -> None:
    assert compile_filter('attributes.ce-type = "x" AND attributes:0a_b-c')({"ce-type": "x", "0a_b-c": ""})
    assert compile_filter('attributes:"iana.org/language_tag"')({"iana.org/language_tag": "en"})


def test_the_message_says_where() -> None:
    with pytest.raises(FilterError, match=r"at 15, found 'en'"):
        compile_filter("attributes.a = en")
    with pytest.raises(FilterError, match="parentheses"):
        compile_filter("attributes:a AND attributes:b OR attributes:c")


@settings(deadline=None)
@given(st.text(max_size=60) | st.text(alphabet='atribues.:="()-ANDORT hPrfix,\\k ', max_size=60))
def test_any_text_is_a_filter_or_a_filter_error(text: str) -> None:
    with suppress(FilterError):
        assert compile_filter(text)({"k": "v"}) in (True, False)


keys = st.sampled_from(["a", "b", "c"])
values = st.sampled_from(["x", "y"])
terms = st.recursive(
    st.builds("attributes:{}".format, keys)
    | st.builds('attributes.{} = "{}"'.format, keys, values)
    | st.builds('hasPrefix(attributes.{}, "{}")'.format, keys, values),
    lambda inner: (
        st.builds("({} AND {})".format, inner, inner)
        | st.builds("({} OR {})".format, inner, inner)
        | st.builds("NOT {}".format, inner)
    ),
    max_leaves=4,
)


@settings(deadline=None)
@given(terms.filter(lambda text: len(text) < 240), st.dictionaries(keys, values))
def test_not_negates_and_parentheses_change_nothing(text: str, attributes: dict[str, str]) -> None:
    plain = compile_filter(text)(attributes)
    assert compile_filter(f"({text})")(attributes) == plain
    assert compile_filter(f"NOT {text}")(attributes) != plain
    assert compile_filter(f"-{text}")(attributes) != plain
