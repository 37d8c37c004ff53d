"""Cloud Run Admin v2, jobs and executions, as ``google-cloud-run``'s REST clients use it.

https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from services.localcloud.component import Context
from services.localcloud.compute.model import Execution, Task
from services.localcloud.compute.operations import Operations, Until
from services.localcloud.compute.rest import (
    faulty_routes,
    integer,
    location_of,
    new_uid,
    page,
    page_request,
    seconds,
    valid_job_id,
)
from services.localcloud.compute.run_spec import checked_job, overridden, plan_of
from services.localcloud.compute.run_view import (
    TYPE,
    execution_json,
    execution_reference,
    run_operation,
    task_json,
)
from services.localcloud.compute.store import Store
from services.localcloud.compute.tasks import Runner, now
from services.localcloud.http import ApiError, Handler, json_body, json_response

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
MAX_WAIT_S = 30.0


class RunApi:
    """Routes below ``/v2/projects/P/locations/L``."""

    def __init__(
        self, context: Context, store: Store, runner: Runner, operations: Operations, logs: Path
    ) -> None:
        self._context = context
        self._store = store
        self._runner = runner
        self._operations = operations
        self._logs = logs

    def routes(self) -> Sequence[web.RouteDef]:
        base = "/v2/projects/{project}/locations/{location}"
        job = base + "/jobs/{job:[^/:]+}"
        execution = job + "/executions/{execution:[^/:]+}"
        operation = base + "/operations/{operation:[^/:]+}"
        table: list[tuple[str, str, Handler]] = [
            ("POST", base + "/jobs", self.create_job),
            ("GET", base + "/jobs", self.list_jobs),
            ("GET", job, self.get_job),
            ("PATCH", job, self.patch_job),
            ("DELETE", job, self.delete_job),
            ("POST", job + ":run", self.run_job),
            ("GET", job + "/executions", self.list_executions),
            ("GET", execution, self.get_execution),
            ("DELETE", execution, self.delete_execution),
            ("POST", execution + ":cancel", self.cancel_execution),
            ("GET", execution + "/tasks", self.list_tasks),
            ("GET", execution + "/tasks/{task:[^/:]+}", self.get_task),
            ("GET", operation, self.get_operation),
            ("POST", operation + ":wait", self.wait_operation),
        ]
        return faulty_routes(self._context.faults, "run.request", table)

    # jobs

    async def create_job(self, request: web.Request) -> web.Response:
        job_id = valid_job_id(request.query.get("jobId", ""))
        body = checked_job(await json_body(request))
        name = f"{location_of(request)}/jobs/{job_id}"
        if self._store.job(name):
            raise ApiError(409, f"Resource '{job_id}' already exists.")
        return self._put_job(request, name, body, None)

    async def list_jobs(self, request: web.Request) -> web.Response:
        size, after = page_request(request)
        jobs, token = page(self._store.jobs(location_of(request), after or 0, size + 1), size)
        return json_response({"jobs": [self._shown(job) for job in jobs]} | token)

    async def get_job(self, request: web.Request) -> web.Response:
        return json_response(self._shown(self._job(request)))

    async def patch_job(self, request: web.Request) -> web.Response:
        sent = await json_body(request)
        name = _job_name(request)
        old = self._store.job(name)
        if old is None and request.query.get("allowMissing") != "true":
            raise _not_found("job", name)
        if old is not None and sent.get("etag", old["etag"]) != old["etag"]:
            raise ApiError(409, f"etag mismatch for {name}: the job was changed meanwhile", status="ABORTED")
        valid_job_id(request.match_info["job"])
        return self._put_job(request, name, checked_job(sent), old)

    async def delete_job(self, request: web.Request) -> web.Response:
        job = self._job(request)
        document = {"@type": f"{TYPE}Job"} | self._shown(job) | {"deleteTime": now()}
        if request.query.get("validateOnly") != "true":
            for _, execution in self._store.executions("run", job["name"]):
                self._runner.cancel(execution.name, delete=True)
            self._store.delete_job(job["name"])
        return self._operation(request, "at once", "", document)

    async def run_job(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        job = self._job(request)
        if body.get("etag", job["etag"]) != job["etag"]:
            raise ApiError(409, f"etag mismatch for {job['name']}", status="ABORTED")
        execution = self._new_execution(job, body.get("overrides", {}))
        operation = self._operations.create(location_of(request), "run", execution.name)
        if not body.get("validateOnly"):
            self._runner.submit(execution)
            job["executionCount"] = integer(job.get("executionCount"), "executionCount", 0) + 1
            self._store.put_job(job | {"latest": execution.name})
        return json_response(run_operation(operation, execution, self._logs))

    # executions and tasks

    async def list_executions(self, request: web.Request) -> web.Response:
        size, before = page_request(request)
        parent = _job_name(request).replace("/jobs/-", "/jobs/*")
        rows, token = page(self._store.executions("run", parent, before, size + 1), size)
        return json_response({"executions": [execution_json(row, self._logs) for row in rows]} | token)

    async def get_execution(self, request: web.Request) -> web.Response:
        return json_response(execution_json(self._execution(request), self._logs))

    async def cancel_execution(self, request: web.Request) -> web.Response:
        execution = self._execution(request)
        self._runner.cancel(execution.name)
        document = self._document(self._execution(request))
        return self._operation(request, "at once", execution.name, document)

    async def delete_execution(self, request: web.Request) -> web.Response:
        execution = self._execution(request)
        self._runner.cancel(execution.name, delete=True)
        document = self._document(execution) | {"deleteTime": now()}
        return self._operation(request, "gone", execution.name, document)

    async def list_tasks(self, request: web.Request) -> web.Response:
        size, after = page_request(request)
        execution = self._execution(request)
        found = self._store.tasks(execution.name, -1 if after is None else after, size + 1)
        tasks, token = page([(task.index, task) for task in found], size)
        return json_response({"tasks": [self._task(execution, task) for task in tasks]} | token)

    async def get_task(self, request: web.Request) -> web.Response:
        execution = self._execution(request)
        prefix, _, index = request.match_info["task"].rpartition("-task")
        if prefix != execution.id or not index.isdecimal() or int(index) >= execution.plan.task_count:
            raise _not_found("task", f"{execution.name}/tasks/{request.match_info['task']}")
        return json_response(self._task(execution, self._store.tasks(execution.name, int(index) - 1, 1)[0]))

    # operations

    async def get_operation(self, request: web.Request) -> web.Response:
        return json_response(self._operations.get(_operation_name(request)))

    async def wait_operation(self, request: web.Request) -> web.Response:
        body = await json_body(request)
        name = _operation_name(request)
        limit = seconds(body.get("timeout"), "timeout") or MAX_WAIT_S
        await self._runner.wait(self._operations.target(name), limit)
        return json_response(self._operations.get(name))

    def _operation(
        self, request: web.Request, until: Until, target: str, document: dict[str, Any]
    ) -> web.Response:
        name = self._operations.create(location_of(request), until, target, document)
        return json_response(self._operations.get(name))

    # helpers

    def _put_job(
        self, request: web.Request, name: str, body: dict[str, Any], old: dict[str, Any] | None
    ) -> web.Response:
        stamp = now()
        kept = (
            {key: old[key] for key in ("uid", "createTime", "executionCount", "latest") if key in old}
            if old
            else {}
        )
        generation = str(int(old["generation"]) + 1 if old else 1)
        job = {"uid": new_uid(), "createTime": stamp, "executionCount": 0} | kept | body
        job |= {"name": name, "updateTime": stamp, "generation": generation, "etag": f'"{stamp}"'}
        if request.query.get("validateOnly") != "true":
            self._store.put_job(job)
        return self._operation(request, "at once", "", {"@type": f"{TYPE}Job"} | self._shown(job))

    def _shown(self, job: dict[str, Any]) -> dict[str, Any]:
        shown = {key: value for key, value in job.items() if key != "latest"}
        latest = self._store.execution(job["latest"]) if "latest" in job else None
        condition = {"type": "Ready", "state": "CONDITION_SUCCEEDED", "lastTransitionTime": job["updateTime"]}
        shown |= {
            "observedGeneration": job["generation"],
            "terminalCondition": condition,
            "reconciling": False,
        }
        shown.setdefault("launchStage", "GA")
        return shown | ({"latestCreatedExecution": execution_reference(latest)} if latest else {})

    def _new_execution(self, job: dict[str, Any], overrides: dict[str, Any]) -> Execution:
        template = overridden(job, overrides)
        job_id = job["name"].rpartition("/")[2]
        suffix = "".join(secrets.choice(_ALPHABET) for _ in range(5))
        labels = {key: template[key] for key in ("labels", "annotations") if key in template}
        return Execution(
            name=f"{job['name']}/executions/{job_id}-{suffix}",
            parent=job["name"],
            uid=new_uid(),
            api="run",
            job=job_id,
            plan=plan_of(template),
            document={"template": template["template"]} | labels,
        )

    def _job(self, request: web.Request) -> dict[str, Any]:
        name = _job_name(request)
        job = self._store.job(name)
        if job is None:
            raise _not_found("job", name)
        return job

    def _execution(self, request: web.Request) -> Execution:
        name = f"{_job_name(request)}/executions/{request.match_info['execution']}"
        execution = self._store.execution(name)
        if execution is None:
            raise _not_found("execution", name)
        return execution

    def _document(self, execution: Execution) -> dict[str, Any]:
        return {"@type": f"{TYPE}Execution"} | execution_json(execution, self._logs)

    def _task(self, execution: Execution, task: Task) -> dict[str, Any]:
        return task_json(execution, task, self._logs / execution.log_file(task))


def _job_name(request: web.Request) -> str:
    return f"{location_of(request)}/jobs/{request.match_info['job']}"


def _operation_name(request: web.Request) -> str:
    return f"{location_of(request)}/operations/{request.match_info['operation']}"


def _not_found(kind: str, name: str) -> ApiError:
    return ApiError(404, f"Resource '{name}' of kind '{kind.upper()}' does not exist.")
