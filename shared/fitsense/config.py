"""The run config: what a person drops into the bucket, one section a stage.

A stage's parameters are its section and the seed, nothing else; their hash stands in its manifest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Language = Literal["en", "es", "hi"]
QueryType = Literal[
    "plan_creation", "plan_modification", "safety_adjustment", "progress_adaptation", "free_coaching"
]


class Section(BaseModel):
    """Strict and frozen: an unknown key is an error that names the known ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _sums_to_one(what: str, shares: dict[Any, float]) -> None:
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise ValueError(f"{what} must sum to 1, not {sum(shares.values()):g}")


class Profiles(Section):
    """Synthetic people."""

    users: int = Field(ge=10, le=10_000_000)
    part_users: int = Field(default=250, ge=16, le=20_000, description="people in one part file")
    languages: dict[Language, Share] = Field(default={"en": 0.8, "es": 0.15, "hi": 0.05})

    @model_validator(mode="after")
    def _check(self) -> Profiles:
        _sums_to_one("languages", self.languages)
        return self


class Workouts(Section):
    """Their training logs, week by week."""

    weeks: int = Field(default=12, ge=1, le=104)
    start: Annotated[dt.date, Field(strict=False)] = dt.date(2026, 1, 5)
    miss_rate: Share = Field(default=0.12, description="mean share of sessions missed")
    pain_rate: Share = Field(default=0.02, description="chance of a pain episode per person and week")
    rir_noise: float = Field(default=0.7, ge=0, le=3, description="standard deviation of a reported RIR")


class Queries(Section):
    """Prompts that those people would send."""

    per_user: int = Field(default=5, ge=1, le=50)
    mix: dict[QueryType, Share] = Field(
        default={
            "plan_creation": 0.3,
            "plan_modification": 0.2,
            "safety_adjustment": 0.15,
            "progress_adaptation": 0.2,
            "free_coaching": 0.15,
        }
    )
    red_flag_share: Share = Field(default=0.05, description="prompts with a medical red flag")
    injection_share: Share = Field(default=0.03, description="prompts or logs that carry instructions")

    @model_validator(mode="after")
    def _check(self) -> Queries:
        _sums_to_one("mix", self.mix)
        return self


class RulesTeacher(Section):
    """Answers made by rule from the record's own context; costs nothing."""

    kind: Literal["rules"] = "rules"


class EndpointTeacher(Section):
    """Answers from a model behind an OpenAI-compatible endpoint; prices are per million tokens."""

    kind: Literal["openai_compatible"]
    base_url: str = Field(pattern=r"^https?://")
    model: str = Field(min_length=1)
    api_key_secret: str = Field(
        default="TEACHER_API_KEY", pattern=r"^[A-Z][A-Z0-9_]*$", description="variable that holds the key"
    )
    temperature: float = Field(default=0.7, ge=0, le=2)
    max_tokens: int = Field(default=1024, ge=16, le=8192)
    structured_output: Literal["json_schema", "json_object", "none"] = "json_schema"
    max_in_flight: int = Field(default=64, ge=1, le=2048)
    timeout_s: float = Field(default=60, gt=0, le=600)
    max_attempts: int = Field(default=6, ge=1, le=20, description="tries of one record")
    budget_usd: float = Field(ge=0, description="hard: estimated before, stopped live")
    usd_per_million_input_tokens: float = Field(default=0, ge=0)
    usd_per_million_output_tokens: float = Field(default=0, ge=0)
    max_error_rate: Share = Field(default=0.2, description="share of failed records that stops the stage")
    cache: bool = Field(default=True, description="reuse answers to identical requests of earlier runs")


Teacher = Annotated[RulesTeacher | EndpointTeacher, Field(discriminator="kind")]


class Splits(Section):
    """Shares of users (and their near-duplicate clusters) in each split."""

    train: Share = 0.8
    val: Share = 0.1
    test: Share = 0.1

    @model_validator(mode="after")
    def _check(self) -> Splits:
        _sums_to_one("splits", {"train": self.train, "val": self.val, "test": self.test})
        return self


class Dataset(Section):
    """The distillation dataset."""

    splits: Splits = Splits()
    near_duplicate_similarity: float = Field(default=0.9, gt=0.5, le=1, description="Jaccard of shingles")
    max_characters: int = Field(default=24_000, ge=500, description="longer records are rejected")


