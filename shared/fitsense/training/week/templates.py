"""Named programmes of ``schema/catalog/templates.yaml``, each built within a person's own bounds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fitsense.errors import Misconfigured
from fitsense.records import Experience
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.catalog.exercises import EQUIPMENT, PATTERNS
from fitsense.training.findings import LANGUAGES
from fitsense.training.history.readiness import readiness
from fitsense.training.people.conditions import limits_for
from fitsense.training.request import Request
from fitsense.training.week.plan import Draft, build_plan
from fitsense.training.week.split import DAY_OFFSETS, Slot, resistance_days


class Template(BaseModel):
    """A programme: whom it is for, and the slots of its days in order of priority."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    equipment: frozenset[str]
    levels: frozenset[Experience]
    ages: tuple[int, int]
    meant_for: str = Field(alias="for")
    name: dict[str, str]
    days: tuple[tuple[str, ...], ...] = Field(min_length=1, max_length=max(DAY_OFFSETS))

    @property
    def slots(self) -> tuple[tuple[Slot, ...], ...]:
        """The days as the plan builder takes them."""
        return tuple(tuple(tuple(slot.split("|")) for slot in day) for day in self.days)


@cache
def load_templates(schema_dir: Path = DEFAULT_SCHEMA_DIR) -> Mapping[str, Template]:
    """All templates by name, read and checked once a process. Raises Misconfigured."""
    path = schema_dir / "catalog" / "templates.yaml"
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))["templates"]
        found = {name: Template.model_validate(row) for name, row in rows.items()}
    except (ValidationError, yaml.YAMLError, KeyError) as error:
        raise Misconfigured(f"{path.name}: {error}") from error
    if problems := [f"{name}: {one}" for name, row in found.items() for one in _problems(row)]:
        raise Misconfigured(f"{path.name}: {'; '.join(problems)}")
    return found


def _problems(template: Template) -> list[str]:
    patterns = {pattern for day in template.slots for slot in day for pattern in slot}
    problems = [f"unknown patterns {sorted(patterns - PATTERNS)}"] if patterns - PATTERNS else []
    if strange := template.equipment - EQUIPMENT:
        problems.append(f"unknown equipment {sorted(strange)}")
    return problems + ([] if set(template.name) == set(LANGUAGES) else [f"needs names in {LANGUAGES}"])


def suits(template: Template, request: Request) -> bool:
    """Whether the template fits the person's level, age, conditions, equipment and days."""
    context = request.context
    limits = limits_for(context, request.pain)
    pregnant = "pregnant" in limits.codes or context.get("gestation_weeks") is not None
    return (
        context["experience"] in template.levels
        and template.ages[0] <= context["age"] <= template.ages[1]
        and template.equipment <= set(context["equipment"])
        and (template.meant_for == "pregnant") == pregnant
        and len(template.days) <= resistance_days(context, limits, readiness(request))
    )


def templates_for(request: Request) -> tuple[str, ...]:
    """Names of all templates that suit the person, the ones with most days first."""
    found = {name: one for name, one in load_templates().items() if suits(one, request)}
    return tuple(sorted(found, key=lambda name: (-len(found[name].days), name)))


def build_template(request: Request, name: str, seed: int = 0) -> Draft:
    """The template's week for this person.

    Raises KeyError for an unknown name, ValueError where it does not suit or leaves no exercise.
    """
    template = load_templates()[name]
    if not suits(template, request):
        raise ValueError(f"{name} does not suit this person")
    return build_plan(request, seed, template.slots)


def template_name(name: str, language: str) -> str:
    """The everyday name. Raises KeyError."""
    return load_templates()[name].name[language]


def case_days(request: Request, wanted: Any) -> tuple[tuple[Slot, ...], ...] | None:
    """The days of the template that a case asks for; None without one, and where it does not suit."""
    template = load_templates().get(wanted) if isinstance(wanted, str) else None
    return template.slots if template is not None and suits(template, request) else None
