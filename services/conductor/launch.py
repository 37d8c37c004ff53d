"""Orders become executions: a Cloud Run Job for data stages, a training backend's job for training."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from fitsense.cloud import Cloud
from fitsense.config import Training
from fitsense.pipeline import StageSpec
from services.conductor.orders import Outcome, Refused, StartStage, environment
from services.conductor.training import TrainingBackend, training_backends


class Launcher:
    """Starts executions and asks after them.

    Raises what Google's clients raise, but Refused where the same order would be refused again.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.backends = training_backends(cloud)

    def start(self, order: StartStage) -> str:
        """The new execution's (or training job's) name; does not wait for it."""
        from google.api_core.exceptions import ClientError, TooManyRequests

        try:
            if order.spec.runner == "batch_gpu":
                return self.backend(order.training).start(order)
            return self._start_run_job(order)
        except TooManyRequests:
            raise
        except ClientError as error:
            hint = "the job, its image or the conductor's rights are not as Terraform makes them"
            raise Refused(f"{order.stage} cannot be started: {error.message}", hint=hint) from error

    def find(self, order: StartStage) -> str | None:
        """An execution that carries the claim's token: started, but never written into the claim."""
        if order.spec.runner == "batch_gpu":
            return self.backend(order.training).find(order)
        for execution in self.cloud.executions.list_executions(parent=self.cloud.job(order.stage)):
            containers = execution.template.containers
            if any(env.value == order.claim.token for c in containers for env in c.env):
                return str(execution.name)
        return None

    def cancel(self, spec: StageSpec, execution: str, training: Training | None = None) -> None:
        """Stop what nobody needs any more; one that has ended or is gone is no error."""
        from google.api_core.exceptions import ClientError

        with suppress(ClientError):
            if spec.runner == "batch_gpu":
                self.backend(training).cancel(execution)
            else:
                self.cloud.executions.cancel_execution(name=execution)

    def outcome(self, spec: StageSpec, execution: str, training: Training | None = None) -> Outcome:
        from google.api_core.exceptions import NotFound

        try:
            if spec.runner == "batch_gpu":
                return self.backend(training).outcome(execution)
            return _run_outcome(self.cloud.executions.get_execution(name=execution))
        except NotFound:
            return Outcome("gone", f"{execution} is not known any more")

    def backend(self, training: Training | None) -> TrainingBackend:
        return self.backends[(training or Training()).backend]

    def _start_run_job(self, order: StartStage) -> str:
        from google.cloud import run_v2

        override = run_v2.RunJobRequest.Overrides.ContainerOverride(
            env=[run_v2.EnvVar(name=name, value=value) for name, value in environment(order).items()]
        )
        request = run_v2.RunJobRequest(
            name=self.cloud.job(order.stage),
            overrides=run_v2.RunJobRequest.Overrides(
                container_overrides=[override], task_count=order.tasks, timeout=f"{order.spec.timeout_s}s"
            ),
        )
        return str(self.cloud.jobs.run_job(request).metadata.name)


def _run_outcome(execution: Any) -> Outcome:
    if not execution.completion_time:
        return Outcome("running")
    message = "; ".join(c.message for c in execution.conditions if c.message)
    if execution.cancelled_count:
        return Outcome("cancelled", message or "cancelled by hand", execution.log_uri)
    good = execution.succeeded_count >= execution.task_count
    return Outcome("succeeded" if good else "failed", message, execution.log_uri)
