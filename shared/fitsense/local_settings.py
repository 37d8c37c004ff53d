"""What the local cloud's processes are told, and which code they run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson

PROJECT = "fitsense-local"
LOCATION = "local"
BUCKET = "fitsense-local"

PRELOAD = [
    "google.cloud.storage",
    "google.cloud.pubsub_v1",
    "numpy",
    "polars",
    "pydantic",
    "structlog",
    "yaml",
    "orjson",
    "jobs.runner",
    "jobs.workouts",
    "jobs.dataset",
    "jobs.teacher.rules",
    "fitsense.events",
]
"""Imported once by the fork server instead of by every task: 0.5 CPU-seconds saved each."""

STUDENT = "student"
"""The agent that serves models: its process, its place behind the front door, and the alias it answers to."""
STUDENT_DRAIN_S = "5"
"""What is in flight when it is told to stop gets so long; the supervisor kills after 10 s."""
GPU_NODE_ENV = {"OMP_WAIT_POLICY": "passive", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
"""Waiting OpenMP threads give their cores away: spinning ones halve the speed beside other processes."""


def client_environment(url: str) -> dict[str, str]:
    """The variables that point FitSense and any Google client at the cloud at ``url``."""
    return {
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "FITSENSE_LOCATION": LOCATION,
        "FITSENSE_BUCKET": BUCKET,
        "FITSENSE_RUN_ENDPOINT": url,
        "FITSENSE_BATCH_ENDPOINT": url,
        "STORAGE_EMULATOR_HOST": url,
        "PUBSUB_EMULATOR_HOST": url.removeprefix("http://"),
        "FITSENSE_PUSH_AUDIENCE": "fitsense-conductor",
        "FITSENSE_PUSH_ACCOUNT": f"pubsub-push@{PROJECT}.iam.gserviceaccount.com",
        "FITSENSE_OIDC_CERTS_URL": f"{url}/_localcloud/oidc/certs",
        "FITSENSE_STUDENT_URL": f"{url}/student/v1",
        "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA": "true",
    }


def gcloud_environment(url: str, home: Path) -> dict[str, str]:
    """The same for gcloud, which has names of its own; the trailing slashes are needed."""
    return {
        "CLOUDSDK_CORE_PROJECT": PROJECT,
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{url}/storage/v1/",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB": f"{url}/",
        "CLOUDSDK_CONFIG": str(home / "gcloud"),
    }


def cloud_settings(root: Path, sockets: Path, gpu_configs: str = "") -> dict[str, Any]:
    """The local cloud's own: images, services behind the front door, ticks.

    ``gpu_configs`` is a folder of recipes to train by instead of ``gpu-node/configs``.
    """
    return {
        "images": {
            "jobs": {
                "argv": [sys.executable, "-m", "jobs"],
                "cwd": str(root),
                "env": {"OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "2"},
                "fork": "jobs.__main__",
                "preload": PRELOAD,
            },
            "gpu-node": gpu_node(root, gpu_configs),
        },
        # More tasks than cores: one that waits for the bucket leaves its core to another.
        "max_parallel": 2 * (os.cpu_count() or 1),
        "services": [
            {"name": name, "prefix": f"/{name}/", "upstream": f"unix:{sockets / name}.sock", "strip": True}
            for name in ("conductor", STUDENT)
        ],
        "schedules": [{"name": "tick", "every_s": 2.0, "topic": "ticks", "data": "{}"}],
    }


def gpu_node(root: Path, configs: str = "") -> dict[str, Any]:
    """The GPU node's image: its own interpreter, a child process; the job's command follows."""
    chosen = {"FITSENSE_GPU_CONFIGS": configs} if configs else {}
    return {
        "argv": [str(gpu_python(root)), "-m", "student"],
        "cwd": str(root / "gpu-node"),
        "env": GPU_NODE_ENV | chosen,
    }


def gpu_python(root: Path) -> Path:
    return root / "gpu-node" / ".venv" / "bin" / "python"


def gpu_node_ready(root: Path) -> bool:
    """Whether the GPU node's environment has been made, to its end."""
    return (root / "gpu-node" / ".venv" / "ready").exists()


def cloud_command(home: Path, url: str, ready: Path) -> list[str]:
    port = url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "services.localcloud", "--state", str(home / "cloud"), "--port", port]
    command += ["--project", PROJECT, "--location", LOCATION]
    return [*command, "--settings", str(home / "cloud.json"), "--ready", str(ready)]


def conductor_command(sockets: Path) -> list[str]:
    command = [sys.executable, "-m", "gunicorn", "services.conductor.app:create_app()"]
    command += ["--bind", f"unix:{sockets / 'conductor.sock'}", "--worker-class", "gthread"]
    command += ["--threads", "8", "--timeout", "120", "--graceful-timeout", "5"]
    # gunicorn would put one for all checkouts into the home folder
    return [*command, "--no-control-socket"]


def student_command(root: Path, sockets: Path) -> list[str]:
    return [str(gpu_python(root)), "-m", "student", "agent", "--socket", str(sockets / f"{STUDENT}.sock")]


def code_version(root: Path) -> str:
    """The commit, with ``+dirty`` when the tree differs from it; ``unknown`` outside of git."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=+dirty", "--abbrev=12", "--match="]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"


def commit(version: str) -> str:
    """The commit in a code version."""
    return version.removesuffix("+dirty")


def edited_since(root: Path, moment: float) -> bool:
    """Whether code that the services hold in memory was written after ``moment`` (seconds of the epoch).

    ``jobs/`` and ``gpu-node/`` are not looked at: the fork server itself imports what was edited anew, a
    training is a process of its own, and to load a model again takes longer than it is worth.
    """
    return any(
        path.stat().st_mtime > moment
        for folder in ("services", "shared", "schema")
        for pattern in ("*.py", "*.yaml")
        for path in (root / folder).rglob(pattern)
    )


def read_json(path: Path) -> Any:
    """None for a file that is absent or torn."""
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None


def write_json(path: Path, value: Any) -> None:
    partial = path.with_suffix(".partial")
    partial.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
    partial.rename(path)


def tail(path: Path, characters: int = 2000) -> str:
    return path.read_text(errors="replace")[-characters:] if path.exists() else ""
