from __future__ import annotations

import os
import signal

import pytest

from fitsense.errors import BadArtifact, Unavailable
from jobs.dataset.workers import WORTH_ROWS, Workers, worker_count


def double(number: int) -> int:
    return 2 * number


def fail_at_seven(number: int) -> int:
    if number == 7:
        raise BadArtifact("seven", hint="no seven")
    return number


def die(_number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@pytest.mark.parametrize("count", [0, 3])
def test_results_come_in_order(count: int) -> None:
    with Workers(count) as workers:
        assert list(workers.map(double, range(20))) == list(range(0, 40, 2))
        assert list(workers.map(double, [])) == []
        assert list(workers.map(double, [4])) == [8]


def test_an_error_of_a_worker_is_raised_here_with_its_hint() -> None:
    with Workers(2) as workers, pytest.raises(BadArtifact, match="seven") as caught:
        list(workers.map(fail_at_seven, range(20)))
    assert caught.value.hint == "no seven"


def test_a_killed_worker_is_an_error_that_a_retry_may_heal() -> None:
    with Workers(1) as workers, pytest.raises(Unavailable, match="worker"):
        list(workers.map(die, [1, 2]))


def test_small_inputs_start_no_processes() -> None:
    assert worker_count(WORTH_ROWS - 1) == 0
