"""Wires the conductor to HTTP: Pub/Sub pushes, functions-framework unpacks, one table dispatches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import functions_framework
import orjson
import structlog
from flask import Flask, Response, request

from fitsense.cloud import Cloud
from fitsense.errors import BadMessage, FitSenseError, Permanent, Unauthenticated, Unavailable
from fitsense.oidc import CallerCheck
from fitsense.pipeline import load_pipelines
from fitsense.settings import Settings
from fitsense.telemetry import configure_logging
from services.conductor.conductor import Conductor
from services.conductor.deadletters import bury
from services.conductor.messages import Message

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent

log = structlog.get_logger(__name__)

HANDLERS: dict[str, Callable[[Conductor, Message], None]] = {
    "artifacts": Conductor.on_artifact,
    "training": Conductor.on_training,
    "ticks": Conductor.on_tick,
}
"""Topic → what its messages mean. Returning acknowledges; raising sends the message back."""


class Handler:
    """The function that functions-framework calls; its conductor is made on first use."""

    def __init__(self, settings: Settings) -> None:
        self.cloud = Cloud(settings)
        self.conductor = Conductor(self.cloud)
        self.topics = load_pipelines(settings.schema_dir).topics

    def __call__(self, event: CloudEvent) -> None:
        message = Message.from_event(event)
        try:
            self._handle(message)
        except Permanent as error:
            log.warning("message.dead", topic=message.topic, reason=error.message, id=message.id)
            dead_letter = self.topics[message.topic].dead_letter if message.topic in self.topics else None
            if dead_letter is None:
                raise
            bury(self.cloud, dead_letter, message, error)

    def _handle(self, message: Message) -> None:
        handler = HANDLERS.get(message.topic)
        if handler is None:
            raise BadMessage(f"nothing handles topic {message.topic!r}", hint=f"handled: {list(HANDLERS)}")
        handler(self.conductor, message)


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application. A sweep on start-up makes good what happened while nobody listened.

    Raises Misconfigured without the settings that tell Pub/Sub's pushes from anybody's.
    """
    settings = settings or Settings.from_env()
    callers = CallerCheck.from_settings(settings)
    configure_logging("conductor", settings.log_level)
    handler = Handler(settings)
    app: Flask = functions_framework.create_app(  # type: ignore[no-untyped-call]
        target="conduct", source=str(Path(__file__).with_name("main.py")), signature_type="cloudevent"
    )
    app.config["HANDLER"] = handler
    app.before_request(lambda: _refusal(callers))
    app.wsgi_app = _EmptyData(app.wsgi_app)  # type: ignore[method-assign]
    threading.Thread(target=_sweep, args=(handler.conductor,), daemon=True).start()
    return app


def _refusal(callers: CallerCheck) -> Response | None:
    """None for a push of our own; 401 for anybody else's request, 503 while that cannot be told."""
    try:
        callers.check(request.headers.get("Authorization", ""))
    except (Unauthenticated, Unavailable) as error:
        log.warning("request.refused", path=request.path, reason=error.message)
        body = {"type": "about:blank", "status": error.status, "detail": error.message}
        headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else None
        return Response(orjson.dumps(body), error.status, headers, content_type="application/problem+json")
    return None


def _sweep(conductor: Conductor) -> None:
    from google.api_core.exceptions import GoogleAPICallError

    try:
        conductor.on_tick()
    except (FitSenseError, GoogleAPICallError) as error:
        log.warning("sweep.failed", reason=str(error))  # the next tick does the same again


class _EmptyData:
    """Pub/Sub leaves ``data`` out of a message without any; functions-framework would answer 400 to it.

    Answered so, the message would be retried for days and die without a reason; put in, it is judged here.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            envelope = orjson.loads(body)
            if isinstance(envelope.get("message"), dict) and "data" not in envelope["message"]:
                envelope["message"]["data"] = ""
                body = orjson.dumps(envelope)
        except (orjson.JSONDecodeError, AttributeError):
            log.warning("request.not_an_envelope", path=environ.get("PATH_INFO"))
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
        return self._app(environ, start_response)
