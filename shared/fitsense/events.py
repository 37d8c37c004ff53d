"""CloudEvents 1.0 that FitSense emits, and the facts it reads out of Google's.

Types are ``ai.fitsense.<noun>.<past participle>.v1``. Ids are made of what happened, not drawn: the same
fact told twice has the same id, and a reader can drop the second.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from fitsense.errors import BadMessage

if TYPE_CHECKING:
    from fitsense.cloud import Cloud

SOURCE = "//fitsense.ai"
Topic = Literal["runs", "training", "models"]


class Event(BaseModel):
    """Base of all event bodies. ``type`` and ``key`` name the fact; ``key`` is unique within the type."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    run_id: str

    @property
    def type(self) -> str:
        return TYPES[self.__class__]

    @property
    def key(self) -> str:
        return self.run_id


class RunAdmitted(Event):
    pipeline: str
    config: str


class ConfigRejected(Event):
    """``run_id`` is the id that the run would have had."""

    config: str
    problems: list[str]


class StageStarted(Event):
    stage: str
    attempt: int
    tasks: int
    execution: str

    @property
    def key(self) -> str:
        return f"{self.run_id}/{self.stage}/{self.attempt}"


class StageProgressed(Event):
    """A hint for people who watch; nothing is decided by it.

    ``note`` says more in a few words, such as a loss; ``eta_s`` is the task's own guess where even speed
    would not give one.
    """

    stage: str
    task: int
    done: int
    total: int
    unit: str
    note: str = ""
    eta_s: float | None = None
    tokens: int = 0
    cost_usd: float = 0.0
    seconds: float = 0.0
    sequence: int = 0

    @property
    def key(self) -> str:
        return f"{self.run_id}/{self.stage}/{self.task}/{self.sequence}"


class StageLanded(Event):
    stage: str
    rows_out: int
    seconds: float
    cost_usd: float

    @property
    def key(self) -> str:
        return f"{self.run_id}/{self.stage}"


class StageFailed(Event):
    stage: str
    error: str
    message: str

    @property
    def key(self) -> str:
        return f"{self.run_id}/{self.stage}"


class RunCompleted(Event):
    pass


class RunFailed(Event):
    stage: str
    error: str
    message: str


class TrainingRequested(Event):
    """A person or a schedule asks for training on a run's dataset; ``overrides`` change its section."""

    overrides: dict[str, Any] = {}

    @property
    def key(self) -> str:
        if not self.overrides:
            return self.run_id
        canonical = orjson.dumps(self.overrides, option=orjson.OPT_SORT_KEYS)
        return f"{self.run_id}/{hashlib.sha256(canonical).hexdigest()[:12]}"


class ModelEvent(Event):
    """Of topic ``models``. ``run_id`` is the dataset's run, or the version where that is not known."""

    version: str


class ModelRegistered(ModelEvent):
    """The gates let a model in, as champion or challenger."""

    decision: Literal["champion", "challenger"]
    against: str | None
    reasons: list[str]

    @property
    def key(self) -> str:
        return self.run_id if self.run_id == self.version else f"{self.run_id}/{self.version}"


class ModelRejected(ModelEvent):
    against: str | None
    reasons: list[str]

    @property
    def key(self) -> str:
        return self.run_id if self.run_id == self.version else f"{self.run_id}/{self.version}"


class ChannelsChanged(ModelEvent):
    """The channels as they are after change ``number``; ``version`` is whom the change was about."""

    number: int
    champion: str | None
    challenger: str | None
    traffic: int
    by: str
    reason: str
    forced: bool = False

    @property
    def key(self) -> str:
        return f"{self.number}/{self.version}"


class ModelPromoted(ChannelsChanged):
    pass


class ModelRolledBack(ChannelsChanged):
    pass


class ModelCanaried(ChannelsChanged):
    pass


class ModelChallenged(ChannelsChanged):
    pass


TYPES: dict[type[Event], str] = {
    RunAdmitted: "ai.fitsense.run.admitted.v1",
    ConfigRejected: "ai.fitsense.config.rejected.v1",
    StageStarted: "ai.fitsense.stage.started.v1",
    StageProgressed: "ai.fitsense.stage.progressed.v1",
    StageLanded: "ai.fitsense.stage.landed.v1",
    StageFailed: "ai.fitsense.stage.failed.v1",
    RunCompleted: "ai.fitsense.run.completed.v1",
    RunFailed: "ai.fitsense.run.failed.v1",
    TrainingRequested: "ai.fitsense.training.requested.v1",
    ModelRegistered: "ai.fitsense.model.registered.v1",
    ModelRejected: "ai.fitsense.model.rejected.v1",
    ModelPromoted: "ai.fitsense.model.promoted.v1",
    ModelRolledBack: "ai.fitsense.model.rolled_back.v1",
    ModelCanaried: "ai.fitsense.model.canaried.v1",
    ModelChallenged: "ai.fitsense.model.challenged.v1",
}
_BY_TYPE = {name: model for model, name in TYPES.items()}


def encode(event: Event, time: dt.datetime | None = None) -> bytes:
    """Structured-mode CloudEvents JSON. ``time`` is when it happened; left out where it does not matter."""
    from cloudevents.conversion import to_json
    from cloudevents.http import CloudEvent

    attributes = {
        "type": event.type,
        "source": SOURCE,
        "id": f"{event.type}/{event.key}",
        "subject": event.run_id,
    }
    attributes |= {"datacontenttype": "application/json", "time": time.isoformat() if time else None}  # type: ignore[dict-item]
    return to_json(CloudEvent(attributes, event.model_dump(mode="json")))


def decode(data: bytes) -> Event:
    """Raises BadMessage, saying why, for anything but one of our CloudEvents."""
    from cloudevents.exceptions import GenericException
    from cloudevents.http import from_json

    try:
        envelope = from_json(data)
    except (GenericException, ValueError) as error:
        raise BadMessage(f"not a CloudEvent: {error}") from error
    model = _BY_TYPE.get(envelope["type"])
    if model is None:
        raise BadMessage(f"unknown event type {envelope['type']!r}", hint=f"known: {sorted(_BY_TYPE)}")
    try:
        return model.model_validate(envelope.data)
    except ValidationError as error:
        raise BadMessage(f"{envelope['type']}: {error}") from error


def publish(cloud: Cloud, topic: Topic, event: Event, *, wait: bool = True) -> None:
    """Send ``event``; with ``wait``, return once Pub/Sub has it. Raises what the client raises."""
    future = cloud.publisher.publish(
        cloud.topic(topic),
        encode(event, dt.datetime.now(dt.UTC)),
        **{"content-type": "application/cloudevents+json", "type": event.type, "run_id": event.run_id},
    )
    if wait:
        future.result(timeout=30)


def parse_json(data: bytes, what: str) -> dict[str, Any]:
    """A JSON object, or BadMessage."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadMessage(f"{what} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadMessage(f"{what} must be a JSON object, not {type(value).__name__}")
    return value
