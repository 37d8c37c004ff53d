"""The models of an evaluation and their replies: engines are started only for what nobody knows yet."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from fitsense.config import Evaluation
from fitsense.errors import Interrupted
from student.evaluate.cases import Ask
from student.evaluate.client import Conduct, ask_all
from student.evaluate.journal import Journal, Unkept
from student.serving.cache import LocalModel
from student.serving.engine import Engine
from student.serving.options import EngineOptions

log = structlog.get_logger(__name__)

READY_S = 300.0
POLL_S = 0.05


def candidate_model(version: str, key: str, base: Path, trained: Path) -> LocalModel:
    """What was just trained, before it has a manifest."""
    weights = trained / "weights"
    if not weights.is_dir():
        return LocalModel(version, key, base, trained / "adapter")
    for path in base.iterdir():
        # Weights are saved alone; what describes the tokenizer is the base's.
        if (
            path.is_file()
            and path.suffix not in (".safetensors", ".bin")
            and not (weights / path.name).exists()
        ):
            shutil.copyfile(path, weights / path.name)
    return LocalModel(version, version, weights, None)


@dataclass(frozen=True)
class Contest:
    """Asks models the same things, each in its turn, those of one base by one engine."""

    wanted: Evaluation
    journal: Journal
    conduct: Conduct
    scratch: Path

    def ask(self, models: Sequence[LocalModel], asks: Sequence[Ask]) -> None:
        """Until the journal knows all replies. Raises Interrupted, Unavailable, BadAdapter."""
        for key in dict.fromkeys(model.key for model in models):
            group = [model for model in models if model.key == key]
            if not all(self.journal.knows(model.version, asks) for model in group):
                self._ask(group, asks)

    def _ask(self, group: Sequence[LocalModel], asks: Sequence[Ask]) -> None:
        timed, rest = [ask for ask in asks if ask.timed], [ask for ask in asks if not ask.timed]
        with self._engine(group) as engine:
            for model in group:
                log.info("evaluation.asking", version=model.version, asks=len(asks))
                self._warm_up(engine.url, model.version, timed or rest)
                ask_all(engine.url, model.version, timed, self.wanted.streams, self.journal, self.conduct)
                ask_all(engine.url, model.version, rest, self.wanted.in_flight, self.journal, self.conduct)

    def _warm_up(self, url: str, version: str, asks: Sequence[Ask]) -> None:
        """The first call of an adapter pays for what later ones find made; it is nobody's latency."""
        first = Ask(asks[0].case, "free", max_tokens=4)
        ask_all(url, version, [first], 1, Unkept(), replace(self.conduct, progress=lambda *_: None))

    @contextmanager
    def _engine(self, group: Sequence[LocalModel]) -> Iterator[Engine]:
        adapters = {model.version: model.adapter for model in group if model.adapter}
        options = EngineOptions(
            max_num_seqs=self.wanted.in_flight, max_loras=max(1, len(adapters)), lora=bool(adapters)
        )
        path = self.scratch / f"engine-{group[0].version}.log"
        name = "base" if adapters else group[0].version
        engine = Engine.start(group[0].base, adapters, name=name, options=options, log_path=path)
        with engine:
            self._await(engine)
            yield engine

    def _await(self, engine: Engine) -> None:
        """Raises EngineDied; Interrupted without waiting for what nobody will ask."""
        deadline = time.monotonic() + READY_S
        while not engine.healthy():
            if self.conduct.interrupted():
                raise Interrupted("evaluate: told to stop")
            if not engine.alive or time.monotonic() > deadline:
                engine.wait_ready(0)  # says why
            time.sleep(POLL_S)
