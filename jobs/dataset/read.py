"""The first pass: each line of the teacher's files becomes a fate and, if it is good, a few numbers.

Texts are not kept. A million records are some 350 MB of arrays and one file of shingle sets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from fitsense.config import canonical_json
from fitsense.errors import BadArtifact
from fitsense.records import CoachAnswer, TeacherResponse
from jobs.dataset.shingles import Vocabulary, band_hashes, shingle_sets, signatures
from jobs.dataset.texts import answer_words, exact_hash, looks_personal, normalised, text_hash, words

ContextText = Callable[[dict[str, Any]], str]
"""Compact text of a context, as the student will see it: ``fitsense.prompting.context_text``."""

HARD_SET_RIR = 4.0
"""Sets with more repetitions in reserve are no hard sets."""
KEPT = ""
CATEGORIES = (
    "type",
    "language",
    "age_band",
    "sex",
    "goal",
    "activity",
    "experience",
    "condition",
    "equipment_kit",
    "action",
    "model",
    "tags",
)
"""Columns of few distinct values; ``tags`` are joined by a tab."""
SLICES = ("age_band", "sex", "goal", "activity", "experience", "condition", "equipment_kit")


@dataclass(frozen=True)
class Prepared:
    """A good response with the three texts of its record."""

    source: TeacherResponse
    answer: CoachAnswer
    instruction: str
    context: str
    response: str

    @property
    def characters(self) -> int:
        return len(self.instruction) + len(self.context) + len(self.response)


@dataclass(frozen=True)
class Fingerprints:
    """A batch of lines: ``reasons`` of all of them (KEPT or why not), arrays of the good ones in order."""

    reasons: list[str]
    numbers: dict[str, npt.NDArray[Any]]
    categories: dict[str, list[str]]
    shingles: npt.NDArray[np.uint32]


def parse(line: bytes) -> TeacherResponse:
    """Raises BadArtifact for a line that is no TeacherResponse."""
    try:
        return TeacherResponse.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadArtifact(
            f"a line is no teacher response: {where}: {first['msg']}: {line[:120]!r}"
        ) from error


def teacher_rejection(source: TeacherResponse) -> tuple[str, str]:
    """Reason and detail of a response without a good answer; the reason is KEPT for a good one."""
    broken = ", ".join(source.violations)
    if source.rejected is not None:
        return source.rejected, f"broke {broken}" if broken else "rejected by the teacher stage"
    if source.answer is None:
        return "no_answer", "neither an answer nor a reason"
    if source.violations:
        return "rule_violation", f"broke {broken}"
    return KEPT, ""


def prepare(source: TeacherResponse, answer: CoachAnswer, context_text: ContextText) -> Prepared:
    """The record's texts. The response is canonical JSON: sorted keys, no spaces."""
    context = context_text(source.query.context.model_dump(mode="json"))
    response = canonical_json(answer.model_dump(mode="json")).decode()
    return Prepared(source, answer, source.query.prompt, context, response)


def text_rejection(prepared: Prepared, max_characters: int) -> tuple[str, str]:
    """Reason and detail of a record whose texts do not serve; the reason is KEPT for one that do."""
    if not prepared.instruction.strip():
        return "empty_prompt", "the prompt has no words"
    if prepared.characters > max_characters:
        return "too_long", f"{prepared.characters} characters, {max_characters} are allowed"
    return KEPT, ""


def fingerprint(
    lines: Sequence[bytes], context_text: ContextText, max_characters: int, band_rows: int
) -> Fingerprints:
    """All that the first pass wants to know about a batch of lines."""
    reasons, good, sources = [], [], [parse(line) for line in lines]
    for source in sources:
        reason, _ = teacher_rejection(source)
        if reason == KEPT and source.answer is not None:
            prepared = prepare(source, source.answer, context_text)
            reason, _ = text_rejection(prepared, max_characters)
            if reason == KEPT:
                good.append(prepared)
        reasons.append(reason)
    arrays, hashes = _shingle_arrays(good, band_rows)
    return Fingerprints(
        reasons=reasons,
        numbers={**_numbers(good), **arrays},
        categories=_categories(good),
        shingles=hashes,
    )


_VOCABULARY = Vocabulary()


def _shingle_arrays(
    good: list[Prepared], band_rows: int
) -> tuple[dict[str, npt.NDArray[Any]], npt.NDArray[np.uint32]]:
    documents = [(words(normalised(p.instruction)), answer_words(p.answer)) for p in good]
    sets = shingle_sets(documents, _VOCABULARY)
    arrays: dict[str, npt.NDArray[Any]] = {
        "shingle_count": sets.sizes(),
        "shingle_set": sets.fingerprints(),
        "parities": sets.parities(),
        "bands": band_hashes(signatures(sets), band_rows),
    }
    return arrays, sets.hashes


def _numbers(good: list[Prepared]) -> dict[str, npt.NDArray[Any]]:
    exact = b"".join(exact_hash(p.instruction, p.context, p.response) for p in good)
    answers = b"".join(text_hash(p.response) for p in good)
    contexts = [p.source.query.context for p in good]

    def column(values: list[int], kind: type[np.unsignedinteger[Any]] = np.uint32) -> npt.NDArray[Any]:
        return np.array(values, dtype=kind)

    return {
        "id": column([id_number(p.source.query.query_id) for p in good], np.uint64),
        "user": column([int(p.source.query.user_id[1:]) for p in good]),
        "exact": np.frombuffer(exact, dtype="<u8").reshape(-1, 2),
        "response_hash": np.frombuffer(answers, dtype="<u8"),
        "prompt_chars": column([len(p.instruction) for p in good]),
        "context_chars": column([len(p.context) for p in good]),
        "response_chars": column([len(p.response) for p in good]),
        "plan_days": column([len(p.answer.plan.days) if p.answer.plan else 0 for p in good], np.uint8),
        "plan_sets": column([hard_sets(p.answer) for p in good], np.uint16),
        "has_plan": column([p.answer.plan is not None for p in good], np.uint8),
        "has_sleep": column([bool(c.sleep_h) for c in contexts], np.uint8),
        "has_kcal": column([bool(c.kcal) for c in contexts], np.uint8),
        "has_weight": column([bool(c.weights_kg) for c in contexts], np.uint8),
        "personal": column([_personal(p) for p in good], np.uint8),
    }


def _personal(prepared: Prepared) -> bool:
    return looks_personal(prepared.instruction) or looks_personal(prepared.answer.message)


def hard_sets(answer: CoachAnswer) -> int:
    """Hard sets of the planned week."""
    days = answer.plan.days if answer.plan else []
    return sum(e.sets for day in days for e in day.exercises if e.rir <= HARD_SET_RIR)


def _categories(good: list[Prepared]) -> dict[str, list[str]]:
    rows = [_category_row(p) for p in good]
    return {name: [row[k] for row in rows] for k, name in enumerate(CATEGORIES)}


def _category_row(prepared: Prepared) -> tuple[str, ...]:
    query = prepared.source.query
    return (
        query.type,
        query.language,
        *(query.slices.get(name, "unknown") for name in SLICES),
        prepared.answer.action,
        prepared.source.model,
        "\t".join(query.tags),
    )


def id_number(query_id: str) -> int:
    """``q00000012-03`` as 1203: ids sort as their numbers do."""
    return int(query_id[1:9]) * 100 + int(query_id[10:])


def id_text(number: int) -> str:
    return f"q{number // 100:08d}-{number % 100:02d}"
