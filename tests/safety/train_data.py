"""Labelled prompts for the second opinion: ``train/*.jsonl``, whole sets, and the unit tests' paraphrases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from fitsense.safety.triage import by_rules
from tests.safety.cases import LabelledPrompt, load

TRAIN = Path(__file__).with_name("train")
PARAPHRASES = Path(__file__).parents[1] / "unit" / "safety" / "paraphrases.txt"
SEEN = ("dev", "sealed")
"""Whole sets that may be learned from."""
GROUPS = ("calm", "sign", "crisis", "ed", "refuse")
_GROUP = {"emergency": "sign", "urgent": "sign", "crisis": "crisis", "ed": "ed", "refuse": "refuse"}
_REFUSED = frozenset({"X-PED", "X-MED", "X-PRIV", "X-MIN", "N-09"})
_FOOD = frozenset({"N-01", "N-03", "N-04", "N-08"})
_CATEGORY = {
    "self_harm": "crisis", "eating_disorder": "ed", "harmless": "harmless", "lookalike": "harmless",
    "doping": "refuse", "minors": "refuse", "privacy": "refuse", "low_calories": "refuse", "medication":
    "refuse",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """``block`` holds what was written in one go: it is never split between training and test."""

    prompt: str
    context: dict[str, Any]
    label: str
    rule: str
    block: str

    @property
    def group(self) -> str:
        group = _GROUP.get(self.label, "calm")
        return group if group != "refuse" or self.rule in _REFUSED else "calm"


def samples() -> list[Sample]:
    """Everything, in a fixed order."""
    found = [one for path in sorted(TRAIN.glob("*.jsonl")) for one in _trained(path)]
    found += [one for name in SEEN for one in _whole(name)]
    return found + list(_paraphrased())


def _trained(path: Path) -> Iterator[Sample]:
    for at, line in enumerate(path.read_bytes().splitlines()):
        row = orjson.loads(line)
        rule = "N-09" if row["rule"] in _FOOD else row["rule"]
        yield Sample(row["prompt"], row.get("context") or {}, row["label"], rule, f"{path.stem}{at // 60}")


def _whole(name: str) -> Iterator[Sample]:
    for at, one in enumerate(load(name)):
        rule = one.rule_ids[0][0] if one.rule_ids else ""
        context = one.context.model_dump(exclude_none=True)
        yield Sample(one.prompt, context, _label(one), "N-09" if rule in _FOOD else rule, f"{name}{at // 40}")


def _label(one: LabelledPrompt) -> str:
    if one.category in _CATEGORY:
        return _CATEGORY[one.category]
    if one.grave:
        return "emergency" if one.level == ("emergency",) else "urgent"
    return "caution"


def _paraphrased() -> Iterator[Sample]:
    for at, line in enumerate(PARAPHRASES.read_text("utf-8").splitlines()):
        want, prompt = line.split("|", 1)
        rule = next(iter(by_rules(prompt, {})[2]), "")
        yield Sample(prompt, {}, "harmless" if want == "ok" else want, rule, f"own{at // 60}")
