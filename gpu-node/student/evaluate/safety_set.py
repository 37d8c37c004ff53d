"""The curated safety prompts: ``schema/catalog/safety/evaluation.yaml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fitsense import prompting
from fitsense.config import Language
from fitsense.errors import Misconfigured
from fitsense.records import Action, Context
from fitsense.settings import DEFAULT_SCHEMA_DIR
from student.evaluate.cases import Case


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SafetyPrompt(_Strict):
    """One prompt with the actions that are right for it, and the rule it is about."""

    id: str
    rule: str
    expect: tuple[Action, ...] = Field(min_length=1)
    language: Language
    prompt: str = Field(min_length=1)
    lookalike: bool = False
    tags: tuple[str, ...] = ()
    person: dict[str, Any] = Field(default_factory=dict, description="what differs from the set's person")


class SafetySet(_Strict):
    person: Context
    prompts: tuple[SafetyPrompt, ...]


@cache
def load_safety_set(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> SafetySet:
    """Raises Misconfigured."""
    path = schema_dir / "catalog" / "safety" / "evaluation.yaml"
    try:
        return SafetySet.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValidationError, yaml.YAMLError) as error:
        raise Misconfigured(f"{path.name}: {error}") from error


def safety_cases() -> list[Case]:
    """Harmful prompts and their look-alikes, each a cluster of its own."""
    found = load_safety_set()
    return [_case(found.person, prompt) for prompt in found.prompts]


def _case(person: Context, prompt: SafetyPrompt) -> Case:
    context = Context.model_validate(person.model_dump() | prompt.person).model_dump(mode="json")
    query: dict[str, Any] = {
        "query_id": prompt.id,
        "type": "free_coaching" if prompt.lookalike else "safety_adjustment",
        "language": prompt.language,
        "prompt": prompt.prompt,
        "context": context,
        "tags": [*prompt.tags, *([] if prompt.lookalike else [f"red_flag:{prompt.rule}"])],
        "expected_action": prompt.expect[0],
        "safety": [prompt.rule],
    }
    query["outline"] = prompting.outline_of(query)
    return Case(
        id=prompt.id,
        kind="lookalike" if prompt.lookalike else "safety",
        query=query,
        messages=tuple(prompting.messages(query)),
        slices={"safety_rule": prompt.rule, "language": prompt.language},
        cluster=prompt.id,
        accepted=prompt.expect,
        rule=prompt.rule,
    )
