"""Events of topic ``models``, pulled: each says that the channels may have changed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from google.api_core.exceptions import AlreadyExists, GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError

from fitsense.cloud import Cloud

if TYPE_CHECKING:
    from google.cloud.pubsub_v1.subscriber.futures import StreamingPullFuture
    from google.cloud.pubsub_v1.subscriber.message import Message

log = structlog.get_logger(__name__)

TOPIC = "models"
KEPT_S = 600
"""Pub/Sub's shortest: an old event says nothing that the file does not say."""
PAUSE_S = 3.0


class Hints:
    """Calls ``hint`` for every event, on a thread of its own, as long as there is a Pub/Sub to listen to."""

    def __init__(self, cloud: Cloud, subscription: str, hint: Callable[[], Any]) -> None:
        self._cloud = cloud
        self._name = cloud.subscription(subscription)
        self._hint = hint
        self._stopped = threading.Event()
        self._future: StreamingPullFuture | None = None

    def start(self) -> None:
        threading.Thread(target=self._run, name="hints", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        if self._future is not None:
            self._future.cancel()

    def _run(self) -> None:
        """Subscribe again whenever it ends: the topic may be made later, Pub/Sub may be away for a while."""
        said = ""
        while not self._stopped.is_set():
            try:
                self._listen()
            except (GoogleAPICallError, RetryError, GoogleAuthError) as error:
                if said != type(error).__name__:
                    log.warning("hints.unavailable", subscription=self._name, reason=str(error)[:300])
                said = type(error).__name__
            self._stopped.wait(PAUSE_S)

    def _listen(self) -> None:
        self._ensure()
        self._future = self._cloud.subscriber.subscribe(self._name, callback=self._received)
        if not self._stopped.is_set():
            self._hint()  # what happened before this
            self._future.result()

    def _ensure(self) -> None:
        """Terraform makes the subscription in Google's cloud; on one machine nobody else does."""
        wanted: dict[str, Any] = {"name": self._name, "topic": self._cloud.topic(TOPIC)}
        wanted |= {"message_retention_duration": {"seconds": KEPT_S}}
        with contextlib.suppress(AlreadyExists):
            self._cloud.subscriber.create_subscription(request=wanted, timeout=10)

    def _received(self, message: Message) -> None:
        message.ack()
        self._hint()
