"""Resource names: ``projects/P/topics/T`` and the like, by Google's rules.

https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.localcloud.http import ApiError

DELETED_TOPIC = "_deleted-topic_"
"""What a subscription's ``topic`` says once its topic is gone."""

_ID = re.compile(r"[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}")
_NAME = re.compile(r"projects/([^/]+)/(topics|subscriptions|snapshots)/([^/]+)")


@dataclass(frozen=True, slots=True)
class Name:
    """The parts of a resource name."""

    project: str
    collection: str
    id: str


def parse(name: str, collection: str) -> Name:
    """Split ``name``; ApiError 400 unless it names one of ``collection`` (``topics``, ``subscriptions``)."""
    match = _NAME.fullmatch(name)
    if match is None or match[2] != collection:
        raise ApiError(400, f"Invalid [{collection}] name: (name={name})")
    return Name(match[1], match[2], match[3])


def check_new(name: str, collection: str) -> None:
    """A name for a new resource: 3 to 255 characters, a letter first, not starting with ``goog``."""
    short = parse(name, collection).id
    if _ID.fullmatch(short) is None or short.startswith("goog"):
        raise ApiError(400, f"Invalid [{collection}] name: (name={name})")


def short(name: str) -> str:
    """The last part: what fault rules match."""
    return name.rsplit("/", 1)[-1]


def project_of(path: str) -> str:
    """The project id in ``projects/P``; ApiError 400 for anything else."""
    head, _, project = path.partition("/")
    if head != "projects" or not project or "/" in project:
        raise ApiError(400, f"Invalid [projects] name: (name={path})")
    return project
