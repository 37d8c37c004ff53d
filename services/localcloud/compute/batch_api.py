"""Batch v1 as ``google-cloud-batch``'s REST client uses it.

https://cloud.google.com/batch/docs/reference/rest/v1/projects.locations.jobs
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Sequence

from aiohttp import web

from services.localcloud.component import Context
from services.localcloud.compute.batch_spec import plan_of
from services.localcloud.compute.batch_view import GROUP, job_json, job_state, task_json
from services.localcloud.compute.model import Execution
from services.localcloud.compute.operations import Operations, Until
from services.localcloud.compute.rest import (
    faulty_routes,
    location_of,
    new_uid,
    page,
    page_request,
    valid_job_id,
)
from services.localcloud.compute.store import Store
from services.localcloud.compute.tasks import Runner, now
from services.localcloud.http import ApiError, Handler, json_body, json_response

TYPE = "type.googleapis.com/google.cloud.batch.v1."
EMPTY = "type.googleapis.com/google.protobuf.Empty"
OUTPUT_ONLY = ("name", "uid", "status", "createTime", "updateTime")


class BatchApi:
    """Routes below ``/v1/projects/P/locations/L``; the rest of ``/v1/projects`` is Pub/Sub's."""

    def __init__(self, context: Context, store: Store, runner: Runner, operations: Operations) -> None:
        self._context = context
        self._store = store
        self._runner = runner
        self._operations = operations

    def routes(self) -> Sequence[web.RouteDef]:
        base = "/v1/projects/{project}/locations/{location}"
        job = base + "/jobs/{job:[^/:]+}"
        tasks = job + "/taskGroups/{group:[^/:]+}/tasks"
        table: list[tuple[str, str, Handler]] = [
            ("POST", base + "/jobs", self.create),
            ("GET", base + "/jobs", self.list),
            ("GET", job, self.get),
            ("DELETE", job, self.delete),
            ("POST", job + ":cancel", self.cancel),
            ("GET", tasks, self.list_tasks),
            ("GET", tasks + "/{task:[^/:]+}", self.get_task),
            ("GET", base + "/operations/{operation:[^/:]+}", self.get_operation),
        ]
        return faulty_routes(self._context.faults, "batch.request", table)

    async def create(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        request_id = request.query.get("requestId", "")
        if earlier := self._store.execution_of_request(request_id):
            return json_response(job_json(earlier))
        job_id = valid_job_id(request.query.get("jobId") or f"j-{uuid.uuid4()}")
        name = f"{location_of(request)}/jobs/{job_id}"
        if self._store.execution(name):
            raise ApiError(409, f"Resource '{name}' already exists")
        document = {key: copy.deepcopy(value) for key, value in body.items() if key not in OUTPUT_ONLY}
        execution = Execution(
            name=name,
            parent=location_of(request),
            uid=new_uid(),
            api="batch",
            job=job_id,
            plan=plan_of(document),
            document=document,
            request_id=request_id,
        )
        self._runner.submit(execution)
        return json_response(job_json(execution))

    async def list(self, request: web.Request) -> web.Response:
        if request.query.get("filter"):
            raise ApiError(400, "filter: the local cloud lists all jobs; filter them yourself")
        size, before = page_request(request)
        parent = location_of(request).replace("/locations/-", "/locations/*")
        rows, token = page(self._store.executions("batch", parent, before, size + 1), size)
        return json_response({"jobs": [job_json(row) for row in rows]} | token)

    async def get(self, request: web.Request) -> web.Response:
        return json_response(job_json(self._job(request)))

    async def delete(self, request: web.Request) -> web.Response:
        execution = self._job(request)
        self._runner.cancel(execution.name, delete=True)
        return self._operation(request, execution, "gone", EMPTY)

    async def cancel(self, request: web.Request) -> web.Response:
        execution = self._job(request)
        if execution.finished:
            raise ApiError(
                400, f"job {execution.name} is {job_state(execution)} already", "FAILED_PRECONDITION"
            )
        self._runner.cancel(execution.name)
        return self._operation(request, execution, "finished", f"{TYPE}CancelJobResponse")

    async def list_tasks(self, request: web.Request) -> web.Response:
        size, after = page_request(request)
        execution = self._job(request)
        found = self._store.tasks(execution.name, -1 if after is None else after, size + 1)
        tasks, token = page([(task.index, task) for task in found], size)
        return json_response({"tasks": [task_json(execution, task) for task in tasks]} | token)

    async def get_task(self, request: web.Request) -> web.Response:
        execution, index = self._job(request), request.match_info["task"]
        found = self._store.tasks(execution.name, int(index) - 1, 1) if index.isdecimal() else []
        if request.match_info["group"] != GROUP or not found or found[0].index != int(index):
            raise ApiError(404, f"Resource '{request.path.removeprefix('/v1/')}' was not found")
        return json_response(task_json(execution, found[0]))

    async def get_operation(self, request: web.Request) -> web.Response:
        name = f"{location_of(request)}/operations/{request.match_info['operation']}"
        return json_response(self._operations.get(name))

    def _operation(
        self, request: web.Request, execution: Execution, until: Until, response: str
    ) -> web.Response:
        """Answer a long-running operation on a job that may still be running."""
        verb = "delete" if until == "gone" else "cancel"
        metadata = {"createTime": now(), "target": execution.name, "verb": verb, "apiVersion": "v1"}
        name = self._operations.create(
            location_of(request),
            until,
            execution.name,
            {"@type": response},
            {"@type": f"{TYPE}OperationMetadata"} | metadata,
        )
        return json_response(self._operations.get(name))

    def _job(self, request: web.Request) -> Execution:
        name = f"{location_of(request)}/jobs/{request.match_info['job']}"
        execution = self._store.execution(name)
        if execution is None:
            raise ApiError(404, f"Resource '{name}' was not found")
        return execution
