"""From a Batch job to the plan of its execution. Pure; raises ApiError 400.

Enumerations arrive as numbers from Google's clients, as names from gcloud and people; both are accepted.
"""

from __future__ import annotations

import shlex
from typing import Any

from services.localcloud.compute.model import Plan, Step
from services.localcloud.compute.rest import integer, seconds
from services.localcloud.http import ApiError

MAX_RETRIES = 10
RETRY_TASK, FAIL_TASK = (1, "RETRY_TASK"), (2, "FAIL_TASK")
IN_ORDER = (2, "IN_ORDER")


def plan_of(job: dict[str, Any]) -> Plan:
    """The plan of a Batch job: one task group, its runnables as steps."""
    groups = job.get("taskGroups") or []
    if len(groups) != 1:
        raise ApiError(400, f"job.task_groups: exactly one task group is supported, not {len(groups)}")
    group = groups[0]
    spec = group.get("taskSpec") or {}
    runnables = [runnable for runnable in spec.get("runnables") or [] if "barrier" not in runnable]
    if not runnables:
        raise ApiError(400, "job.task_groups[0].task_spec.runnables: at least one runnable is required")
    environments = [entry.get("variables", {}) for entry in group.get("taskEnvironments") or []]
    count = len(environments) or integer(group.get("taskCount"), "taskCount", 1, minimum=1)
    retries = integer(spec.get("maxRetryCount"), "maxRetryCount", 0)
    if retries > MAX_RETRIES:
        raise ApiError(400, f"maxRetryCount must be at most {MAX_RETRIES}, not {retries}")
    retry_codes, fail_codes = _policy(spec.get("lifecyclePolicies") or [])
    return Plan(
        steps=[_step(runnable, _variables(spec)) for runnable in runnables],
        task_count=count,
        parallelism=_parallelism(group, count),
        max_retries=retries,
        timeout_s=seconds(spec.get("maxRunDuration"), "maxRunDuration"),
        task_env=environments,
        retry_codes=retry_codes,
        fail_codes=fail_codes,
    )


def _parallelism(group: dict[str, Any], count: int) -> int:
    if group.get("schedulingPolicy") in IN_ORDER:
        return 1
    return min(count, integer(group.get("parallelism"), "parallelism", 0) or count)


def _policy(policies: list[dict[str, Any]]) -> tuple[list[int] | None, list[int] | None]:
    """(codes that alone are retried, codes that are never retried); Batch supports one policy."""
    if len(policies) > 1:
        raise ApiError(400, "lifecyclePolicies: only one policy is supported")
    for policy in policies:
        codes = [int(code) for code in policy.get("actionCondition", {}).get("exitCodes", [])]
        if policy.get("action") in RETRY_TASK:
            return codes, None
        if policy.get("action") in FAIL_TASK:
            return None, codes
    return None, None


def _step(runnable: dict[str, Any], variables: dict[str, str]) -> Step:
    step = Step(
        env=variables | _variables(runnable),
        timeout_s=seconds(runnable.get("timeout"), "timeout"),
        ignore_exit_status=runnable.get("ignoreExitStatus", False),
        background=runnable.get("background", False),
        always_run=runnable.get("alwaysRun", False),
    )
    if text := runnable.get("script", {}).get("text"):
        return step.model_copy(update={"script": text})
    if path := runnable.get("script", {}).get("path"):
        return step.model_copy(update={"script": f"exec {shlex.quote(path)}\n"})
    container = runnable.get("container", {})
    if not container.get("imageUri"):
        raise ApiError(400, "runnable: needs container.imageUri, script.text or script.path")
    return step.model_copy(
        update={
            "image": container["imageUri"],
            "args": [*shlex.split(container.get("entrypoint", "")), *container.get("commands", [])],
            "env": _docker_environment(container.get("options", "")) | step.env,
        }
    )


def _variables(holder: dict[str, Any]) -> dict[str, str]:
    variables: dict[str, str] = dict(holder.get("environments", {}))
    variables.update(holder.get("environment", {}).get("variables", {}))
    return variables


def _docker_environment(options: str) -> dict[str, str]:
    """The ``-e``/``--env NAME=value`` of ``docker run`` options; others (GPUs, shm) mean nothing here."""
    found: dict[str, str] = {}
    words = shlex.split(options)
    for index, word in enumerate(words):
        text = ""
        if word in ("-e", "--env") and index + 1 < len(words):
            text = words[index + 1]
        elif word.startswith("--env="):
            text = word.removeprefix("--env=")
        name, equals, value = text.partition("=")
        if equals:
            found[name] = value
    return found