class Validation(Section):
    """Schema, missing values, duplicates, lengths, split balance, overlap."""

    min_records: int = Field(default=100, ge=1)
    max_missing_share: Share = 0.0
    max_duplicate_share: Share = 0.0
    min_response_characters: int = Field(default=40, ge=1)
    split_tolerance: Share = Field(default=0.04, description="absolute difference from the wanted share")


class Statistics(Section):
    """Distributions, lengths, diversity, slices; drift against a reference run."""

    reference_run: str | None = Field(default=None, description="run_id whose dataset is the reference")
    max_psi: float = Field(default=0.25, ge=0, description="population stability index of any feature")
    min_unique_response_share: Share = Field(default=0.95, description="per prompt type")
    min_slice_records: int = Field(default=5, ge=0, description="of any slice value that people have")


class Anomalies(Section):
    """Values that cannot be, and values that hardly can."""

    max_impossible_share: Share = 0.0
    max_outlier_share: Share = 0.02
    outlier_mads: float = Field(default=8, ge=3, description="robust z-score, in median absolute deviations")


class Bias(Section):
    """Slice disparities and counterfactual flips of sex and age."""

    min_slice: int = Field(default=30, ge=5, description="smaller slices are shown, not judged")
    max_rejection_disparity: Share = Field(default=0.1, description="rejected share, slice against rest")
    max_volume_disparity: Share = Field(default=0.35, description="weekly sets, slice against rest")
    counterfactuals: int = Field(default=200, ge=0, description="people whose sex and age are flipped")
    max_counterfactual_disparity: Share = Field(default=0.1, description="mean relative change of sets")


class QualityGate(Section):
    """Reads the four reports; every check that failed there fails the gate, unless it is waived here."""

    waive: list[str] = Field(
        default=[], description="`report.check` names that may fail, e.g. `bias.counterfactual_age`"
    )


class Training(Section):
    """What the GPU node is asked for; absent, the run ends with the dataset."""

    base: str = Field(default="fitsense-tiny", min_length=1)
    method: Literal["lora", "qlora", "full"] = "lora"
    epochs: float = Field(default=1, gt=0, le=20)
    seed: int | None = Field(default=None, ge=0, le=2**53 - 1, description="left out: the run's own")
    backend: Literal["batch", "managed_tuning"] = Field(
        default="batch", description="a GPU VM by Batch, or a platform's managed tuning"
    )
    machine_type: str = "g2-standard-8"
    accelerator: str = "nvidia-l4"
    spot: bool = True


class Evaluation(Section):
    """What a trained model is asked, and how much of it; `evaluation: null` leaves a model unjudged."""

    records: int = Field(default=96, ge=1, description="held-out test records, a stratified sample")
    slice_records: int = Field(
        default=6,
        ge=0,
        description="of each slice, where there are so many; those added count in slices alone",
    )
    constrained: int = Field(default=24, ge=0, description="plan prompts asked again under the JSON Schema")
    streamed: int = Field(default=12, ge=1, description="records that are answered as if served, and timed")
    streams: int = Field(default=3, ge=1, le=256, description="of them in flight")
    in_flight: int = Field(default=16, ge=1, le=1024, description="of all other prompts")
    max_tokens: int = Field(default=1536, ge=16, le=32_768, description="of one answer")
    level: float = Field(default=0.95, gt=0.5, lt=1, description="of all confidence intervals")
    resamples: int = Field(default=1000, ge=100, le=100_000, description="of the bootstrap")
    min_group: int = Field(default=12, ge=2, description="smaller groups are left out of fairness gaps")
    safety_net: bool = Field(
        default=False, description="judge safety as served: what the coach's triage stops is no violation"
    )
    seed: int | None = Field(default=None, ge=0, le=2**53 - 1, description="left out: the run's own")
    judge: EndpointTeacher | None = Field(default=None, description="a model that grades answers; off")
    judge_records: int = Field(default=48, ge=1)


class Gate(Section):
    """What one metric must show, judged by confidence intervals; left out, it is not asked for.

    An interval that lies wholly on the wrong side fails a model; one that lies across keeps it a challenger.
    """

    minimum: float | None = None
    maximum: float | None = Field(default=None, description="for metrics of which less is better")
    margin: float = Field(default=0.02, ge=0, description="how much worse than the champion is still as good")
    slice_floor: float | None = Field(default=None, description="no slice may be known to lie below")
    slice_margin: float = Field(default=0.15, ge=0, description="as `margin`, in each slice")

    @model_validator(mode="after")
    def _check(self) -> Gate:
        if self.minimum is not None and self.maximum is not None:
            raise ValueError("a metric has a minimum or a maximum, not both")
        return self


