"""Manifests: what landed, made from what, by which code. Written last, create-only."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Counters(Model):
    """What went in and out. ``rejected`` maps reason → rows; costs are US dollars."""

    rows_in: int = 0
    rows_out: int = 0
    rejected: dict[str, int] = Field(default_factory=dict)
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    extra: dict[str, float] = Field(default_factory=dict)

    def __add__(self, other: Counters) -> Counters:
        return Counters(
            rows_in=self.rows_in + other.rows_in,
            rows_out=self.rows_out + other.rows_out,
            rejected=_added(self.rejected, other.rejected),
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_out=self.tokens_out + other.tokens_out,
            cost_usd=self.cost_usd + other.cost_usd,
            extra=_added(self.extra, other.extra),
        )


def _added(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    return {key: left.get(key, 0) + right.get(key, 0) for key in sorted({*left, *right})}


class InputRef(Model):
    """A landed artifact that was read: its manifest, as it was."""

    stage: str
    uri: str
    generation: int
    crc32c: str


class OutputRef(Model):
    """One file that was made. ``crc32c`` is base64 as Storage gives it, ``sha256`` hex."""

    name: str
    uri: str
    bytes: int
    rows: int
    crc32c: str
    sha256: str


class Part(Model):
    """A finished part of a sharded stage: ``parts/<number>.json``, written after its files."""

    part: int
    outputs: list[OutputRef]
    counters: Counters
    seconds: float = 0.0


class Manifest(Model):
    """``<artifact>/<run_id>/manifest.json``."""

    schema_version: Literal[1] = 1
    run_id: str
    pipeline: str
    stage: str
    inputs: list[InputRef]
    outputs: list[OutputRef]
    params: dict[str, Any]
    params_sha256: str
    seed: int
    code_version: str
    attempt: int
    started: dt.datetime
    finished: dt.datetime
    seconds: float = Field(description="task seconds of all parts")
    counters: Counters
    adopted_from: str | None = Field(default=None, description="run_id that made it, when it was reused")

    def output(self, name: str) -> OutputRef:
        """Raises KeyError for a file that the stage did not make."""
        for output in self.outputs:
            if output.name == name:
                return output
        raise KeyError(name)


class Failure(Model):
    """``<artifact>/<run_id>/failure.json``: the stage gave up."""

    schema_version: Literal[1] = 1
    run_id: str
    stage: str
    error: str = Field(description="class of the error")
    message: str
    hint: str = Field(description="what to do")
    attempts: int
    log: str = Field(description="where its log is")


class ProblemModel(Model):
    path: str
    message: str
    allowed: str = ""


class Rejection(Model):
    """``configs/<name>.rejected.json``: why a config was not admitted, and what would be right."""

    schema_version: Literal[1] = 1
    config: str
    generation: int
    problems: list[ProblemModel]


class Claim(Model):
    """``runs/<run_id>/claims/<stage>.json``: who runs a stage. Taken over by compare-and-swap only."""

    run_id: str
    stage: str
    attempt: int
    token: str = Field(description="stands in the execution's environment, so that it can be found")
    execution: str | None = None


class Check(Model):
    """One judged fact of a report."""

    name: str
    passed: bool
    value: float
    op: Literal["<=", ">=", "=="]
    threshold: float
    detail: str = ""


class Report(Model):
    """``report.json`` of a quality stage; ``facts`` are what its charts show."""

    schema_version: Literal[1] = 1
    stage: str
    passed: bool
    checks: list[Check]
    facts: dict[str, Any]
