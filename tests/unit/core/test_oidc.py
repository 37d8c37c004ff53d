"""Only the one account's tokens, made for this service and signed by the issuer's present keys, pass."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import orjson
import pytest
from google.auth import jwt

from fitsense.errors import Misconfigured, Unauthenticated, Unavailable
from fitsense.oidc import RELOAD_S, CallerCheck, Certificates
from fitsense.settings import GOOGLE_CERTS_URL, Settings
from services.conductor.app import create_app
from services.localcloud.pubsub.oidc import SigningKey, claims

AUDIENCE = "fitsense-conductor"
ACCOUNT = "push@fitsense.iam.gserviceaccount.com"
OURS, FOREIGN = SigningKey.new(), SigningKey.new()


class Issuer:
    """Serves certificates on loopback and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.status = 200
        self.max_age_s = 3600
        self.body: Any = {OURS.id: OURS.certificate}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/certs"
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _handler(issuer) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                self.send_response(issuer.status)
                self.send_header("Cache-Control", f"public, max-age={issuer.max_age_s}, must-revalidate")
                self.end_headers()
                self.wfile.write(orjson.dumps(issuer.body))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    found = Issuer()
    yield found
    found.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def callers(issuer: Issuer, clock: Clock) -> CallerCheck:
    return CallerCheck(AUDIENCE, ACCOUNT, Certificates(issuer.url, clock))


def good(**changes: Any) -> dict[str, Any]:
    return claims(ACCOUNT, AUDIENCE, int(time.time())) | changes


def bearer(key: SigningKey = OURS, **changes: Any) -> str:
    return f"Bearer {key.sign(good(**changes))}"


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


def forged(header: Any, signature: Callable[[bytes], bytes] = lambda _: b"x" * 256) -> str:
    """The right claims under another header and signature."""
    signed = f"{part(header)}.{part(good())}"
    made = base64.urlsafe_b64encode(signature(signed.encode())).rstrip(b"=").decode()
    return f"Bearer {signed}.{made}"


def with_hmac(data: bytes) -> bytes:
    """The classic confusion: the public certificate taken for a shared secret."""
    return hmac.digest(OURS.certificate.encode(), data, hashlib.sha256)


def altered() -> str:
    """Another's claims under the signature of a good token."""
    header, _, signature = bearer().split(".")
    return f"{header}.{part(good(sub='somebody'))}.{signature}"


def posing() -> str:
    """Signed with a foreign key that calls itself by our key's id."""
    return f"Bearer {jwt.encode(FOREIGN._signer, good(), key_id=OURS.id).decode()}"


REFUSED: dict[str, Callable[[], str]] = {
    "no header": lambda: "",
    "another scheme": lambda: bearer().replace("Bearer", "Basic"),
    "no token": lambda: "Bearer ",
    "no JWT": lambda: "Bearer letmein",
    "not base64": lambda: "Bearer \xe9.\xe9.\xe9",
    "header is no object": lambda: forged([1]),
    "header nested too deep": lambda: f"Bearer {base64.urlsafe_b64encode(b'[' * 6000).decode()}.e30.eA",
    "no algorithm": lambda: forged({"alg": "none", "kid": OURS.id}, lambda _: b""),
    "another algorithm": lambda: forged({"alg": "HS256", "kid": OURS.id}, with_hmac),
    "elliptic": lambda: forged({"alg": "ES256", "kid": OURS.id}),
    "no key named": lambda: forged({"alg": "RS256"}),
    "key name is no string": lambda: forged({"alg": "RS256", "kid": [OURS.id]}),
    "signature removed": lambda: bearer().rsplit(".", 1)[0] + ".SIGNATURE_REMOVED_BY_GOOGLE",
    "claims altered": altered,
    "foreign key": lambda: bearer(FOREIGN),
    "foreign key under our id": posing,
    "wrong audience": lambda: bearer(aud="https://another"),
    "list of audiences": lambda: bearer(aud=[AUDIENCE]),
    "no audience": lambda: bearer(aud=None),
    "wrong account": lambda: bearer(email="another@fitsense.iam.gserviceaccount.com"),
    "unverified account": lambda: bearer(email_verified=False),
    "account verified in words": lambda: bearer(email_verified="true"),
    "wrong issuer": lambda: bearer(iss="https://accounts.example.com"),
    "expired": lambda: bearer(iat=int(time.time()) - 7200, exp=int(time.time()) - 3600),
    "from the future": lambda: bearer(iat=int(time.time()) + 3600, exp=int(time.time()) + 7200),
}


