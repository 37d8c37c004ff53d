"""The identity token that authenticated push sends: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions

It has the claims of Google's, but no signature (``alg: none``): nothing on loopback could vouch for one.
"""

from __future__ import annotations

import base64
from typing import Any

import orjson

LIFETIME_S = 3600
_ISSUER = "https://accounts.google.com"


def bearer(email: str, audience: str, now_s: int) -> str:
    """The value of the Authorization header, good for an hour from ``now_s`` (seconds since the epoch)."""
    claims = {
        "aud": audience,
        "azp": email,
        "email": email,
        "email_verified": True,
        "exp": now_s + LIFETIME_S,
        "iat": now_s,
        "iss": _ISSUER,
        "sub": email,
    }
    return f"Bearer {_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


class Tokens:
    """Keeps one token per account and audience until shortly before its end."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], tuple[int, str]] = {}

    def header(self, email: str, audience: str, now_s: int) -> str:
        made = self._made.get((email, audience))
        if made is None or now_s > made[0] + LIFETIME_S - 300:
            made = self._made[email, audience] = (now_s, bearer(email, audience, now_s))
        return made[1]
