"""Who calls: the check of the identity token that Google's services put into the requests they push.

https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions

A service that checks here has to be deployed without Cloud Run's own IAM check, which would leave nothing to
check: it takes the signature out of the token before it passes the request on
(https://cloud.google.com/run/docs/troubleshooting#signature-removed).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
from google.auth import jwt
from google.auth.exceptions import GoogleAuthError

from fitsense.errors import Misconfigured, Unauthenticated, Unavailable
from fitsense.settings import Settings

ISSUERS = ("accounts.google.com", "https://accounts.google.com")
ALGORITHM = "RS256"
CLOCK_SKEW_S = 10
"""How far this machine's clock may be from the issuer's."""
FETCH_TIMEOUT_S = 5.0
RELOAD_S = 5.0
"""Tokens that name unknown keys cause one fetch in this time, so that forged ones cannot cause many."""
DEFAULT_MAX_AGE_S = 300.0
_MALFORMED = (ValueError, GoogleAuthError, RecursionError)


class Certificates:
    """The issuer's public keys, ``{key id: X.509 certificate in PEM}``, kept for as long as it allows."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._found: Mapping[str, str] = {}
        self._expires = self._tried = float("-inf")

    def holding(self, key_id: str) -> Mapping[str, str]:
        """All of them, fetched anew when too old or without ``key_id``. Raises Unavailable."""
        with self._lock:
            now = self._clock()
            unknown = key_id not in self._found and now >= self._tried + RELOAD_S
            if now >= self._expires or unknown:
                self._tried = now
                self._found, max_age_s = _fetch(self._url)
                self._expires = now + max_age_s
            return self._found


def _fetch(url: str) -> tuple[dict[str, str], float]:
    """The certificates, and for how many seconds they may be kept."""
    try:
        response = requests.get(url, timeout=FETCH_TIMEOUT_S)
        response.raise_for_status()
        found = response.json()
    except requests.RequestException as error:
        raise Unavailable(f"no certificates from {url}: {error}") from error
    if not isinstance(found, dict):
        raise Unavailable(f"no certificates from {url}: not a JSON object")
    max_age = re.search(r"\bmax-age=(\d+)", response.headers.get("Cache-Control", ""))
    return found, float(max_age[1]) if max_age else DEFAULT_MAX_AGE_S


class CallerCheck:
    """Lets one service account pass, with tokens that were made for this service alone."""

    def __init__(self, audience: str, account: str, certificates: Certificates) -> None:
        self._audience = audience
        self._account = account
        self._certificates = certificates

    @classmethod
    def from_settings(cls, settings: Settings) -> CallerCheck:
        """Raises Misconfigured without an audience or an account: to start unguarded is no choice."""
        needed = {
            "FITSENSE_PUSH_AUDIENCE": settings.push_audience,
            "FITSENSE_PUSH_ACCOUNT": settings.push_account,
        }
        if missing := [name for name, value in needed.items() if not value]:
            raise Misconfigured(
                f"missing in the environment: {', '.join(missing)}",
                hint="what the push subscriptions' oidc_token says: its audience and service_account_email",
            )
        return cls(settings.push_audience, settings.push_account, Certificates(settings.oidc_certs_url))

    def check(self, authorization: str) -> None:
        """``authorization`` is the header's value, empty when there was none.

        Raises Unauthenticated, or Unavailable when the issuer's certificates cannot be had.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("no bearer token")
        certificates = self._certificates.holding(_key_id(token))
        try:
            claims = jwt.decode(
                token, certs=certificates, audience=self._audience, clock_skew_in_seconds=CLOCK_SKEW_S
            )
        except _MALFORMED as error:
            raise Unauthenticated(f"bearer token: {error}") from error
        self._check_caller(claims)

    def _check_caller(self, claims: Mapping[str, Any]) -> None:
        if claims.get("iss") not in ISSUERS:
            raise Unauthenticated(f"the token's issuer is {claims.get('iss')!r}")
        if claims.get("email") != self._account or claims.get("email_verified") is not True:
            raise Unauthenticated(f"{claims.get('email')!r} may not call")


def _key_id(token: str) -> str:
    """The key that a token claims to be signed with. Raises Unauthenticated for what is no such token."""
    try:
        header = jwt.decode_header(token)
    except _MALFORMED as error:
        raise Unauthenticated("the bearer token is not a JWT") from error
    if header.get("alg") != ALGORITHM or not isinstance(header.get("kid"), str):
        raise Unauthenticated(f"the bearer token is not signed by {ALGORITHM} with a named key")
    return str(header["kid"])
