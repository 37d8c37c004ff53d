"""Where models are trained: one small interface, chosen by ``training.backend`` in the config."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from fitsense.cloud import Cloud
from fitsense.config import Training
from fitsense.errors import EXIT_RETRYABLE
from services.conductor.orders import Outcome, Refused, StartStage, environment

if TYPE_CHECKING:
    from google.cloud import batch_v1

MACHINE_LOST = (50001, 50002, 50003, 50006)
"""Preempted, silent, rebooted, recreated: Batch's reserved exit codes
(https://cloud.google.com/batch/docs/troubleshooting#reserved-exit-codes)."""
KILLED = (137, 143)
"""128 + SIGKILL or SIGTERM: the trainer goes on from its last checkpoint."""


class TrainingBackend(Protocol):
    """Starts trainings and asks after them. Raises what its client raises, or Refused."""

    def unavailable(self, pipeline: str) -> str:
        """Why this backend cannot train for ``pipeline``; empty when it can."""
        ...

    def start(self, order: StartStage) -> str:
        """The job's name; the same order twice is one job."""
        ...

    def find(self, order: StartStage) -> str | None:
        """The job of this order, if it was started."""
        ...

    def outcome(self, job: str) -> Outcome: ...

    def cancel(self, job: str) -> None: ...


def training_backends(cloud: Cloud) -> dict[str, TrainingBackend]:
    """By the names that a config chooses from."""
    return {"batch": BatchVm(cloud), "managed_tuning": ManagedTuning()}


class ManagedTuning:
    """A platform that tunes a model by itself. None of them takes what the coaching pipeline asks for."""

    def unavailable(self, pipeline: str) -> str:
        return (
            f"managed tuning is not available for the {pipeline} pipeline: it needs a base and a tokenizer "
            "of its own, checkpoints in the bucket, and an adapter that vLLM can serve"
        )

    def start(self, order: StartStage) -> str:
        raise Refused(self.unavailable("coaching"), hint="training.backend: batch")

    def find(self, order: StartStage) -> str | None:
        return None

    def outcome(self, job: str) -> Outcome:
        return Outcome("gone", f"{job}: nothing is ever started here")

    def cancel(self, job: str) -> None:
        """Nothing was started."""


class BatchVm:
    """One GPU VM for one training, Spot if asked, retried when it is preempted or asks to be."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def unavailable(self, pipeline: str) -> str:
        return ""

    def start(self, order: StartStage) -> str:
        from google.api_core.exceptions import AlreadyExists, Conflict

        name = self._name(order)
        job_id = name.rsplit("/", 1)[1]
        # A conflict: an earlier try got through and its answer was lost; the id names the claim.
        with suppress(AlreadyExists, Conflict):
            self.cloud.batch.create_job(parent=self.cloud.parent, job_id=job_id, job=self._job(order))
        return name

    def find(self, order: StartStage) -> str | None:
        from google.api_core.exceptions import NotFound

        with suppress(NotFound):
            return str(self.cloud.batch.get_job(name=self._name(order)).name)
        return None

    def outcome(self, job: str) -> Outcome:
        return _outcome(self.cloud.batch.get_job(name=job))

    def cancel(self, job: str) -> None:
        self.cloud.batch.delete_job(name=job)

    def _name(self, order: StartStage) -> str:
        return f"{self.cloud.parent}/jobs/train-{order.claim.token[:24]}"  # an id has at most 63 characters

    def _job(self, order: StartStage) -> batch_v1.Job:
        from google.cloud import batch_v1

        task = batch_v1.TaskSpec(
            runnables=[
                batch_v1.Runnable(
                    container=batch_v1.Runnable.Container(
                        image_uri=self.cloud.settings.train_image, commands=["train"], options="--gpus all"
                    )
                )
            ],
            environment=batch_v1.Environment(variables=self._environment(order)),
            compute_resource=batch_v1.ComputeResource(
                cpu_milli=int(order.spec.cpu) * 1000,
                memory_mib=int(order.spec.memory.removesuffix("Gi")) * 1024,
            ),
            max_retry_count=order.spec.max_retries,
            max_run_duration=f"{order.spec.timeout_s}s",
            lifecycle_policies=[_retried()],
        )
        labels = {"fitsense-run": order.data_run or order.run_id, "fitsense-version": order.run_id}
        return batch_v1.Job(
            task_groups=[batch_v1.TaskGroup(task_spec=task, task_count=1)],
            allocation_policy=self._allocation(order.training or Training()),
            labels={name: value[:63] for name, value in labels.items()} | {"fitsense-stage": order.stage},
            logs_policy=batch_v1.LogsPolicy(destination=batch_v1.LogsPolicy.Destination.CLOUD_LOGGING),
        )

    def _environment(self, order: StartStage) -> dict[str, str]:
        settings, training = self.cloud.settings, order.training or Training()
        return environment(order) | {
            "GOOGLE_CLOUD_PROJECT": settings.project,
            "FITSENSE_LOCATION": settings.location,
            "FITSENSE_BUCKET": settings.bucket,
            "FITSENSE_CODE_VERSION": settings.code_version,
            "FITSENSE_RUN_ID": order.data_run or order.run_id,
            "FITSENSE_VERSION": order.run_id,
            "FITSENSE_TRAINING": orjson.dumps(training.model_dump(mode="json")).decode(),
        }

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


def _retried() -> batch_v1.LifecyclePolicy:
    from google.cloud import batch_v1

    policy = batch_v1.LifecyclePolicy
    codes = [EXIT_RETRYABLE, *MACHINE_LOST, *KILLED]
    return policy(action=policy.Action.RETRY_TASK, action_condition=policy.ActionCondition(exit_codes=codes))


def _outcome(job: Any) -> Outcome:
    from google.cloud import batch_v1

    state = batch_v1.JobStatus.State(job.status.state)
    message = next((event.description for event in reversed(job.status.status_events)), "")
    if state == batch_v1.JobStatus.State.SUCCEEDED:
        return Outcome("succeeded", message)
    if state == batch_v1.JobStatus.State.CANCELLED:
        return Outcome("cancelled", message or "cancelled by hand")
    if state == batch_v1.JobStatus.State.FAILED:
        return Outcome("failed", message)
    return Outcome("running", message)
