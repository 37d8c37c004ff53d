"""The measuring half of ``tests.bench.serving``: runs on the GPU node's interpreter, prints one JSON object.

A model of ``fitsense-tiny``'s shape with random weights and a LoRA of rank 16: speed does not depend on what
the weights say, as long as every answer has the same length.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import psutil
import requests
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from student.serving.engine import Engine
from student.serving.server import IMPORTED
from tests.cloud import CloudProcess
from tests.gpu import parrot
from tests.gpu.agents import MESSAGES, AgentProcess, World

STARTS = 3
TOKENS = 128
SECONDS = 8.0
CLIENTS = (1, 3, 10)
ROLL_BACKS = 10


def make_model(home: Path) -> tuple[Path, Path]:
    """Folders of the base and of the adapter."""
    torch.manual_seed(0)
    tokenizer = parrot.make_tokenizer()
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=2048, hidden_size=192, intermediate_size=512, num_hidden_layers=4,
            num_attention_heads=4, num_key_value_heads=2, head_dim=64, max_position_embeddings=2048,
            tie_word_embeddings=True, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        )
    )  # fmt: skip
    model.save_pretrained(home / "base")
    tokenizer.save_pretrained(home / "base")
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    get_peft_model(model, config).save_pretrained(home / "adapter")
    return home / "base", home / "adapter"


def starts(base: Path, adapter: Path) -> dict[str, float]:
    """From the command to the first healthy answer, and the CPU time of all its processes."""
    seconds, cpu = [], []
    for _ in range(STARTS):
        begun = time.monotonic()
        command = [sys.executable, "-m", "student", "serve", str(base), "--adapter", f"v1={adapter}"]
        with subprocess.Popen([*command, "--port", "0"], stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            assert any(b"serve.ready" in line for line in process.stderr), "it did not start"
            seconds.append(time.monotonic() - begun)
            cpu.append(_cpu_s(process.pid))
            process.terminate()
            process.stderr.read()
    return {"start_s": statistics.median(seconds), "start_cpu_s": statistics.median(cpu)}


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process and all that it has started."""
    first = psutil.Process(pid)
    used = [process.cpu_times() for process in (first, *first.children(recursive=True))]
    return sum(times.user + times.system for times in used)


def spare_start(base: Path, adapter: Path) -> tuple[Engine, float]:
    """An engine that had done its imports, and the seconds until it served after that."""
    engine = Engine.spare()
    while IMPORTED.encode() not in engine.log_path.read_bytes():
        assert engine.alive, engine.last_words()
        time.sleep(0.05)
    begun = time.monotonic()
    engine.launch(base, {"v1": adapter})
    engine.wait_ready()
    return engine, time.monotonic() - begun


async def load(url: str, clients: int) -> dict[str, float]:
    """Streams of TOKENS tokens, one after another from each client, for SECONDS."""
    firsts: list[float] = []
    tokens = 0
    begun = time.monotonic()

    async def client(session: aiohttp.ClientSession) -> None:
        nonlocal tokens
        while time.monotonic() - begun < SECONDS:
            sent, first = time.monotonic(), 0.0
            async with session.post(f"{url}/v1/chat/completions", json=_body()) as answer:
                async for line in answer.content:
                    if line.startswith(b"data: {"):
                        first = first or time.monotonic() - sent
            firsts.append(first)
            tokens += TOKENS

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    rate = tokens / (time.monotonic() - begun)
    return {"ttft_ms": 1000 * statistics.median(firsts), "tokens_per_s": rate}


def _body() -> dict[str, Any]:
    return {"model": "v1", "messages": MESSAGES, "max_tokens": TOKENS, "ignore_eos": True, "stream": True}


def roll_backs(home: Path) -> list[float]:
    """Milliseconds from a roll-back in the bucket to an answer of the version before."""
    process = CloudProcess(home / "cloud").start()
    try:
        world = World(process, home)
        folder = parrot.make_base(home / "parrot")
        base = world.land_base("lab/parrot", folder)
        adapter = parrot.make_adapter(folder, home / "parrot-adapter")
        for version in ("v1", "v2"):
            world.land(version, base, adapter)
        world.promote("v1")
        agent = AgentProcess(world, "bench", FITSENSE_FOLLOW_S="2")
        try:
            agent.await_version("v1")
            return [_roll_back(world, agent) for _ in range(ROLL_BACKS)]
        finally:
            agent.stop()
    finally:
        process.stop()


def _roll_back(world: World, agent: AgentProcess) -> float:
    world.tell(world.promote("v2"))
    agent.await_version("v2")
    now = world.roll_back()
    begun = time.monotonic()
    world.tell(now)
    with requests.Session() as session:
        body: Any = {"model": "student", "messages": MESSAGES, "max_tokens": 1}
        while session.post(f"{agent.url}/v1/chat/completions", json=body).json()["model"] != "v1":
            pass
    return 1000 * (time.monotonic() - begun)


def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="fitsense-bench-serving-"))
    base, adapter = make_model(home)
    found: dict[str, Any] = starts(base, adapter)
    engine, found["spare_s"] = spare_start(base, adapter)
    with engine:
        asyncio.run(load(engine.url, 1))  # warms up
        found["load"] = {clients: asyncio.run(load(engine.url, clients)) for clients in CLIENTS}
    found["roll_backs_ms"] = roll_backs(home)
    sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS) + b"\n")


if __name__ == "__main__":
    main()
