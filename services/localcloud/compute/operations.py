"""Long-running operations of both APIs: what they wait for is looked at when they are asked for."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, Literal

from services.localcloud.compute.run_view import run_operation
from services.localcloud.compute.store import Store
from services.localcloud.http import ApiError

Until = Literal["at once", "run", "finished", "gone"]
"""When an operation is done: at once, with an execution (whose outcome it takes), or its end or deletion."""


class Operations:
    """google.longrunning.Operation. They outlive the local cloud, like everything else here."""

    def __init__(self, store: Store, logs: Path) -> None:
        self._store = store
        self._logs = logs

    def create(
        self,
        location: str,
        until: Until,
        target: str = "",
        response: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> str:
        """Persist an operation below ``projects/P/locations/L``; its name."""
        name = f"{location}/operations/{uuid.uuid4()}"
        response = response or {}
        document = {"until": until, "target": target, "response": response, "metadata": metadata or response}
        self._store.put_operation(name, document)
        return name

    def target(self, name: str) -> str:
        """The execution an operation is about, or an empty string."""
        return str((self._store.operation(name) or {}).get("target", ""))

    def get(self, name: str) -> dict[str, Any]:
        """As it stands now. Raises ApiError 404."""
        document = self._store.operation(name)
        if document is None:
            raise ApiError(404, f"Operation {name} not found")
        execution = self._store.execution(document["target"])
        if document["until"] == "run":
            return run_operation(name, execution, self._logs)
        waits = {"gone": execution is not None, "finished": execution is not None and not execution.finished}
        done = not waits.get(document["until"], False)
        answer = {"name": name, "done": done, "metadata": document["metadata"]}
        return answer | ({"response": document["response"]} if done else {})
