"""The first pass: each line of the teacher's files becomes a fate, a draft of its new line, a few numbers.

Texts live on in the drafts alone. A million records are some 350 MB of arrays, one file of shingle sets and
one of drafts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fitsense.config import canonical_json
from jobs.dataset.drafts import Texts, packed, record_line, reject_line
from jobs.dataset.ids import id_number
from jobs.dataset.labels import Labels
from jobs.dataset.shingles import Vocabulary, band_hashes, shingle_sets, signatures
from jobs.dataset.source import Row, parse, parse_strictly
from jobs.dataset.texts import answer_words, exact_hash, looks_personal, spaced_words, text_hash

ContextText = Callable[[dict[str, Any]], str]
"""Compact text of a query's context, as the student will see it: ``fitsense.prompting.context_of``."""

HARD_SET_RIR = 4.0
"""Sets with more repetitions in reserve are no hard sets."""
KEPT = ""
SLICES = ("age_band", "sex", "goal", "activity", "experience", "condition", "equipment_kit")
CATEGORIES = ("type", "language", *SLICES, "action", "model", "tags")
"""Columns of few distinct values; ``tags`` are joined by a tab."""
NUMBERS: dict[str, type[np.unsignedinteger[Any]]] = {
    "id": np.uint64,
    "user": np.uint32,
    "prompt_chars": np.uint32,
    "context_chars": np.uint32,
    "response_chars": np.uint32,
    "plan_days": np.uint8,
    "plan_sets": np.uint16,
    "has_plan": np.uint8,
    "has_sleep": np.uint8,
    "has_kcal": np.uint8,
    "has_weight": np.uint8,
    "personal": np.uint8,
}


class Good(NamedTuple):
    """What is kept of a good response: the values of NUMBERS and CATEGORIES, hashes, words."""

    numbers: tuple[int, ...]
    categories: tuple[str, ...]
    exact: bytes
    response: bytes
    instruction_words: str
    answer_words: str


@dataclass(frozen=True)
class Fingerprints:
    """A batch of lines: ``reasons`` of all of them (KEPT or why not), arrays of the good ones in order.

    ``drafts``: see ``drafts.packed``.
    """

    reasons: list[str]
    numbers: dict[str, npt.NDArray[Any]]
    categories: dict[str, tuple[list[str], npt.NDArray[np.int32]]]
    shingles: npt.NDArray[np.uint32]
    drafts: bytes


def fingerprint(
    lines: Sequence[bytes], context_text: ContextText, max_characters: int, band_rows: int
) -> Fingerprints:
    """All that the first pass wants to know about a batch of lines. Raises BadArtifact."""
    reasons, drafts, good = [], [], []
    for line in lines:
        reason, draft, found = _read(line, context_text, max_characters)
        reasons.append(reason)
        drafts.append(draft)
        if found is not None:
            good.append(found)
    arrays, hashes = _shingle_arrays(good, band_rows)
    return Fingerprints(
        reasons=reasons,
        numbers={**_numbers(good), **arrays},
        categories=_categories(good),
        shingles=hashes,
        drafts=packed(drafts),
    )


def _read(line: bytes, context_text: ContextText, max_characters: int) -> tuple[str, bytes, Good | None]:
    """Reason, draft, and what is kept of a good one."""
    try:
        return _judge(parse(line), context_text, max_characters)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        parse_strictly(line)  # says what is wrong with the line; else the fault is ours
        raise


def _judge(row: Row, context_text: ContextText, max_characters: int) -> tuple[str, bytes, Good | None]:
    reason, detail = teacher_rejection(row)
    if reason == KEPT:
        query, answer = row["query"], row["answer"]
        response = canonical_json(answer).decode()
        texts = Texts(query["prompt"], context_text(query), response)
        reason, detail = text_rejection(texts, max_characters)
        if reason == KEPT:
            return KEPT, record_line(row, texts), _good(row, texts)
    return reason, reject_line(row["query"]["query_id"], reason, detail), None


