"""Which version answers a request. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from fitsense.models.serving import ALIAS


@dataclass(frozen=True)
class Routes:
    """What the alias stands for. ``traffic`` is the challenger's share in percent."""

    champion: str | None = None
    challenger: str | None = None
    traffic: int = 0

    def resolve(self, model: str, user: str) -> str | None:
        """The version for a request; None where nobody serves yet.

        ``user`` is whoever asks, or the request's own id: the same user meets the same version as long as
        the share only grows.
        """
        if model != ALIAS:
            return model
        if self.challenger and share_of(self.challenger, user) < self.traffic:
            return self.challenger
        return self.champion

    @property
    def wanted(self) -> tuple[str, ...]:
        """The versions that must be there, the champion first."""
        tried = self.challenger if self.traffic else None
        return tuple(version for version in (self.champion, tried) if version)


def share_of(challenger: str, user: str) -> float:
    """A user's fixed place in [0, 100), another for each challenger: nobody tries them all."""
    digest = hashlib.sha256(f"{challenger}/{user}".encode()).digest()
    return int.from_bytes(digest[:8], "big") * 100 / 2**64
