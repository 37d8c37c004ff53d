"""Orders become executions: a Cloud Run Job for data stages, one Batch VM for training."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import orjson

from fitsense.cloud import Cloud
from fitsense.config import Training
from fitsense.errors import EXIT_RETRYABLE, Permanent
from fitsense.manifest import Claim
from fitsense.pipeline import StageSpec

if TYPE_CHECKING:
    from google.cloud import batch_v1

ExecutionState = Literal["running", "succeeded", "failed", "cancelled", "gone"]

SPOT_PREEMPTED = 50001
"""Batch's reserved exit code: https://cloud.google.com/batch/docs/troubleshooting#reserved-exit-codes"""


class Refused(Permanent):
    """The platform will not start this, now or later."""


@dataclass(frozen=True)
class StartStage:
    """An order: run ``stage`` of ``run_id``, found again by the claim's token."""

    run_id: str
    stage: str
    spec: StageSpec
    tasks: int
    claim: Claim
    training: Training | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of an execution, with the platform's own words."""

    state: ExecutionState
    message: str = ""
    log: str = ""


class Launcher:
    """Starts executions and asks after them.

    Raises what Google's clients raise, but Refused where the same order would be refused again.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def start(self, order: StartStage) -> str:
        """The new execution's (or Batch job's) name; does not wait for it."""
        from google.api_core.exceptions import ClientError, TooManyRequests

        try:
            if order.spec.runner == "batch_gpu":
                return self._start_batch(order)
            return self._start_run_job(order)
        except TooManyRequests:
            raise
        except ClientError as error:
            hint = "the job, its image or the conductor's rights are not as Terraform makes them"
            raise Refused(f"{order.stage} cannot be started: {error.message}", hint=hint) from error

    def find(self, order: StartStage) -> str | None:
        """An execution that carries the claim's token: started, but never written into the claim."""
        if order.spec.runner == "batch_gpu":
            return None  # the job's id is made of the claim; a second create is refused by name
        for execution in self.cloud.executions.list_executions(parent=self.cloud.job(order.stage)):
            containers = execution.template.containers
            if any(env.value == order.claim.token for c in containers for env in c.env):
                return str(execution.name)
        return None

    def cancel(self, spec: StageSpec, execution: str) -> None:
        """Stop what nobody needs any more; one that has ended or is gone is no error."""
        from google.api_core.exceptions import ClientError

        with suppress(ClientError):
            if spec.runner == "batch_gpu":
                self.cloud.batch.delete_job(name=execution)
            else:
                self.cloud.executions.cancel_execution(name=execution)

    def outcome(self, spec: StageSpec, execution: str) -> Outcome:
        from google.api_core.exceptions import NotFound

        try:
            if spec.runner == "batch_gpu":
                return _batch_outcome(self.cloud.batch.get_job(name=execution))
            return _run_outcome(self.cloud.executions.get_execution(name=execution))
        except NotFound:
            return Outcome("gone", f"{execution} is not known any more")

    def _start_run_job(self, order: StartStage) -> str:
        from google.cloud import run_v2

        override = run_v2.RunJobRequest.Overrides.ContainerOverride(
            env=[run_v2.EnvVar(name=name, value=value) for name, value in _environment(order).items()]
        )
        request = run_v2.RunJobRequest(
            name=self.cloud.job(order.stage),
            overrides=run_v2.RunJobRequest.Overrides(
                container_overrides=[override], task_count=order.tasks, timeout=f"{order.spec.timeout_s}s"
            ),
        )
        return str(self.cloud.jobs.run_job(request).metadata.name)

    def _start_batch(self, order: StartStage) -> str:
        from google.api_core.exceptions import AlreadyExists, Conflict

        job_id = f"train-{order.claim.token[:24]}"  # at most 63 characters; the labels name the run
        # A conflict: an earlier try got through and its answer was lost; the id names the claim.
        with suppress(AlreadyExists, Conflict):
            self.cloud.batch.create_job(parent=self.cloud.parent, job_id=job_id, job=self._batch_job(order))
        return f"{self.cloud.parent}/jobs/{job_id}"

    def _batch_job(self, order: StartStage) -> batch_v1.Job:
        """One GPU VM, Spot if asked, retried when preempted or told to (section 7 of the design)."""
        from google.cloud import batch_v1

        settings, training = self.cloud.settings, order.training or Training()
        retry = batch_v1.LifecyclePolicy(
            action=batch_v1.LifecyclePolicy.Action.RETRY_TASK,
            action_condition=batch_v1.LifecyclePolicy.ActionCondition(
                exit_codes=[EXIT_RETRYABLE, SPOT_PREEMPTED]
            ),
        )
        environment = _environment(order) | {
            "GOOGLE_CLOUD_PROJECT": settings.project,
            "FITSENSE_LOCATION": settings.location,
            "FITSENSE_BUCKET": settings.bucket,
            "FITSENSE_TRAINING": orjson.dumps(training.model_dump(mode="json")).decode(),
        }
        task = batch_v1.TaskSpec(
            runnables=[
                batch_v1.Runnable(
                    container=batch_v1.Runnable.Container(
                        image_uri=settings.train_image, commands=["train"], options="--gpus all"
                    )
                )
            ],
            environment=batch_v1.Environment(variables=environment),
            compute_resource=batch_v1.ComputeResource(
                cpu_milli=int(order.spec.cpu) * 1000,
                memory_mib=int(order.spec.memory.removesuffix("Gi")) * 1024,
            ),
            max_retry_count=order.spec.max_retries,
            max_run_duration=f"{order.spec.timeout_s}s",
            lifecycle_policies=[retry],
        )
        return batch_v1.Job(
            task_groups=[batch_v1.TaskGroup(task_spec=task, task_count=1)],
            allocation_policy=self._allocation(training),
            labels={"fitsense-run": order.run_id, "fitsense-stage": order.stage},
            logs_policy=batch_v1.LogsPolicy(destination=batch_v1.LogsPolicy.Destination.CLOUD_LOGGING),
        )

    def _allocation(self, training: Training) -> batch_v1.AllocationPolicy:
        from google.cloud import batch_v1

        policy = batch_v1.AllocationPolicy
        model = policy.ProvisioningModel.SPOT if training.spot else policy.ProvisioningModel.STANDARD
        instance = policy.InstancePolicy(
            machine_type=training.machine_type,
            provisioning_model=model,
            accelerators=[policy.Accelerator(type_=training.accelerator, count=1)],
        )
        allocation = batch_v1.AllocationPolicy(
            instances=[policy.InstancePolicyOrTemplate(policy=instance, install_gpu_drivers=True)]
        )
        settings = self.cloud.settings
        if settings.batch_subnetwork:
            interface = policy.NetworkInterface(
                subnetwork=settings.batch_subnetwork, no_external_ip_address=True
            )
            allocation.network = policy.NetworkPolicy(network_interfaces=[interface])
        if settings.batch_service_account:
            allocation.service_account = batch_v1.ServiceAccount(email=settings.batch_service_account)
        return allocation


