"""How ``fitsense-tiny`` answers: the same JSON, said so that a tiny model can say it.

One sentence of the message, the first that gives a reason of those whose numbers all stand in what it was
shown. And white space that counts, which JSON allows anywhere: before the k-th exercise of the week stand k
spaces, in the answer as in the outline that it was shown. So which one comes next can be read off the last
one, and what belongs to it can be looked up by a token that occurs nowhere else.
"""

from __future__ import annotations

import re
from typing import Any

from fitsense.prompting import Message
from student.texts import NUMBER, dumps
from student.tiny.tokenizer import shown

_SENTENCE = re.compile(r"(?<=[.!?।])\s+")
_DAY = re.compile(r"(?:Day|Día|दिन) \d+:")
"""Sentences that say again what the plan says."""
_REASON = re.compile(r"\([A-Z]+-[A-Z0-9]+\)")


def brief(prompt: list[Message], answer: dict[str, Any]) -> str:
    """A ``student.texts.Style``."""
    message = grounded(answer["message"], shown([prompt])[0])
    return dumps_counted({**answer, "message": message})


def grounded(message: str, known: str) -> str:
    """The first sentence that cites a rule and can be said from ``known``; else the first that can be said.

    The message whole when there is none.
    """
    numbers = {number.replace(",", ".") for number in re.findall(r"\d+(?:[.,]\d+)?", known)}
    kept = [
        sentence
        for sentence in _SENTENCE.split(message)
        if not _DAY.match(sentence) and {n.replace(",", ".") for n in NUMBER.findall(sentence)} <= numbers
    ]
    reasons = [sentence for sentence in kept if _REASON.search(sentence)]
    return (reasons or kept or [message])[0]


def dumps_counted(answer: dict[str, Any]) -> str:
    """The answer's JSON in the schema's order, with spaces that count the week's exercises."""
    plan = answer["plan"]
    if plan is None:
        return dumps(answer)
    text = f'{{"goal":{dumps(plan["goal"])},"days":[{_days(plan["days"])}],"deload":{dumps(plan["deload"])}}}'
    head = dumps({"action": answer["action"], "message": answer["message"]})
    return f'{head[:-1]},"plan":{text},"rules":{dumps(answer["rules"])}}}'


def _days(days: list[dict[str, Any]]) -> str:
    slot, told = 0, []
    for day in days:
        exercises = [
            f"{' ' * place}{dumps(one)}" for place, one in enumerate(day["exercises"], start=slot + 1)
        ]
        slot += len(exercises)
        told.append(f'{{"exercises":[{",".join(exercises)}]}}')
    return ",".join(told)
