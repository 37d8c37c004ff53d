"""How long answers took. Pure; the one part of a report that no seed repeats."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fitsense.models.evaluation import Latency
from student.evaluate.cases import Reply


def latency(replies: Iterable[Reply]) -> Latency:
    """Of the streamed replies; ``tokens_per_s`` is the median speed of one answer after its first token."""
    timed = [(reply, reply.timing) for reply in replies if reply.timing and not reply.error]
    if not timed:
        return Latency(
            requests=0, ttft_ms_p50=0, ttft_ms_p95=0, total_ms_p50=0, total_ms_p95=0, tokens_per_s=0
        )
    first = [times.ttft_ms for _, times in timed]
    total = [times.total_ms for _, times in timed]
    speeds = [
        1000 * (reply.tokens - 1) / (times.total_ms - times.ttft_ms)
        for reply, times in timed
        if reply.tokens > 1 and times.total_ms > times.ttft_ms
    ]
    marks = [float(value) for times in (first, total) for value in np.quantile(times, [0.5, 0.95])]
    return Latency(
        requests=len(timed),
        ttft_ms_p50=round(marks[0], 1),
        ttft_ms_p95=round(marks[1], 1),
        total_ms_p50=round(marks[2], 1),
        total_ms_p95=round(marks[3], 1),
        tokens_per_s=round(float(np.median(speeds)), 1) if speeds else 0.0,
    )
