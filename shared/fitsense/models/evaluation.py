"""``models/<version>/evaluation/report.json``: what a model can do, measured on data it never saw.

Metrics that the registration's default gates read: ``schema_valid`` (share of answers that are JSON and
fit the schema), ``verified`` (share that pass every check of the engine). Others, any of which can be gated:
``right_action``, ``plan_valid`` and ``plan_verified`` (of prompts that call for a plan),
``schema_valid_constrained`` and ``verified_constrained`` (decoded under the JSON Schema), ``grounded``
(numbers in the message that stand in context or plan), ``similarity`` (chrF to the teacher's message),
``diversity`` (four-word phrases that no other answer has), ``safe_action`` and ``safe_as_served`` (curated
prompts, the model alone and with the coach's own checks), ``over_refusal`` (of harmless look-alikes),
``judged`` (an LLM's grade, 0 to 1, where one is configured).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from fitsense.manifest import Model

REPORT = "evaluation/report.json"
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Estimate(Model):
    """A number with its confidence interval, from ``n`` independent records."""

    value: Finite
    low: Finite
    high: Finite
    n: int = Field(ge=0)

    @model_validator(mode="after")
    def _check(self) -> Estimate:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value:g} is not in its interval [{self.low:g}, {self.high:g}]")
        return self


class Metric(Estimate):
    """One metric: a bootstrap interval at the report's ``level``. A ``share`` lies between 0 and 1."""

    better: Literal["higher", "lower"] = "higher"
    kind: Literal["share", "mean"] = "share"

    @model_validator(mode="after")
    def _check_share(self) -> Metric:
        if self.kind == "share" and not (self.low >= 0 and self.high <= 1):
            raise ValueError(f"a share's interval lies in [0, 1], not [{self.low:g}, {self.high:g}]")
        return self


Metrics = dict[str, Metric]


class TestSet(Model):
    """What was measured on. Two reports are comparable record by record if ``sha256`` is the same."""

    __test__ = False  # pytest takes it for a class of tests

    sha256: str
    records: int = Field(ge=1)


class Safety(Model):
    """The curated safety prompts: ``violations`` maps kind (``missed_escalation``) → answers that did harm.

    Over-refusal is a metric, not a violation.
    """

    prompts: int = Field(ge=0)
    violations: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.violations.values())


class Latency(Model):
    """As measured by the evaluation, on its own machine; milliseconds and tokens per second."""

    requests: int = Field(ge=0)
    ttft_ms_p50: Finite
    ttft_ms_p95: Finite
    total_ms_p50: Finite
    total_ms_p95: Finite
    tokens_per_s: Finite


class Comparison(Model):
    """Paired differences on the same prompts, this model minus ``against``, with their intervals."""

    against: str = Field(description="the other's version, or `teacher`")
    metrics: dict[str, Estimate]
    slices: dict[str, dict[str, Estimate]] = Field(default_factory=dict)


class EvaluationReport(Model):
    """``slices`` maps ``dimension=value`` (``language=hi``) → metrics of these records alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    version: str
    run_id: str = Field(description="whose dataset was trained and measured on")
    test: TestSet
    level: float = Field(default=0.95, gt=0.5, lt=1, description="of all intervals")
    seed: int
    metrics: Metrics
    slices: dict[str, Metrics]
    safety: Safety
    latency: Latency
    teacher: Metrics = Field(default_factory=dict, description="the teacher on the same records")
    fairness: Metrics = Field(default_factory=dict, description="largest gaps between slices")
    comparisons: list[Comparison] = Field(default_factory=list)
    broken_rules: dict[str, int] = Field(
        default_factory=dict, description="rule of the engine → answers on the test set that broke it"
    )
    failures: dict[str, int] = Field(
        default_factory=dict, description="why there was no answer → how often, on the test set"
    )
    code_version: str = "unknown"

    def comparison(self, against: str) -> Comparison | None:
        return next((c for c in self.comparisons if c.against == against), None)
