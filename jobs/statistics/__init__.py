"""Stage ``statistics``: what is in the dataset, whom it speaks for, and how far it drifted."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from fitsense.artifacts import manifest_name
from fitsense.config import Statistics
from fitsense.errors import BadArtifact
from fitsense.manifest import Manifest
from jobs.publishing import publish
from jobs.stage import Input, Job
from jobs.statistics.checks import judge
from jobs.statistics.measure import SPLITS
from jobs.statistics.page import build
from jobs.statistics.population import read_queries
from jobs.statistics.texts import Sample, sample_rows


def parts(job: Job) -> int:
    return 1


def run_part(job: Job, part: int) -> None:
    params, dataset = job.params(Statistics), job.inputs["dataset"]
    index = dataset.parquet("index.parquet")
    files = job.inputs["queries"].files(".jsonl")
    population = read_queries(job.inputs["queries"].read(file.name) for file in files)
    job.progress(1, 2, "inputs")
    report = judge(index, population, _sample(job, dataset), _reference(job, dataset, params), params)
    publish(job, build(report), rows=index.height)


def _sample(job: Job, dataset: Input) -> Sample:
    rows = {split: dataset.manifest.output(f"{split}.jsonl").rows for split in SPLITS}
    return Sample.read(_picked(dataset, sample_rows(rows, job.seed)))


def _picked(dataset: Input, wanted: dict[str, list[int]]) -> Iterator[bytes]:
    """The lines with those numbers; a file is left once its last one was found."""
    for split, numbers in wanted.items():
        left = iter(numbers)
        target = next(left, None)
        for number, line in enumerate(dataset.lines(f"{split}.jsonl") if numbers else ()):
            if number == target:
                yield line
                target = next(left, None)
            if target is None:
                break


def _reference(job: Job, dataset: Input, params: Statistics) -> pl.DataFrame | None:
    """The index of the reference run. Raises BadArtifact when it has no dataset."""
    if params.reference_run is None:
        return None
    own = job.store.name(dataset.manifest.output("index.parquet").uri)
    name = manifest_name(own.rsplit("/", 2)[0], params.reference_run)
    manifest = job.store.read_model(name, Manifest)
    if manifest is None:
        raise BadArtifact(
            f"statistics.reference_run: {params.reference_run} has no dataset: {name} is not there",
            hint="name a run whose dataset has landed, or leave reference_run out",
        )
    return Input(job.store, manifest).parquet("index.parquet")