def _environment(order: StartStage) -> dict[str, str]:
    return {
        "FITSENSE_RUN_ID": order.run_id,
        "FITSENSE_STAGE": order.stage,
        "FITSENSE_CLAIM": order.claim.token,
        "FITSENSE_STAGE_ATTEMPT": str(order.claim.attempt),
        "FITSENSE_MAX_RETRIES": str(order.spec.max_retries),
    }


def _run_outcome(execution: Any) -> Outcome:
    if not execution.completion_time:
        return Outcome("running")
    message = "; ".join(c.message for c in execution.conditions if c.message)
    if execution.cancelled_count:
        return Outcome("cancelled", message or "cancelled by hand", execution.log_uri)
    good = execution.succeeded_count >= execution.task_count
    return Outcome("succeeded" if good else "failed", message, execution.log_uri)


def _batch_outcome(job: Any) -> Outcome:
    from google.cloud import batch_v1

    state = batch_v1.JobStatus.State(job.status.state)
    message = "; ".join(event.description for event in job.status.status_events)
    if state == batch_v1.JobStatus.State.SUCCEEDED:
        return Outcome("succeeded", message)
    if state == batch_v1.JobStatus.State.CANCELLED:
        return Outcome("cancelled", message or "cancelled by hand")
    if state == batch_v1.JobStatus.State.FAILED:
        return Outcome("failed", message)
    return Outcome("running", message)
