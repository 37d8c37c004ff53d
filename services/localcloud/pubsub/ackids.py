"""Ack ids: which delivery of which message to which subscription is meant.

``<subscription number>-<message id>-<epoch>-<turn>``; opaque to clients.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.localcloud.http import ApiError

_PATTERN = re.compile(r"(\d{1,15})-(\d{1,19})-(\d{1,15})-(\d{1,15})")


@dataclass(frozen=True, slots=True)
class AckId:
    """``turn`` is 0 when the id was handed out before the cloud's last start: that lease is no more."""

    message: int
    turn: int


def encode(subscription: int, message: int, epoch: int, turn: int) -> str:
    return f"{subscription}-{message}-{epoch}-{turn}"


def decode(text: str, subscription: int, epoch: int) -> AckId:
    """ApiError 400 unless ``text`` was handed out for this subscription."""
    match = _PATTERN.fullmatch(text)
    if match is None or int(match[1]) != subscription:
        raise ApiError(400, f"Invalid ack id (ack_id={text})")
    return AckId(int(match[2]), int(match[4]) if int(match[3]) == epoch else 0)
