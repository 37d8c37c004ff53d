"""Preconditions on generation and metageneration. Pure.

https://cloud.google.com/storage/docs/request-preconditions
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.localcloud.http import ApiError


@dataclass(frozen=True)
class Conditions:
    """``generation_match=0`` means: there must be no such object."""

    generation_match: int | None = None
    generation_not_match: int | None = None
    metageneration_match: int | None = None
    metageneration_not_match: int | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, str], prefix: str = "if") -> Conditions:
        """From query parameters; ``prefix="ifSource"`` for a copy's source. 400 for what is no int64."""

        def number(name: str) -> int | None:
            return int64(parameters, prefix + name)

        return cls(
            number("GenerationMatch"),
            number("GenerationNotMatch"),
            number("MetagenerationMatch"),
            number("MetagenerationNotMatch"),
        )

    def check(self, generation: int, metageneration: int, *, reading: bool = False) -> None:
        """412 (304 for a not-match when reading) unless all hold. An absent object is generation 0."""
        if self.generation_match not in (None, generation):
            raise unmet()
        if self.metageneration_match not in (None, metageneration):
            raise unmet()
        if self.generation_not_match == generation or self.metageneration_not_match == metageneration:
            raise ApiError(304, "Not Modified", "notModified") if reading else unmet()


def unmet() -> ApiError:
    """The 412 that Google's clients turn into ``PreconditionFailed``."""
    message = "At least one of the pre-conditions you specified did not hold."
    return ApiError(412, message, "conditionNotMet")


def int64(parameters: Mapping[str, str], name: str) -> int | None:
    """The query parameter as a number, None when absent; 400 for anything else."""
    text = parameters.get(name)
    if text is None or text == "":
        return None
    if not text.lstrip("-").isdecimal():
        raise ApiError(400, f"Invalid value '{text}' for parameter '{name}'. Must be an int64.", "invalid")
    return int(text)