def test_good_tokens_pass_and_cost_one_fetch(callers: CallerCheck, issuer: Issuer) -> None:
    for _ in range(20):
        callers.check(bearer())
    callers.check(bearer().replace("Bearer", "bearer"))
    callers.check(bearer(iss="accounts.google.com"))
    assert issuer.asked == 1


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused(callers: CallerCheck, name: str) -> None:
    callers.check(bearer())
    with pytest.raises(Unauthenticated):
        callers.check(REFUSED[name]())


def test_forged_key_ids_do_not_cause_a_fetch_each(callers: CallerCheck, issuer: Issuer, clock: Clock) -> None:
    callers.check(bearer())
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            callers.check(bearer(FOREIGN))
    assert issuer.asked == 1
    clock.now += RELOAD_S
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            callers.check(bearer(FOREIGN))
    assert issuer.asked == 2


def test_a_new_key_is_taken_up_and_an_old_one_given_up(
    callers: CallerCheck, issuer: Issuer, clock: Clock
) -> None:
    callers.check(bearer())
    issuer.body = {FOREIGN.id: FOREIGN.certificate}
    clock.now += RELOAD_S
    callers.check(bearer(FOREIGN))
    clock.now += RELOAD_S
    with pytest.raises(Unauthenticated):
        callers.check(bearer())


def test_certificates_are_kept_for_as_long_as_their_issuer_says(
    callers: CallerCheck, issuer: Issuer, clock: Clock
) -> None:
    issuer.max_age_s = 60
    for moment, asked in ((0, 1), (59, 1), (1, 2)):
        clock.now += moment
        callers.check(bearer())
        assert issuer.asked == asked


@pytest.mark.parametrize(("status", "body"), [(500, {}), (404, {}), (200, ["not", "an", "object"])])
def test_without_certificates_the_caller_may_come_again(
    callers: CallerCheck, issuer: Issuer, status: int, body: Any
) -> None:
    issuer.status, issuer.body = status, body
    with pytest.raises(Unavailable):
        callers.check(bearer())
    issuer.status, issuer.body = 200, {OURS.id: OURS.certificate}
    callers.check(bearer())


def test_an_issuer_that_does_not_answer_is_unavailable(issuer: Issuer) -> None:
    issuer.stop()
    with pytest.raises(Unavailable):
        CallerCheck(AUDIENCE, ACCOUNT, Certificates(issuer.url)).check(bearer())


PLACE = {"GOOGLE_CLOUD_PROJECT": "p", "FITSENSE_LOCATION": "l", "FITSENSE_BUCKET": "b"}
PUSH = {"FITSENSE_PUSH_AUDIENCE": AUDIENCE, "FITSENSE_PUSH_ACCOUNT": ACCOUNT}


@pytest.mark.parametrize("missing", PUSH)
def test_the_conductor_does_not_start_unguarded(missing: str) -> None:
    settings = Settings.from_env(PLACE | PUSH | {missing: ""})
    with pytest.raises(Misconfigured, match=missing):
        create_app(settings)


def test_the_certificates_are_google_s_unless_said_otherwise() -> None:
    assert Settings.from_env(PLACE | PUSH).oidc_certs_url == GOOGLE_CERTS_URL
    assert Settings.from_env(PLACE | {"FITSENSE_OIDC_CERTS_URL": "http://x/"}).oidc_certs_url == "http://x/"
