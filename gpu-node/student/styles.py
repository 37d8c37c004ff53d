"""Which text an answer is taught as, by the recipe's ``answer``."""

from __future__ import annotations

from typing import Literal

from student.texts import Style, whole
from student.tiny.answers import brief


def style_of(answer: Literal["whole", "brief"]) -> Style:
    return brief if answer == "brief" else whole
