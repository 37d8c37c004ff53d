"""The ``openai_compatible`` teacher of one part: what is known, what it may cost, the calls, the file."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import orjson
import structlog

from fitsense.config import EndpointTeacher
from fitsense.errors import Permanent
from fitsense.settings import secret
from jobs.stage import Job, part_file
from jobs.teacher import checkpoint as checkpoints
from jobs.teacher.admission import Gate
from jobs.teacher.budget import Ledger, Price, share, usd
from jobs.teacher.cache import ResponseCache
from jobs.teacher.calls import Caller
from jobs.teacher.checkpoint import Checkpoint
from jobs.teacher.completion import Completion
from jobs.teacher.endpoint import Endpoint
from jobs.teacher.part import PartRun, Results
from jobs.teacher.requests import Sketch, cache_key, first_request
from jobs.teacher.verdict import follow_up, shortcoming

log = structlog.get_logger(__name__)

_caches: WeakKeyDictionary[Job, ResponseCache] = WeakKeyDictionary()
"""A task reads the cache's directory once, however many parts it makes."""


@dataclass(frozen=True)
class Plan:
    """What is left to ask: calls that nobody answered yet, and what they can cost in picodollars."""

    calls: int
    likely_tokens: int
    worst_call: int


def plan_calls(sketches: Iterable[Sketch], price: Price) -> Plan:
    """Sum up the requests that have to be sent."""
    todo = list(sketches)
    return Plan(
        calls=len(todo),
        likely_tokens=sum(sketch.likely_input for sketch in todo),
        worst_call=max((price.worst(sketch) for sketch in todo), default=0),
    )


def to_ask(
    queries: list[bytes], firsts: list[Sketch], params: EndpointTeacher, known: Mapping[str, Completion]
) -> Iterator[Sketch]:
    """The next request of each query that is not answered to its end, in order."""
    for line, first in zip(queries, firsts, strict=True):
        completion = known.get(first.sha256)
        if completion is None:
            yield first
        elif shortcoming(completion) is not None:
            again = follow_up(first_request(orjson.loads(line), params), completion)
            if again is not None and again.sha256 not in known:
                yield again.sketch


@contextmanager
def calm_collector() -> Iterator[None]:
    """Collect garbage seldom while calls are made: each makes hundreds of short-lived objects, and walking
    the loaded libraries' heap at every tenth young collection took a third of the CPU time of a call."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def teach_part(job: Job, params: EndpointTeacher, part: int) -> None:
    """Write the part's responses. Raises BudgetExceeded, TooManyErrors, Misconfigured, Interrupted."""
    RemotePart(job, params, part).teach()


class RemotePart:
    """One part: history and cache first, calls for the rest, then the file."""

    def __init__(self, job: Job, params: EndpointTeacher, part: int) -> None:
        self.job = job
        self.params = params
        self.key = secret(params.api_key_secret)
        self.price = Price.of(params)
        self.name = part_file(part, "jsonl")
        self.queries = job.inputs["queries"].read(self.name).splitlines()
        self.firsts = [first_request(orjson.loads(line), params).sketch for line in self.queries]
        self.folder = checkpoints.folder(job.folder.rsplit("/", 1)[-1], part)
        self.history = checkpoints.load(job.store, self.folder, self.price)
        self.asking_s = 0.0
        self.counts: Counter[str] = Counter(resumed=len(self.history.known))
        self.cache = self._cache() if params.cache else None
        self.results = Results(lines=[None] * len(self.queries), known=dict(self.history.known))
        self.ledger = Ledger(self._budget(), spent=self.history.spent, at_risk=self.history.at_risk)

    def teach(self) -> None:
        self._look_up_cache()
        plan = plan_calls(self._to_ask(), self.price)
        log.info("teacher.part", file=self.name, to_ask=plan.calls, budget_usd=usd(self.ledger.budget))
        self.ledger.check_prompts(plan.calls, plan.likely_tokens, self.price)
        try:
            with calm_collector():
                asyncio.run(self._ask(plan))
        except Permanent:
            # This run ends here; what it paid for serves the next one.
            self._fill_cache()
            raise
        self._fill_cache()
        lines = [line for line in self.results.lines if line is not None]
        self.job.write_lines(self.name, lines)
        self._count()

    def _to_ask(self) -> Iterator[Sketch]:
        return to_ask(self.queries, self.firsts, self.params, self.results.known)

    def _budget(self) -> int:
        rows = sum(output.rows for output in self.job.inputs["queries"].files(".jsonl"))
        return share(self.params.budget_usd, len(self.queries), rows)

    def _cache(self) -> ResponseCache:
        if self.job not in _caches:
            _caches[self.job] = ResponseCache(self.job.store, cache_key(self.params))
        return _caches[self.job]

    def _look_up_cache(self) -> None:
        """Twice: a cached answer may need its second request, whose answer may be cached too."""
        for _ in range(2 if self.cache is not None else 0):
            wanted = [sketch.sha256 for sketch in self._to_ask()]
            found = self.cache.lookup(wanted) if self.cache else {}
            self.results.known.update(found)
            self.counts["cache_hits"] += len(found)

    def _fill_cache(self) -> None:
        """Keep what this run's attempts at the part paid for, not what the cache gave."""
        if self.cache is not None:
            self.cache.add([*self.history.known.values(), *self.results.new])

    async def _ask(self, plan: Plan) -> None:
        params = self.params
        gate = Gate(params.max_in_flight)
        journal = Checkpoint(self.job.store, self.folder, self.history.attempts)
        async with Endpoint(params, self.key) as endpoint:
            caller = Caller(
                endpoint, gate, self.ledger, journal, params, seed=self.job.seed, counts=self.counts
            )
            if plan.calls:
                await journal.open(min(plan.calls, params.max_in_flight) * plan.worst_call)
            run = PartRun(
                self.queries,
                params,
                caller,
                gate,
                journal,
                self.results,
                interrupted=self.job.interrupted,
                progress=self._progress,
            )
            began = time.monotonic()
            await run.run()
            self.counts["commits"] = journal.commits
            self.asking_s = round(time.monotonic() - began, 3)

    def _progress(self) -> None:
        results = self.results
        tokens = results.tokens_in + results.tokens_out
        self.job.progress(results.done, len(self.queries), "answers", tokens, usd(self.ledger.spent))

    def _count(self) -> None:
        """Costs are what this run paid, earlier attempts included; cached answers cost it nothing."""
        results = self.results
        self.job.count(
            rows_in=len(self.queries),
            rows_out=results.accepted,
            rejected=dict(sorted(results.rejected.items())),
            tokens_in=results.tokens_in,
            tokens_out=results.tokens_out,
            cost_usd=usd(self.ledger.spent),
            extra={"asking_s": self.asking_s, **{name: float(n) for name, n in sorted(self.counts.items())}},
        )
