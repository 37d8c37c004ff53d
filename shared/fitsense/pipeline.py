"""The stage graphs of ``schema/pipelines.yaml``, checked when loaded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from fitsense.errors import Misconfigured
from fitsense.settings import DEFAULT_SCHEMA_DIR


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StageSpec(_Model):
    """How a stage runs. ``max_retries`` is of a task, ``attempts`` of the whole stage."""

    secrets: list[str] = Field(default=[], description="secrets that its tasks get as variables")
    artifact: str = Field(pattern=r"^[a-z_]+(/[a-z_]+)?$")
    runner: Literal["run_job", "batch_gpu"]
    sharded: bool = Field(default=False, description="parts per people, spread over tasks")
    cpu: Annotated[str, Field(pattern=r"^\d+$")]
    memory: Annotated[str, Field(pattern=r"^\d+Gi$")]
    timeout_s: int = Field(ge=1, le=604_800)
    max_retries: int = Field(ge=0, le=10)
    attempts: int = Field(ge=1, le=10)


class TopicSpec(_Model):
    push: str | None
    dead_letter: str | None


class Pipelines(_Model):
    """The file, whole."""

    version: Literal[1]
    stages: dict[str, StageSpec]
    pipelines: dict[str, dict[str, list[str]]]
    topics: dict[str, TopicSpec]

    def graph(self, pipeline: str) -> Graph:
        """Raises KeyError for an unknown pipeline."""
        return Graph(self, pipeline, self.pipelines[pipeline])


class Graph:
    """One pipeline: stages in running order, each with the stages that it reads."""

    def __init__(self, source: Pipelines, name: str, inputs: dict[str, list[str]]) -> None:
        unknown = {s for s, reads in inputs.items() for s in (s, *reads)} - set(source.stages)
        undeclared = {r for reads in inputs.values() for r in reads} - set(inputs)
        if unknown or undeclared:
            raise Misconfigured(f"pipeline {name}: unknown stages {sorted(unknown | undeclared)}")
        try:
            order = list(TopologicalSorter(inputs).static_order())
        except CycleError as error:
            raise Misconfigured(f"pipeline {name}: stages in a circle: {error.args[1]}") from error
        # Among equals, the order of the file: what a person reads is what runs.
        rank = {stage: self._depth(stage, inputs) for stage in order}
        self.name = name
        self.inputs = inputs
        self.order = sorted(inputs, key=lambda s: (rank[s], list(inputs).index(s)))
        self._source = source

    def spec(self, stage: str) -> StageSpec:
        return self._source.stages[stage]

    def artifact(self, stage: str) -> str:
        return self.spec(stage).artifact

    def stage_of(self, artifact: str) -> str | None:
        """The stage of this pipeline that makes ``artifact``."""
        return next((s for s in self.order if self.artifact(s) == artifact), None)

    def upstream(self, stage: str) -> set[str]:
        """All stages that ``stage`` rests on, however far."""
        return set(self._walk(stage))

    def _walk(self, stage: str) -> Iterator[str]:
        for read in self.inputs[stage]:
            yield read
            yield from self._walk(read)

    @staticmethod
    def _depth(stage: str, inputs: dict[str, list[str]]) -> int:
        return max((Graph._depth(read, inputs) + 1 for read in inputs[stage]), default=0)


@cache
def load_pipelines(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> Pipelines:
    """Read and check the file once a process; raises Misconfigured when a graph is not one."""
    source = Pipelines.model_validate(yaml.safe_load((schema_dir / "pipelines.yaml").read_text()))
    for name in source.pipelines:
        source.graph(name)
    return source