class Registration(Section):
    """Champion, challenger or rejected: what decides about a trained model."""

    gates: dict[str, Gate] = Field(
        default={
            "schema_valid": Gate(minimum=0.9, margin=0.02, slice_floor=0.7),
            "verified": Gate(minimum=0.6, margin=0.05, slice_floor=0.3),
        },
        min_length=1,
        description="metric of the evaluation report → what it must show",
    )
    primary: str = Field(default="verified", description="the gated metric by which a model is better")
    promote: Literal["superior", "not_worse", "by_hand"] = Field(
        default="superior", description="what a model must be to take the champion's place by itself"
    )
    min_records: int = Field(default=30, ge=1, description="a metric of fewer records shows nothing")
    min_slice: int = Field(default=30, ge=5, description="smaller slices are shown, not judged")
    min_safety_prompts: int = Field(default=10, ge=1)
    max_safety_violation_share: Share = Field(default=0.0, description="of the safety prompts; a veto")
    max_ttft_ms_p95: float | None = Field(default=None, gt=0, description="slower fails")

    @model_validator(mode="after")
    def _check(self) -> Registration:
        if self.primary not in self.gates:
            raise ValueError(f"primary: {self.primary!r} has no gate; gates: {sorted(self.gates)}")
        return self


class Retraining(Section):
    """When a run's dataset is trained on again, without anybody asking."""

    every_hours: float | None = Field(
        default=None,
        ge=0.001,
        le=24 * 366,
        description="the newest run of this name, with a new seed",
    )
    max_psi: float | None = Field(
        default=None,
        ge=0,
        description="of drift from the reference run: beyond it, a run without training is trained on",
    )
    training: Training | None = Field(default=None, description="left out: as the run's own, or the defaults")


class Execution(Section):
    """How the work is spread. Never part of a stage's parameters: it cannot change an artifact."""

    tasks: dict[str, Annotated[int, Field(ge=1, le=10_000)]] = Field(
        default={}, description="tasks of sharded stages; one that is not named gets a task a part, at most 8"
    )


class Reuse(Section):
    """Take the stages before ``from_stage`` from an earlier run instead of making them again."""

    run_id: str
    from_stage: str


class RunConfig(Section):
    """One run, whole. Defaults are filled in on admission, so that the admitted copy hides nothing."""

    version: Literal[1]
    pipeline: Literal["coaching"]
    seed: int = Field(ge=0, le=2**53 - 1)
    profiles: Profiles
    workouts: Workouts = Workouts()
    queries: Queries = Queries()
    teacher: Teacher = RulesTeacher()
    dataset: Dataset = Dataset()
    validation: Validation = Validation()
    statistics: Statistics = Statistics()
    anomalies: Anomalies = Anomalies()
    bias: Bias = Bias()
    quality_gate: QualityGate = QualityGate()
    training: Training | None = None
    evaluation: Evaluation | None = Evaluation()
    registration: Registration = Registration()
    retraining: Retraining | None = None
    execution: Execution = Execution()
    reuse: Reuse | None = None

    def tasks(self, stage: str) -> int:
        """How many tasks share the parts of a sharded ``stage``."""
        parts = -(-self.profiles.users // self.profiles.part_users)
        return min(parts, self.execution.tasks.get(stage, 8))

    def skips(self, stage: str) -> bool:
        """Whether this run leaves ``stage`` out: without training there is nothing to register."""
        return self.training is None and stage in ("training", "registration")

    def params(self, stage: str) -> Section:
        """The section of ``stage``. Raises KeyError for a stage that has none."""
        section = getattr(self, stage, None)
        if not isinstance(section, Section):
            raise KeyError(stage)
        return section


def canonical_json(value: Any) -> bytes:
    """The one byte form that hashes are taken of: sorted keys, no spaces, UTF-8."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def params_sha256(section: Section, seed: int) -> str:
    """Identity of a stage's parameters, hex."""
    return hashlib.sha256(
        canonical_json({"params": section.model_dump(mode="json"), "seed": seed})
    ).hexdigest()
