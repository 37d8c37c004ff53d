from __future__ import annotations

from random import Random

import pytest

from jobs.teacher.failures import BACKOFF_CAP_S, backoff, from_status, retry_after

BODY = b'{"error": {"message": "no", "code": null}}'


@pytest.mark.parametrize(
    ("status", "kind", "retryable", "congested"),
    [
        (400, "rejected", False, False),
        (401, "fatal", False, False),
        (403, "fatal", False, False),
        (404, "fatal", False, False),
        (408, "server", True, False),
        (409, "server", True, False),
        (413, "rejected", False, False),
        (422, "rejected", False, False),
        (429, "rate_limited", True, True),
        (500, "server", True, False),
        (502, "server", True, False),
        (503, "overloaded", True, True),
        (529, "overloaded", True, True),
    ],
)
def test_what_a_status_means(status: int, kind: str, retryable: bool, congested: bool) -> None:
    failure = from_status(status, BODY, {"x-request-id": "r1"}, "key")
    assert (failure.kind, failure.retryable, failure.congested) == (kind, retryable, congested)
    assert failure.error == f"{status}: no"
    assert failure.request_id == "r1"


def test_an_exhausted_quota_is_no_rate_limit() -> None:
    body = b'{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}'
    assert from_status(429, body, {}, "key").kind == "fatal"


def test_a_gateway_timeout_may_have_been_charged_and_a_plain_500_not() -> None:
    assert from_status(504, BODY, {}, "key").maybe_charged
    assert not from_status(500, BODY, {}, "key").maybe_charged


@pytest.mark.parametrize(
    "body", [b"<html>bad gateway</html>", b"[1]", b'{"error": "plain"}', b"\xff\xfe", b""]
)
def test_any_error_body_can_be_read(body: bytes) -> None:
    assert from_status(500, body, {}, "key").error.startswith("500: ")


def test_the_key_is_cut_out_of_what_an_endpoint_echoes() -> None:
    body = b'{"error": {"message": "Incorrect API key provided: sk-secret."}}'
    assert from_status(401, body, {}, "sk-secret").error == "401: Incorrect API key provided: ***."


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "150"}, 0.15),
        ({"retry-after-ms": "150", "retry-after": "2"}, 0.15),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 50.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, 0.0),
        ({"retry-after": "99999999"}, 3600.0),
        ({"retry-after": "later"}, 0.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers, now=10.0) == pytest.approx(seconds)


def test_backoff_is_full_jitter_under_a_growing_cap() -> None:
    rng = Random(0)
    for failures in range(1, 12):
        draws = [backoff(failures, rng) for _ in range(500)]
        cap = min(BACKOFF_CAP_S, 0.25 * 2 ** (failures - 1))
        assert 0 <= min(draws) < 0.1 * cap
        assert 0.9 * cap < max(draws) <= cap
