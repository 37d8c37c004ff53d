"""Makes every Google client, once, on first use; never at import.

The same code on Google Cloud and on one machine: only endpoints and credentials differ. Imports are
inside the properties, since each client library costs 0.1 to 0.3 CPU-seconds to import.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from fitsense.settings import Settings

if TYPE_CHECKING:
    from google.cloud import batch_v1, pubsub_v1, run_v2
    from google.cloud import storage as gcs


class Cloud:
    """Google's clients for one project, location and bucket."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def storage(self) -> gcs.Client:
        from google.cloud import storage

        return storage.Client(project=self.settings.project)

    @cached_property
    def bucket(self) -> gcs.Bucket:
        """The bucket of all artifacts; no request is made for it."""
        return self.storage.bucket(self.settings.bucket)

    @cached_property
    def publisher(self) -> pubsub_v1.PublisherClient:
        """Sends each message at once: events are rare, and 10 ms of batching is a fifth of a hop."""
        from google.cloud import pubsub_v1

        return pubsub_v1.PublisherClient(batch_settings=pubsub_v1.types.BatchSettings(max_messages=1))

    @cached_property
    def subscriber(self) -> pubsub_v1.SubscriberClient:
        from google.cloud import pubsub_v1

        return pubsub_v1.SubscriberClient()

    @cached_property
    def jobs(self) -> run_v2.JobsClient:
        from google.cloud import run_v2

        return run_v2.JobsClient(**self._rest(self.settings.run_endpoint))

    @cached_property
    def executions(self) -> run_v2.ExecutionsClient:
        from google.cloud import run_v2

        return run_v2.ExecutionsClient(**self._rest(self.settings.run_endpoint))

    @cached_property
    def batch(self) -> batch_v1.BatchServiceClient:
        from google.cloud import batch_v1

        return batch_v1.BatchServiceClient(**self._rest(self.settings.batch_endpoint))

    def topic(self, name: str) -> str:
        return f"projects/{self.settings.project}/topics/{name}"

    def subscription(self, name: str) -> str:
        return f"projects/{self.settings.project}/subscriptions/{name}"

    def job(self, stage: str) -> str:
        """The Cloud Run Job of a stage."""
        return f"{self.parent}/jobs/fitsense-{stage.replace('_', '-')}"

    @property
    def parent(self) -> str:
        return f"projects/{self.settings.project}/locations/{self.settings.location}"

    @staticmethod
    def _rest(endpoint: str | None) -> dict[str, Any]:
        """Options of the REST transport; a local endpoint takes no credentials."""
        if endpoint is None:
            return {"transport": "rest"}
        from google.auth.credentials import AnonymousCredentials

        return {
            "transport": "rest",
            "client_options": {"api_endpoint": endpoint},
            "credentials": AnonymousCredentials(),
        }
