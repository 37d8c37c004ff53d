"""What a person sees of a training while it runs, and the wish to stop: SIGTERM."""

from __future__ import annotations

import signal
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

import orjson
import structlog

from fitsense.errors import Interrupted
from fitsense.progress import Report

log = structlog.get_logger(__name__)

_POINTS = "points.json"
WINDOW = 20
"""Steps over which speed and loss are averaged."""
TELL_EVERY_S = 5.0


@dataclass(frozen=True)
class Point:
    """One step as it is kept for the curves; ``loss`` is the mean over the answers' tokens."""

    phase: str
    step: int
    loss: float
    tokens: int
    seconds: float


@dataclass
class Watch:
    """Gathers the steps of all phases, tells of them, and raises Interrupted between two of them."""

    report: Report | None = None
    points: list[Point] = field(default_factory=list)
    interrupted: bool = False
    _phase: str = ""
    _total: int = 0
    _told: float = 0.0
    _tokens: int = 0
    _recent: deque[tuple[float, int, float]] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def listen(self) -> None:
        """From now on SIGTERM asks to stop after the step that is being made."""
        signal.signal(signal.SIGTERM, self._on_signal)

    def begin(self, phase: str, total: int, done: int) -> None:
        self._phase, self._total = phase, total
        self._recent.clear()
        self._recent.append((time.monotonic(), 0, float("nan")))
        log.info("training.phase", phase=phase, steps=total, resumed_at=done)

    def step(self, number: int, loss: float, tokens: int) -> None:
        """A step is done; ``tokens`` counts prompts too, but no padding."""
        now = time.monotonic()
        self.points.append(Point(self._phase, number, loss, tokens, now - self._recent[-1][0]))
        self._recent.append((now, tokens, loss))
        self._tokens += tokens
        if self.report:
            unit, note = f"{self._phase} steps", f"loss {self.loss:.3f}, {self.tokens_per_s:,.0f} tokens/s"
            self.report(number, self._total, unit, self._tokens, 0.0, note, self.eta_s(number))
        if now - self._told >= TELL_EVERY_S or number == self._total:
            self._told = now
            self._tell(number)

    @property
    def loss(self) -> float:
        """Mean of the last steps; NaN before the first."""
        losses = [loss for _, _, loss in self._recent if loss == loss]
        return sum(losses) / len(losses) if losses else float("nan")

    @property
    def tokens_per_s(self) -> float:
        span = self._recent[-1][0] - self._recent[0][0]
        return sum(tokens for _, tokens, _ in list(self._recent)[1:]) / span if span else 0.0

    @property
    def tuning_points(self) -> list[Point]:
        return [point for point in self.points if point.phase != "base"]

    def validated(self, step: int, loss: float) -> None:
        log.info("training.validated", phase=self._phase, step=step, loss=round(loss, 4))

    def save(self, folder: Path) -> None:
        """The curve so far, beside a checkpoint."""
        (folder / _POINTS).write_bytes(orjson.dumps([asdict(point) for point in self.points]))

    def load(self, folder: Path) -> None:
        """The curve up to the checkpoint; what this attempt has made so far stays before it."""
        if (path := folder / _POINTS).exists():
            self.points = [Point(**point) for point in orjson.loads(path.read_bytes())]
            self._tokens = sum(point.tokens for point in self.points)

    def eta_s(self, number: int) -> float:
        """Seconds until the phase ends at the speed of the last steps."""
        span = self._recent[-1][0] - self._recent[0][0]
        return (self._total - number) * span / max(len(self._recent) - 1, 1)

    def check_interrupted(self) -> None:
        """Raises Interrupted once SIGTERM came."""
        if self.interrupted:
            raise Interrupted(f"training ({self._phase}): told to stop")

    def _tell(self, number: int) -> None:
        told = {"step": number, "of": self._total, "loss": round(self.loss, 4)}
        speed, eta = round(self.tokens_per_s), round(self.eta_s(number))
        if sys.stderr.isatty():
            minutes = f"{eta // 60}:{eta % 60:02d}"
            line = f"{self._phase} {number}/{self._total}  loss {self.loss:.3f}  {speed:,} tokens/s"
            sys.stderr.write(f"\r\x1b[K{line}  ETA {minutes}" + ("\n" if number == self._total else ""))
        else:
            log.info("training.progress", phase=self._phase, tokens_per_s=speed, eta_s=eta, **told)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.interrupted = True
