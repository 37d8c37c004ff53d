"""``python -m services.localcloud --state DIR [--port N] [--settings FILE] [--parts a,b] [--ready FILE]``."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import orjson

from fitsense.telemetry import configure_logging
from services.localcloud.component import Context
from services.localcloud.faults import Faults
from services.localcloud.server import PARTS, serve


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="localcloud", description="Google Cloud on loopback, for development."
    )
    parser.add_argument("--state", type=Path, required=True, help="folder for all durable state")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--project", default="fitsense-local")
    parser.add_argument("--location", default="local")
    parser.add_argument("--settings", type=Path, help="JSON: images, services, schedules")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--ready", type=Path, help="file to write the URL to, once calls are accepted")
    arguments = parser.parse_args()
    configure_logging("localcloud")
    arguments.state.mkdir(parents=True, exist_ok=True)
    context = Context(
        state=arguments.state.resolve(),
        project=arguments.project,
        location=arguments.location,
        faults=Faults(),
        port=arguments.port,
        settings=orjson.loads(arguments.settings.read_bytes()) if arguments.settings else {},
    )
    asyncio.run(serve(context, arguments.parts.split(","), arguments.ready))


if __name__ == "__main__":
    main()
