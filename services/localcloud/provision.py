"""Makes in the local cloud what Terraform makes in Google's, from the same ``schema/pipelines.yaml``.

``python -m services.localcloud.provision``: bucket, topics, push subscriptions with dead letters,
notifications, Cloud Run Jobs. Run it any number of times.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from google.api_core.exceptions import AlreadyExists, Conflict

from fitsense.cloud import Cloud
from fitsense.pipeline import Pipelines, load_pipelines
from fitsense.settings import Settings

MAX_DELIVERY_ATTEMPTS = 8
ACK_DEADLINE_S = 120
NEVER: dict[str, Any] = {}
"""An expiration policy without a ttl: by default, a subscription that nobody uses for 31 days is deleted."""


def provision(cloud: Cloud, pipelines: Pipelines, front_door: str) -> None:
    """Everything the pipelines need; ``front_door`` is where push subscriptions deliver to."""
    _topics(cloud, pipelines)
    _subscriptions(cloud, pipelines, front_door)
    _bucket(cloud, pipelines)
    _jobs(cloud, pipelines)


def _topics(cloud: Cloud, pipelines: Pipelines) -> None:
    for name, spec in pipelines.topics.items():
        _ensure(cloud.publisher.create_topic, name=cloud.topic(name))
        if spec.dead_letter:
            letters = spec.dead_letter
            _ensure(cloud.publisher.create_topic, name=cloud.topic(letters))
            # Without a subscription, what is published there would be lost.
            kept = {"name": cloud.subscription(letters), "expiration_policy": NEVER}
            request = kept | {"topic": cloud.topic(letters)}
            if not _ensure(cloud.subscriber.create_subscription, request=request):
                changed = {"subscription": kept, "update_mask": {"paths": ["expiration_policy"]}}
                cloud.subscriber.update_subscription(request=changed)


def _subscriptions(cloud: Cloud, pipelines: Pipelines, front_door: str) -> None:
    for name, spec in pipelines.topics.items():
        if spec.push is None:
            continue
        # functions-framework takes the topic out of this path: it must end in /projects/P/topics/T
        endpoint = f"{front_door}{spec.push}/{cloud.topic(name)}"
        subscription = cloud.subscription(f"{name}-{spec.push.strip('/')}")
        push_config = {"push_endpoint": endpoint, "oidc_token": _identity(cloud.settings)}
        request: dict[str, Any] = {
            "name": subscription,
            "topic": cloud.topic(name),
            "push_config": push_config,
            "ack_deadline_seconds": ACK_DEADLINE_S,
            "expiration_policy": NEVER,
            "retry_policy": {"minimum_backoff": {"nanos": 200_000_000}, "maximum_backoff": {"seconds": 10}},
        }
        if spec.dead_letter:
            request["dead_letter_policy"] = {
                "dead_letter_topic": cloud.topic(spec.dead_letter),
                "max_delivery_attempts": MAX_DELIVERY_ATTEMPTS,
            }
        if not _ensure(cloud.subscriber.create_subscription, request=request):
            push = {"subscription": subscription, "push_config": push_config}
            cloud.subscriber.modify_push_config(request=push)


def _identity(settings: Settings) -> dict[str, str]:
    """What a push proves itself with, and the services pushed to insist on."""
    return {"service_account_email": settings.push_account, "audience": settings.push_audience}


def _bucket(cloud: Cloud, pipelines: Pipelines) -> None:
    bucket = cloud.bucket
    _ensure(cloud.storage.create_bucket, bucket)
    # By top folder: a bucket has at most 10 configs for one type of event.
    wanted = {"configs/"} | {spec.artifact.split("/")[0] + "/" for spec in pipelines.stages.values()}
    there = [found for found in bucket.list_notifications() if found.topic_name == "artifacts"]
    for notification in there:
        if notification.blob_name_prefix not in wanted:
            notification.delete()
    for prefix in sorted(wanted - {notification.blob_name_prefix for notification in there}):
        bucket.notification(
            topic_name="artifacts",
            topic_project=cloud.settings.project,
            event_types=["OBJECT_FINALIZE"],
            blob_name_prefix=prefix,
            payload_format="NONE",
        ).create()


def _jobs(cloud: Cloud, pipelines: Pipelines) -> None:
    from google.cloud import run_v2

    settings = cloud.settings
    common = {"FITSENSE_LOCATION": settings.location, "FITSENSE_BUCKET": settings.bucket}
    common |= {"FITSENSE_CODE_VERSION": settings.code_version}
    for stage, spec in pipelines.stages.items():
        if spec.runner != "run_job":
            continue
        container = run_v2.Container(
            image="jobs",
            args=[stage],
            env=[run_v2.EnvVar(name=key, value=value) for key, value in common.items()]
            + [_secret_variable(name) for name in spec.secrets],
            resources=run_v2.ResourceRequirements(limits={"cpu": spec.cpu, "memory": spec.memory}),
        )
        task = run_v2.TaskTemplate(
            containers=[container], max_retries=spec.max_retries, timeout=f"{spec.timeout_s}s"
        )
        job = run_v2.Job(template=run_v2.ExecutionTemplate(template=task))
        parent, _, job_id = cloud.job(stage).partition("/jobs/")
        request = run_v2.CreateJobRequest(parent=parent, job_id=job_id, job=job)
        if not _ensure(cloud.jobs.create_job, request):
            job.name = cloud.job(stage)
            cloud.jobs.update_job(job=job)


def _secret_variable(name: str) -> Any:
    from google.cloud import run_v2

    selector = run_v2.SecretKeySelector(secret=name, version="latest")
    return run_v2.EnvVar(name=name, value_source=run_v2.EnvVarSource(secret_key_ref=selector))


def _ensure(create: Callable[..., Any], *arguments: Any, **options: Any) -> bool:
    """True when it was made now, False when it was there."""
    with suppress(AlreadyExists, Conflict):
        create(*arguments, **options)
        return True
    return False


def main() -> None:
    settings = Settings.from_env()
    if settings.run_endpoint is None:
        raise SystemExit("FITSENSE_RUN_ENDPOINT is not set: this is for the local cloud, never for Google's")
    provision(Cloud(settings), load_pipelines(settings.schema_dir), settings.run_endpoint)


if __name__ == "__main__":
    main()
