"""The function's entry point: functions-framework loads this file by its path."""

from cloudevents.http import CloudEvent
from flask import current_app


def conduct(event: CloudEvent) -> None:
    current_app.config["HANDLER"](event)
