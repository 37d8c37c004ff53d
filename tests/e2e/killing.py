"""Kills processes while runs go on, and keeps account of what was paid meanwhile."""

from __future__ import annotations

import time
from contextlib import suppress
from random import Random

import psutil

from tests.factory import Factory
from tests.scripted_endpoint import ScriptedEndpoint

AT_MOST = 5
"""Kills in one run, the teacher's aside: runs of several kinds are to be struck."""


class Payments:
    """What the endpoint of one paid run delivered, against what stands in the run's checkpoints.

    ``look`` at any moment; once an answer is in the bucket, its request must never be asked again.
    """

    def __init__(self, factory: Factory, endpoint: ScriptedEndpoint, prompts: int) -> None:
        self.factory = factory
        self.endpoint = endpoint
        self.prompts = prompts
        self.delivered = 0
        self.asked: dict[str, int] = {}
        """Requests whose answers are durable → how often they had been asked when that was first seen."""
        self._rows: dict[str, list[dict[str, object]]] = {}

    def look(self, run_id: str) -> None:
        # First the bucket, then the endpoint: whatever is asked in between is asked for nothing.
        self._rows = self.factory.checkpoints(run_id)
        keys = self.endpoint.stats()["keys"]
        for key in self.answered():
            self.asked.setdefault(key, keys[key]["requests"])
        self.delivered = sum(state["delivered"] > 0 for state in keys.values())

    def answered(self) -> list[str]:
        rows = [row for found in self._rows.values() for row in found]
        return [str(row["sha256"]) for row in rows if row["kind"] == "call"]

    def died(self) -> int:
        """How many attempts at a part sent requests and never came to an end."""
        kinds: dict[str, set[object]] = {}
        for name, rows in self._rows.items():
            kinds.setdefault(name.rsplit("-", 1)[0], set()).update(row["kind"] for row in rows)
        return sum("opened" in seen and "closed" not in seen for seen in kinds.values())

    def check(self, max_in_flight: int) -> None:
        """To be called after a last look, when the run is over."""
        keys = self.endpoint.stats()["keys"]
        again = {key for key, asked in self.asked.items() if keys[key]["requests"] > asked}
        assert not again, f"{len(again)} requests were asked again though their answers were durable"
        answered = self.answered()
        assert len(keys) == len(answered) == self.prompts
        assert set(keys) == set(answered), "each answer stands in the checkpoints, once"
        assert {state["billed"] for state in keys.values()} == {1}, "the idempotency key went along"
        # In flight, or answered while the last checkpoint was being written: never a part's answers.
        repeated = sum(max(0, state["delivered"] - 1) for state in keys.values())
        died = self.died()
        print(f"{died} attempts of the teacher died, {repeated} of {self.prompts} answers were sent again")
        assert died, "no attempt of the teacher died: the test showed nothing"
        assert repeated <= died * 3 * max_in_flight, f"{repeated} repeats after {died} deaths"


class Killer:
    """Kills ``left`` processes, chosen by ``rng``, during the runs that it submits."""

    def __init__(self, factory: Factory, rng: Random, kills: int) -> None:
        self.factory = factory
        self.rng = rng
        self.kills = kills
        self.killed: list[str] = []
        self.runs: list[str] = []

    @property
    def left(self) -> int:
        return self.kills - len(self.killed)

    def run(self, text: str, name: str, payments: Payments | None = None) -> str:
        """Submit, and kill something every now and then until the run ends; its id."""
        run_id = str(self.factory.until(lambda: self._submit(text, name)))
        self.runs.append(run_id)
        if payments:
            self._kill_the_teacher(run_id, payments)
        most = len(self.killed) + min(self.left, AT_MOST)
        while len(self.killed) < most:
            time.sleep(self.rng.uniform(0.1, 1.5))
            if self._over(run_id):
                break
            if payments:
                payments.look(run_id)
            alive = self._alive()
            if alive:
                # Each kind as likely as another: tasks are many, and the cloud is one.
                self._kill(alive, self.rng.choice(sorted(alive)))
        return run_id

    def _submit(self, text: str, name: str) -> str | None:
        """A person's act: with the cloud down it fails at once, and the person tries again."""
        with suppress(OSError):
            return self.factory.submit(text, name)
        return None

    def _over(self, run_id: str) -> bool:
        view = self.factory.reader().observe(run_id)
        return view is not None and view.state != "running"

    def _kill_the_teacher(self, run_id: str, payments: Payments) -> None:
        """Kill a task in the middle of its answers, so that there is something to pay twice."""

        def midway() -> bool:
            payments.look(run_id)
            landed = self.factory.store.exists(f"teacher_responses/{run_id}/manifest.json")
            assert not landed, "the teacher ended before it had kept a part of its answers"
            # Counted at the endpoint: a kill just after a commit would find hardly an answer at risk.
            return bool(payments.asked) and payments.delivered >= payments.prompts // 4

        self.factory.until(midway)
        alive = self._alive()
        tasks = [kind for kind in alive if kind.startswith("task")]
        assert tasks, f"answers are being kept, and of {list(alive)} none is a task"
        self._kill(alive, tasks[0])

    def _kill(self, alive: dict[str, list[psutil.Process]], kind: str) -> None:
        with suppress(psutil.NoSuchProcess):
            self.rng.choice(alive[kind]).kill()
            self.killed.append(kind)

    def _alive(self) -> dict[str, list[psutil.Process]]:
        """The cloud, the conductor, its worker, the fork server, and tasks."""
        kinds: dict[str, list[psutil.Process]] = {}
        with suppress(psutil.NoSuchProcess):
            for name, process in self.factory.processes().items():
                kinds[name] = [process]
                children = process.children()
                kinds[f"child of {name}"] = children
                kinds[f"task of {name}"] = [task for child in children for task in child.children()]
        return {kind: processes for kind, processes in kinds.items() if processes}
