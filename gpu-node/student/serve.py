"""``student serve``: one base and its adapters by vLLM, from folders. What the agent does by itself, by hand.

::

    python -m student serve BASE [--adapter NAME=FOLDER ...] [--name base] [--port 8000] [--sequences 3]
"""

from __future__ import annotations

import argparse
import signal
import time
from pathlib import Path

import structlog

from fitsense.errors import EXIT_PERMANENT, FitSenseError
from fitsense.telemetry import configure_logging
from student.serving.engine import Engine
from student.serving.options import EngineOptions

log = structlog.get_logger(__name__)
READY_S = 600.0


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM, then 0; 65 when nothing can be served, or the engine's end came by itself."""
    configure_logging("student-serve")
    options = _parser().parse_args(arguments)
    if not (options.base / "config.json").exists():
        log.error("serve.no_model", folder=str(options.base), hint="a folder in the form of transformers")
        return EXIT_PERMANENT
    signal.signal(signal.SIGTERM, _stopped)
    begun = time.monotonic()
    engine = Engine.start(
        options.base,
        dict(options.adapter),
        name=options.name,
        port=options.port,
        log_path=options.log,
        options=EngineOptions(max_num_seqs=options.sequences, max_model_len=options.max_model_len),
    )
    try:
        engine.wait_ready(READY_S)
        log.info("serve.ready", url=f"{engine.url}/v1", models=engine.models(),
                 seconds=round(time.monotonic() - begun, 2))  # fmt: skip
        return _until_it_ends(engine)
    except FitSenseError as error:
        log.error("serve.failed", reason=error.message, log=str(engine.log_path))
        return EXIT_PERMANENT
    except KeyboardInterrupt:
        return 0
    finally:
        engine.stop()


def _until_it_ends(engine: Engine) -> int:
    while engine.alive:
        time.sleep(0.2)
    log.error("serve.engine_died", words=engine.last_words())
    return EXIT_PERMANENT


def _stopped(*_: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="student serve")
    parser.add_argument("base", type=Path, help="folder of the base model, or of full weights")
    parser.add_argument("--adapter", type=_named, action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--name", default="base", help="what the base is called")
    parser.add_argument("--port", type=int, default=8000, help="0 is a free one")
    parser.add_argument("--sequences", type=int, default=3, help="answers that are written at once")
    parser.add_argument("--max-model-len", type=int, default=None, help="tokens; the model's own if left out")
    parser.add_argument("--log", type=Path, default=None, help="vLLM's own log; a temporary file if left out")
    return parser


def _named(text: str) -> tuple[str, Path]:
    name, separator, folder = text.partition("=")
    if not (separator and name and (Path(folder) / "adapter_config.json").exists()):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FOLDER of a PEFT adapter")
    return name, Path(folder)
