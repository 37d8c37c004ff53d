from __future__ import annotations

import hashlib
from typing import Any

import orjson
import pytest

from fitsense.config import EndpointTeacher
from fitsense.errors import BadArtifact
from jobs.teacher.requests import MOST_TOKENS, cache_key, first_request, with_correction, with_more_room
from tests.integration.teacher.stage import answerable


def params(**changes: Any) -> EndpointTeacher:
    section = {"kind": "openai_compatible", "base_url": "http://x/v1", "model": "m", "budget_usd": 1.0}
    return EndpointTeacher.model_validate({**section, **changes})


QUERY = answerable(1)[0]


def test_the_hash_is_of_the_bytes_that_are_sent() -> None:
    request = first_request(QUERY, params())
    assert request.sha256 == hashlib.sha256(request.body).hexdigest()
    body = orjson.loads(request.body)
    assert set(body) == {"model", "messages", "temperature", "max_tokens", "response_format"}
    assert body["response_format"]["json_schema"]["strict"] is True
    assert request.sketch.input_bound == len(request.body)


def test_the_order_of_a_query_s_keys_changes_nothing() -> None:
    shuffled = dict(reversed(QUERY.items()))
    assert first_request(shuffled, params()) == first_request(QUERY, params())


@pytest.mark.parametrize(
    "change", [{"model": "n"}, {"temperature": 0.1}, {"max_tokens": 99}, {"structured_output": "none"}]
)
def test_whatever_shapes_the_answer_is_in_the_hash_and_the_cache_key(change: dict[str, Any]) -> None:
    assert first_request(QUERY, params(**change)).sha256 != first_request(QUERY, params()).sha256
    assert cache_key(params(**change)) != cache_key(params())


@pytest.mark.parametrize(
    "change", [{"budget_usd": 9.0}, {"max_in_flight": 3}, {"timeout_s": 5.0}, {"max_attempts": 2}]
)
def test_how_it_is_asked_is_not(change: dict[str, Any]) -> None:
    assert first_request(QUERY, params(**change)).sha256 == first_request(QUERY, params()).sha256
    assert cache_key(params(**change)) == cache_key(params())


def test_json_object_and_none_are_other_response_formats() -> None:
    assert orjson.loads(first_request(QUERY, params(structured_output="json_object")).body)[
        "response_format"
    ] == {"type": "json_object"}
    assert "response_format" not in orjson.loads(first_request(QUERY, params(structured_output="none")).body)


def test_more_room_doubles_up_to_a_bound() -> None:
    request = first_request(QUERY, params(max_tokens=5000))
    more = with_more_room(request)
    assert more is not None
    assert more.max_tokens == MOST_TOKENS
    assert orjson.loads(more.body) == {**orjson.loads(request.body), "max_tokens": MOST_TOKENS}
    assert with_more_room(more) is None


def test_a_correction_goes_on_with_the_conversation() -> None:
    request = first_request(QUERY, params())
    corrected = orjson.loads(with_correction(request, "{", "action: Field required").body)
    assert corrected["messages"][:2] == orjson.loads(request.body)["messages"]
    assert corrected["messages"][2] == {"role": "assistant", "content": "{"}
    assert "action: Field required" in corrected["messages"][3]["content"]


def test_a_condition_that_the_catalogue_does_not_know_never_passes_as_none() -> None:
    well, ill = ({**QUERY["context"], "conditions": found} for found in ([], ["space_sickness"]))
    requests = [first_request({**QUERY, "context": context}, params()) for context in (well, ill)]
    offered = [len(orjson.loads(one.body)["messages"][0]["content"].split(";")) for one in requests]
    assert offered[1] < offered[0]


def test_an_area_that_the_catalogue_does_not_know_is_an_error() -> None:
    query = {**QUERY, "context": {**QUERY["context"], "pain": 3, "pain_area": "tail"}}
    with pytest.raises(BadArtifact, match="tail"):
        first_request(query, params())
