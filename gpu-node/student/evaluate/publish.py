"""The files of an evaluation, the report last: once it stands, nothing is asked again."""

from __future__ import annotations

from dataclasses import dataclass

from fitsense.artifacts import ArtifactStore, to_json
from fitsense.manifest import OutputRef
from fitsense.models.evaluation import EvaluationReport
from fitsense.reporting.render import html
from student.evaluate.card import card
from student.evaluate.flow import Outcome
from student.evaluate.page import build
from student.evaluate.samples import sample_lines
from student.outputs import Outputs


@dataclass(frozen=True)
class Place:
    """Where the files go: beside a version's weights, or in a folder of a later evaluation's own."""

    folder: str
    inside: str = "evaluation/"

    @property
    def names(self) -> tuple[str, str, str, str]:
        """Samples, page, card, report, in the order of writing."""
        inside = self.inside
        return f"{inside}samples.jsonl", f"{inside}report.html", "card.md", f"{inside}report.json"

    @property
    def report(self) -> str:
        return f"{self.folder}/{self.names[-1]}"


def publish(store: ArtifactStore, place: Place, outcome: Outcome) -> list[OutputRef]:
    """Write all files. A dead attempt's, which nobody was told of, are replaced."""
    outputs = Outputs(store, place.folder)
    asks = {(ask.case.id, str(ask.mode)): ask for ask in outcome.asks}
    samples, page, told, report = place.names
    outputs.write(samples, sample_lines(asks, outcome.mine))
    outputs.write(page, html(build(outcome)).encode())
    outputs.write(told, card(outcome).encode())
    outputs.write(report, to_json(outcome.report))
    return outputs.made


def standing(store: ArtifactStore, place: Place) -> list[OutputRef] | None:
    """The files of an evaluation that is done; None until its report stands."""
    if not store.exists(place.report):
        return None
    outputs = Outputs(store, place.folder)
    for name in place.names:
        stored = store.read(f"{place.folder}/{name}")
        if stored is None:
            return None
        outputs.write(name, stored.data)  # what stands there is these very bytes: nothing is written
    return outputs.made


def report_of(store: ArtifactStore, place: Place) -> EvaluationReport | None:
    return store.read_model(place.report, EvaluationReport)
