"""Imports run one way: shared <- jobs | gpu-node | services; never sideways between deployables, never up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = {
    "fitsense": ROOT / "shared" / "fitsense",
    "jobs": ROOT / "jobs",
    "services": ROOT / "services",
    "student": ROOT / "gpu-node" / "student",
}
HEAVY = {"torch", "transformers", "trl", "peft", "vllm"}


def imported(folder: Path) -> Iterator[tuple[str, str]]:
    """(file, first part of an imported module's name), imports inside of functions among them."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield str(path.relative_to(ROOT)), node.module.split(".")[0]
            if isinstance(node, ast.Import):
                yield from ((str(path.relative_to(ROOT)), name.name.split(".")[0]) for name in node.names)


@pytest.mark.parametrize("package", FOLDERS)
def test_a_deployable_imports_itself_and_shared_alone(package: str) -> None:
    others = set(FOLDERS) - {package, "fitsense"} | {"tests"}
    wrong = [found for found in imported(FOLDERS[package]) if found[1] in others]
    assert not wrong


@pytest.mark.parametrize("package", [name for name in FOLDERS if name != "student"])
def test_torch_lives_in_the_gpu_node_alone(package: str) -> None:
    wrong = [found for found in imported(FOLDERS[package]) if found[1] in HEAVY]
    assert not wrong
