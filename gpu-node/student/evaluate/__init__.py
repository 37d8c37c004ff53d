"""Evaluation: what a trained student can do, measured on data it never saw.

``evaluate`` is the training's last step; ``python -m student evaluate VERSION`` judges one that is there.
"""

from student.evaluate.command import main
from student.evaluate.task import evaluate

__all__ = ["evaluate", "main"]
