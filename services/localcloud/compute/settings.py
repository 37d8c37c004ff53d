"""The compute part's settings, and the one place where it reads this machine's environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

HOST_VARIABLES = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "TZ", "SSL_CERT_FILE")
"""What a task inherits from this machine; everything else is as absent as in a container."""


class UnknownImage(LookupError):
    """A container image without an entry in the setting ``images``."""


class Image(BaseModel):
    """How one container image runs here."""

    model_config = ConfigDict(extra="forbid")

    argv: list[str] = Field(min_length=1, description="entry command; the container's arguments follow")
    cwd: str = "."
    env: dict[str, str] = Field(default_factory=dict)
    fork: str | None = Field(default=None, description="module whose main() runs in a forked process")
    preload: list[str] = Field(default_factory=list, description="modules to import beside the common ones")


class Schedule(BaseModel):
    """A tick: either a message to a topic or a POST to a URL (or a path on the local cloud's own port)."""

    model_config = ConfigDict(extra="forbid")

    name: str
    every_s: float = Field(gt=0)
    topic: str = ""
    url: str = ""
    data: str | dict[str, Any] = ""
    attributes: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_target(self) -> Schedule:
        if bool(self.topic) == bool(self.url):
            raise ValueError(f"schedule {self.name!r} needs either a topic or a url")
        return self


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ComputeSettings(BaseModel):
    """From the local cloud's settings file; keys of other parts are theirs."""

    model_config = ConfigDict(extra="ignore")

    images: dict[str, Image] = Field(default_factory=dict)
    preload: list[str] = Field(default_factory=list, description="modules that every fork server imports")
    max_parallel: int = Field(default_factory=_cores, ge=1)
    grace_s: float = Field(default=10.0, ge=0, description="between SIGTERM and SIGKILL")
    retry_backoff_s: float = Field(default=0.1, ge=0, description="doubles with each retry, up to 10 s")
    schedules: list[Schedule] = Field(default_factory=list)

    @classmethod
    def parse(cls, settings: dict[str, Any]) -> ComputeSettings:
        """Raises ValueError that names the setting and what is wrong with it."""
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            raise ValueError(f"settings of the compute part: {error}") from error

    def image(self, name: str) -> Image:
        """The entry of an image, whatever its tag or digest. Raises UnknownImage."""
        found = self.images.get(name) or self.images.get(bare_name(name))
        if found is None:
            known = ", ".join(sorted(self.images)) or "none"
            raise UnknownImage(
                f"image {name!r} is not in the local cloud's setting 'images' (known: {known}); add "
                f'"{bare_name(name)}": {{"argv": [...]}} to it'
            )
        return found


def bare_name(image: str) -> str:
    """``host:5000/a/b:tag@sha256:…`` → ``host:5000/a/b``."""
    path, slash, last = image.partition("@")[0].rpartition("/")
    return path + slash + last.partition(":")[0]


def host_environment() -> dict[str, str]:
    """The few variables a task shares with this machine."""
    return {name: os.environ[name] for name in HOST_VARIABLES if name in os.environ}


def resolved_secrets(secrets: dict[str, str]) -> dict[str, str]:
    """Values of secrets (variable → secret): on this machine, variables of the local cloud itself.

    One that is not set is absent, and the task that needs it says so.
    """
    return {name: os.environ[secret] for name, secret in secrets.items() if secret in os.environ}


def cloud_environment(url: str, project: str) -> dict[str, str]:
    """What a task needs to find this cloud, as Google's machines find theirs without being told."""
    return {
        "GOOGLE_CLOUD_PROJECT": project,
        "STORAGE_EMULATOR_HOST": url,
        "PUBSUB_EMULATOR_HOST": url.removeprefix("http://"),
        "PUBSUB_PROJECT_ID": project,
        "FITSENSE_RUN_ENDPOINT": url,
        "FITSENSE_BATCH_ENDPOINT": url,
    }


def resolved_cwd(image: Image) -> Path:
    return Path(image.cwd).resolve()
