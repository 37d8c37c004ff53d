"""What is known of a person, as concepts, from the codes and words of a context or a case's profile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from fitsense.safety.scan import scan

CONDITIONS = (
    "c_pregnant", "c_postpartum", "c_htn", "c_cardiac", "c_dm2", "c_dm1", "c_ost", "c_hernia",
    "c_surgery", "c_asthma", "c_obesity", "c_kidney", "c_other", "c_ed", "ed_history", "c_clearance",
)  # fmt: skip
RULE_OF = {
    "c_pregnant": "C-PREG", "c_postpartum": "C-PP", "c_htn": "C-HTN", "c_cardiac": "C-CARD", "c_dm2":
    "C-DM2", "c_dm1": "C-DM1", "c_ost": "C-OST", "c_hernia": "C-HERN", "c_surgery": "C-SURG", "c_asthma":
    "C-ASTH", "c_obesity": "C-OBES", "c_kidney": "N-07", "c_other": "Q-01", "c_ed": "N-08", "ed_history":
    "N-08", "pain_condition": "C-PAINRULE",
}  # fmt: skip
"""Which rule a condition stands for."""
_CODES = {
    "pregnant": "c_pregnant", "pregnancy_complicated": "c_pregnant", "gestational_diabetes":
    "c_pregnant", "postpartum": "c_postpartum", "c_section": "c_postpartum", "hypertension": "c_htn",
    "hypertension_controlled": "c_htn", "hypertension_uncontrolled": "c_htn", "cardiac": "c_cardiac",
    "coronary_stent": "c_cardiac", "heart_failure": "c_cardiac", "stroke": "c_cardiac", "arrhythmia":
    "c_cardiac", "diabetes_t1": "c_dm1", "diabetes_t2": "c_dm2", "osteoporosis": "c_ost",
    "vertebral_fracture": "c_ost", "hernia": "c_hernia", "recent_surgery": "c_surgery", "asthma":
    "c_asthma", "copd": "c_asthma", "obesity": "c_obesity", "ckd": "c_kidney", "ed_history": "c_ed",
    "ed_current": "c_ed", "eating_disorder_history": "c_ed",
}  # fmt: skip


def concepts_of(person: Mapping[str, Any]) -> frozenset[str]:
    """The condition concepts of ``person["conditions"]`` (codes or free text) and of its plain keys."""
    found = {one for condition in _texts(person.get("conditions")) for one in _condition(condition)}
    if person.get("gestation_weeks"):
        found.add("c_pregnant")
    if person.get("medical_clearance"):
        found.add("c_clearance")
    return frozenset(found)


@lru_cache(maxsize=4096)
def _condition(condition: str) -> tuple[str, ...]:
    code = condition.strip().casefold().replace(" ", "_").replace("-", "_")
    if code in _CODES:
        return (_CODES[code],)
    if code.endswith("_pain"):
        return ("pain_condition",)
    reading = scan(condition.replace("_", " "))
    named = tuple(one for one in CONDITIONS if any(not hit.negated for hit in reading.hits.get(one, ())))
    if named or not condition.strip() or code in _NOTHING:
        return named
    return ("pain_condition",) if reading.has("pain") else ("c_other",)


_NOTHING = frozenset({"none", "no", "healthy", "nothing", "ninguna", "nada", "na", "n/a", "trt_prescribed"})


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Iterable):
        yield from (one for one in value if isinstance(one, str))


def texts_in(value: Any, depth: int = 0) -> Iterator[str]:
    """Every text inside nested lists and mappings, such as notes under ``recent``; at most six levels."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping) and depth < 6:
        for one in value.values():
            yield from texts_in(one, depth + 1)
    elif isinstance(value, list | tuple) and depth < 6:
        for one in value:
            yield from texts_in(one, depth + 1)