def teacher_rejection(row: Row) -> tuple[str, str]:
    """Reason and detail of a response without a good answer; the reason is KEPT for a good one."""
    broken = ", ".join(row["violations"])
    if row["rejected"] is not None:
        return row["rejected"], f"broke {broken}" if broken else "rejected by the teacher stage"
    if row["answer"] is None:
        return "no_answer", "neither an answer nor a reason"
    if row["violations"]:
        return "rule_violation", f"broke {broken}"
    return KEPT, ""


def text_rejection(texts: Texts, max_characters: int) -> tuple[str, str]:
    """Reason and detail of a record whose texts do not serve; the reason is KEPT for one that do."""
    if not texts.instruction.strip():
        return "empty_prompt", "the prompt has no words"
    if texts.characters > max_characters:
        return "too_long", f"{texts.characters} characters, {max_characters} are allowed"
    return KEPT, ""


def _good(row: Row, texts: Texts) -> Good:
    query, answer = row["query"], row["answer"]
    response = text_hash(texts.response)
    return Good(
        numbers=_number_row(query, answer, texts),
        categories=_category_row(row),
        exact=exact_hash(texts.instruction, texts.context, response),
        response=response[:8],
        instruction_words=spaced_words(texts.instruction),
        answer_words=answer_words(answer),
    )


def _number_row(query: Row, answer: Row, texts: Texts) -> tuple[int, ...]:
    context, plan = query["context"], answer["plan"]
    return (
        id_number(query["query_id"]),
        int(query["user_id"][1:]),
        *map(len, texts),
        len(plan["days"]) if plan else 0,
        hard_sets(plan) if plan else 0,
        plan is not None,
        bool(context["sleep_h"]),
        bool(context["kcal"]),
        bool(context["weights_kg"]),
        looks_personal(texts.instruction) or looks_personal(answer["message"]),
    )


def _category_row(row: Row) -> tuple[str, ...]:
    query = row["query"]
    slices = query["slices"]
    return (
        query["type"],
        query["language"],
        *[slices.get(name, "unknown") for name in SLICES],
        row["answer"]["action"],
        row["model"],
        "\t".join(query["tags"]),
    )


def hard_sets(plan: Row) -> int:
    """Hard sets of the planned week."""
    return sum([e["sets"] for day in plan["days"] for e in day["exercises"] if e["rir"] <= HARD_SET_RIR])


_VOCABULARY = Vocabulary()


def _shingle_arrays(
    good: list[Good], band_rows: int
) -> tuple[dict[str, npt.NDArray[Any]], npt.NDArray[np.uint32]]:
    sets = shingle_sets([(g.instruction_words, g.answer_words) for g in good], _VOCABULARY)
    arrays: dict[str, npt.NDArray[Any]] = {
        "shingle_count": sets.sizes(),
        "shingle_set": sets.fingerprints(),
        "parities": sets.parities(),
        "bands": band_hashes(signatures(sets), band_rows),
    }
    return arrays, sets.hashes


def _numbers(good: list[Good]) -> dict[str, npt.NDArray[Any]]:
    columns = np.array([g.numbers for g in good], np.int64).reshape(-1, len(NUMBERS)).T
    exact, response = b"".join([g.exact for g in good]), b"".join([g.response for g in good])
    return {
        **{name: column.astype(kind) for (name, kind), column in zip(NUMBERS.items(), columns, strict=True)},
        "exact": np.frombuffer(exact, dtype="<u8").reshape(-1, 2),
        "response_hash": np.frombuffer(response, dtype="<u8"),
    }


def _categories(good: list[Good]) -> dict[str, tuple[list[str], npt.NDArray[np.int32]]]:
    """Of each column its values and their codes: a batch's few values travel, not a text for each row."""
    found = {}
    for k, name in enumerate(CATEGORIES):
        labels = Labels()
        codes = labels.codes([g.categories[k] for g in good])
        found[name] = (labels.values, codes)
    return found
