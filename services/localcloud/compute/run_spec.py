"""From a Cloud Run job and a run's overrides to the plan of an execution. Pure; raises ApiError 400."""

from __future__ import annotations

import copy
from typing import Any

from services.localcloud.compute.model import Plan, Step
from services.localcloud.compute.rest import integer, seconds
from services.localcloud.http import ApiError

OUTPUT_ONLY = frozenset(
    [
        "name",
        "uid",
        "generation",
        "createTime",
        "updateTime",
        "deleteTime",
        "expireTime",
        "creator",
        "lastModifier",
        "observedGeneration",
        "terminalCondition",
        "conditions",
        "executionCount",
        "latestCreatedExecution",
        "reconciling",
        "satisfiesPzs",
        "etag",
    ]
)


def checked_job(body: dict[str, Any]) -> dict[str, Any]:
    """What of a job its user may set, with Cloud Run's defaults filled in."""
    job = {name: value for name, value in copy.deepcopy(body).items() if name not in OUTPUT_ONLY}
    template = job.get("template")
    if not isinstance(template, dict) or not isinstance(template.get("template"), dict):
        raise ApiError(400, "job.template.template: Required field not present.")
    task = template["template"]
    containers = task.get("containers")
    if not containers or not all(isinstance(container.get("image"), str) for container in containers):
        raise ApiError(400, "job.template.template.containers: a container with an image is required.")
    if len(containers) > 1:
        raise ApiError(400, "job.template.template.containers: the local cloud runs one container per task.")
    template["taskCount"] = integer(template.get("taskCount"), "taskCount", 1, minimum=1)
    task["maxRetries"] = integer(task.get("maxRetries"), "maxRetries", 3)
    task["timeout"] = task.get("timeout") or "600s"
    seconds(task["timeout"], "timeout")
    _secrets(containers[0].get("env", []))
    return job


def overridden(job: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """The execution's own template: the job's, with the overrides of one ``jobs.run`` applied.

    https://cloud.google.com/run/docs/execute/jobs#override-job-configuration
    """
    template: dict[str, Any] = copy.deepcopy(job["template"])
    if "taskCount" in overrides:
        count = integer(overrides["taskCount"], "overrides.taskCount", 0)
        template["taskCount"] = count or template["taskCount"]
    if overrides.get("timeout"):
        template["template"]["timeout"] = overrides["timeout"]
    container = template["template"]["containers"][0]
    for override in overrides.get("containerOverrides", []):
        if override.get("name") not in (None, "", container.get("name", "")):
            raise ApiError(400, f"overrides: the job has no container named {override['name']!r}")
        if override.get("clearArgs"):
            container["args"] = []
        if override.get("args"):
            container["args"] = override["args"]
        merged = {entry["name"]: entry for entry in container.get("env", [])}
        merged |= {entry["name"]: entry for entry in override.get("env", [])}
        container["env"] = list(merged.values())
    return template


def plan_of(template: dict[str, Any]) -> Plan:
    """The plan of an execution template. Parallelism 0 or unset is as many as there are tasks."""
    task = template["template"]
    container = task["containers"][0]
    count = integer(template.get("taskCount"), "taskCount", 1, minimum=1)
    parallelism = integer(template.get("parallelism"), "parallelism", 0) or count
    step = Step(
        image=container["image"],
        args=[*container.get("command", []), *container.get("args", [])],
        env=_environment(container.get("env", [])),
        secrets=_secrets(container.get("env", [])),
    )
    return Plan(
        steps=[step],
        task_count=count,
        parallelism=min(parallelism, count),
        max_retries=task["maxRetries"],
        timeout_s=seconds(task["timeout"], "timeout"),
    )


def _environment(entries: list[dict[str, Any]]) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in entries if not entry.get("valueSource")}


def _secrets(entries: list[dict[str, Any]]) -> dict[str, str]:
    """Variables whose values are secrets, by the secrets' names."""
    sources = {entry["name"]: entry["valueSource"] for entry in entries if entry.get("valueSource")}
    try:
        return {name: source["secretKeyRef"]["secret"] for name, source in sources.items()}
    except KeyError as error:
        raise ApiError(400, f"env {list(sources)}: valueSource needs secretKeyRef.secret") from error
