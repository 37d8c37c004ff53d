"""Cloud Run jobs, Batch and a scheduler on one machine: tasks are local processes.

Imports nothing by itself, so that the fork server and the supervisor stay small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.localcloud.component import Component, Context


def create(context: Context) -> Component:
    """The compute part: routes of Cloud Run Admin v2 and Batch v1, and the processes behind them."""
    from services.localcloud.compute.component import Compute

    return Compute(context)
