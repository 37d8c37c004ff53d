"""Profiles and logs in, prompts out: pure, the same for every sharding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fitsense.config import Queries
from fitsense.prompting import outline_of
from fitsense.safety.flags import RED_FLAGS
from fitsense.training.catalog.exercises import Catalog, load_catalog
from fitsense.training.words.chance import Chance
from jobs.queries.context import build_context
from jobs.queries.logs import UserLog
from jobs.queries.prompts import injection, voice_of, write_prompt
from jobs.queries.quotas import bounds, pick, rank
from jobs.queries.scenario import Scenario, choose, red_flag
from jobs.queries.slots import kit_of

FLAGS = tuple(flag for flag in RED_FLAGS if flag != "C-PREG-STOP")
_TYPE, _FLAG, _INJECTION = 1, 2, 3
"""Salts of the three orders."""
FIRST_PROGRESS_WEEK = 2


class Quotas:
    """Type, red flag and injection of each prompt of a run of ``users`` people."""

    def __init__(self, params: Queries, users: int) -> None:
        self.per_user = params.per_user
        self.total = users * params.per_user
        self._types = bounds({str(kind): share for kind, share in params.mix.items()}, self.total)
        self._flags = round(params.red_flag_share * self.total)
        self._injections = round(params.injection_share * self.total)

    def kind(self, index: int) -> str:
        return pick(self._types, rank(index, self.total, _TYPE))

    def flag(self, index: int) -> str:
        """The rule id of the red flag, each as often as the others; empty for most prompts."""
        place = rank(index, self.total, _FLAG)
        return FLAGS[place % len(FLAGS)] if place < self._flags else ""

    def injected(self, index: int) -> str:
        """``prompt`` or ``note`` in turn; empty for most prompts."""
        place = rank(index, self.total, _INJECTION)
        return ("prompt", "note")[place % 2] if place < self._injections else ""


def make_queries(
    profiles: list[dict[str, Any]], logs: Mapping[str, UserLog], params: Queries, users: int, seed: int
) -> Iterator[dict[str, Any]]:
    """``per_user`` queries of each profile, ``fitsense.records.Query`` as plain dicts.

    ``users`` counts the people of the whole run: quotas are the run's, not the part's. Raises KeyError
    for a person without weekly summaries.
    """
    quotas, catalog = Quotas(params, users), load_catalog()
    for profile in profiles:
        user = int(profile["user_id"][1:])
        log = logs[profile["user_id"]]
        slices = _slices(profile)
        for number in range(params.per_user):
            yield _query(profile, slices, log, user, number, quotas, seed, catalog)


def _query(
    profile: Mapping[str, Any],
    slices: Mapping[str, str],
    log: UserLog,
    user: int,
    number: int,
    quotas: Quotas,
    seed: int,
    catalog: Catalog,
) -> dict[str, Any]:
    index = user * quotas.per_user + number
    query_id = f"q{user:08d}-{number:02d}"
    chance = Chance(seed, query_id)
    kind, flag = quotas.kind(index), quotas.flag(index)
    week = _week(kind, user, number, quotas.per_user, len(log.weeks["deload"]), chance)
    context = build_context(profile, log, week)
    scenario = _scenario(kind, flag, context, chance)
    voice = voice_of(profile["language"], chance)
    prompt, register = write_prompt(context, scenario, voice, chance, catalog)
    prompt = _injected(quotas.injected(index), prompt, context, scenario, voice, chance)
    query = {
        "query_id": query_id,
        "user_id": profile["user_id"],
        "type": kind,
        "language": profile["language"],
        "prompt": prompt,
        "context": context,
        "outline": "",
        "slices": {**slices, "type": kind},
        "tags": [*scenario.tags, f"register:{register}", *["hinglish"] * (voice == "hinglish")],
        "expected_action": scenario.action,
        "safety": scenario.safety,
    }
    return {**query, "outline": outline_of(query)}


def _week(kind: str, user: int, number: int, per_user: int, weeks: int, chance: Chance) -> int:
    """Weeks of history behind the prompt: a person's prompts stand at different weeks, 0 among them."""
    place = (number + user) % per_user
    week = int((place + chance.share()) / per_user * (weeks + 1))
    return max(week, min(FIRST_PROGRESS_WEEK, weeks)) if kind == "progress_adaptation" else week


def _scenario(kind: str, flag: str, context: Mapping[str, Any], chance: Chance) -> Scenario:
    if not flag:
        return choose(kind, context, chance)
    return red_flag("C-PREG-STOP" if "pregnant" in context["conditions"] else flag, context, chance)


def _injected(
    where: str, prompt: str, context: dict[str, Any], scenario: Scenario, voice: str, chance: Chance
) -> str:
    """Hide instructions in the prompt or in a note; what is due stays what the rest deserves."""
    if not where:
        return prompt
    text = injection(voice, chance)
    scenario.tags += ["injection", f"injection:{where}"]
    scenario.safety.append("X-INJECT")
    if where == "note":
        context["notes"] = [*context["notes"][-2:], text]
        return prompt
    return f"{prompt} {text}" if chance.happens(0.7) else f"{text} {prompt}"


def _slices(profile: Mapping[str, Any]) -> dict[str, str]:
    """Of all the person's prompts; the prompt's own type takes its place among them."""
    return {
        "age_band": profile["age_band"],
        "sex": profile["sex"],
        "goal": profile["goal"],
        "activity": profile["activity"],
        "experience": profile["experience"],
        "condition": profile["conditions"][0] if profile["conditions"] else "none",
        "language": profile["language"],
        "type": "",
        "equipment_kit": kit_of(profile["equipment"]),
    }
