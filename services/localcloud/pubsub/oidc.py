"""The identity token that authenticated push sends: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions

It has the claims and the form of Google's. This cloud is its own issuer: the key is in the state folder, the
certificate is served at CERTS_PATH as Google serves its own at https://www.googleapis.com/oauth2/v1/certs.
"""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

CERTS_PATH = "/_localcloud/oidc/certs"
CERTS_MAX_AGE_S = 3600
LIFETIME_S = 3600
_KEY_BITS = 2048
_ISSUER = "https://accounts.google.com"


class SigningKey:
    """An RSA key with a certificate of its own; the same one gives the same certificate, byte for byte."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.id = hashlib.sha256(public).hexdigest()[:40]
        self.certificate = _certificate(key, self.id)
        self._signer = crypt.RSASigner.from_string(_pem(key), key_id=self.id)

    @classmethod
    def new(cls) -> SigningKey:
        return cls(_generate())

    @classmethod
    def at(cls, path: Path) -> SigningKey:
        """The one kept at ``path``; made there when there is none. Raises ValueError for other content."""
        if not path.exists():
            _write(path, _pem(_generate()))
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError(f"{path} does not hold an RSA key")
        return cls(key)

    def sign(self, claims: dict[str, Any]) -> str:
        """A JWT, RS256."""
        return str(jwt.encode(self._signer, claims), "ascii")


def claims(email: str, audience: str, now_s: int) -> dict[str, Any]:
    """What Google's tokens claim, good for an hour from ``now_s`` (seconds since the epoch)."""
    return {
        "aud": audience,
        "azp": email,
        "email": email,
        "email_verified": True,
        "exp": now_s + LIFETIME_S,
        "iat": now_s,
        "iss": _ISSUER,
        "sub": email,
    }


class Tokens:
    """Keeps one token per account and audience until shortly before its end."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self._made: dict[tuple[str, str], tuple[int, str]] = {}

    def header(self, email: str, audience: str, now_s: int) -> str:
        """The value of the Authorization header."""
        made = self._made.get((email, audience))
        if made is None or now_s > made[0] + LIFETIME_S - 300:
            bearer = f"Bearer {self._key.sign(claims(email, audience, now_s))}"
            made = self._made[email, audience] = (now_s, bearer)
        return made[1]


def _generate() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)


def _certificate(key: rsa.RSAPrivateKey, key_id: str) -> str:
    """Self-signed, in PEM. Its dates mean nothing: what ends is a token."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localcloud")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int(key_id[:32], 16) + 1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, for this user's eyes alone."""
    partial = path.with_suffix(".partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
