"""The seam between training and evaluation: what an evaluation is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fitsense.config import RunConfig
from fitsense.manifest import OutputRef

if TYPE_CHECKING:
    from fitsense.cloud import Cloud
    from student.bases import LocalBase
    from student.settings import TrainSettings


@dataclass(frozen=True)
class Candidate:
    """A trained model that has no manifest yet.

    ``trained`` holds ``adapter/`` (PEFT) or ``weights/``, ``base.folder`` base and tokenizer, both in
    the form of transformers; ``folder`` is ``models/<version>`` in the bucket. ``interrupted`` says that
    SIGTERM came: save what there is and raise ``fitsense.errors.Interrupted``.
    """

    settings: TrainSettings
    cloud: Cloud
    folder: str
    base: LocalBase
    trained: Path
    config: RunConfig
    scratch: Path
    interrupted: Callable[[], bool]


@dataclass(frozen=True)
class Evaluated:
    """``uri`` of ``evaluation/report.json``, None if there was no evaluation; all files that were written."""

    uri: str | None
    outputs: list[OutputRef]


Evaluate = Callable[[Candidate], Evaluated]
"""``student.evaluate.evaluate``: writes ``<folder>/evaluation/…`` and ``card.md``. Raises FitSenseError."""
