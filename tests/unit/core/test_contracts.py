"""The contracts hold together: graphs, generated schemas, imports, the two readers of YAML."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from fitsense import schemas
from fitsense.errors import Misconfigured
from fitsense.pipeline import Pipelines, load_pipelines
from tests.cloud import ROOT

ALLOWED = {
    "shared/fitsense": {"fitsense"},
    "jobs": {"fitsense", "jobs"},
    "services": {"fitsense", "services"},
}
OURS = {"fitsense", "jobs", "services", "tests"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize("folder", ALLOWED)
def test_imports_run_one_way(folder: str) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    for path in files:
        first = {name.split(".")[0] for name in imports(path)} & OURS
        assert first <= ALLOWED[folder], f"{path} imports {first - ALLOWED[folder]}"


def test_services_do_not_import_each_other() -> None:
    for path in (ROOT / "services").rglob("*.py"):
        own = path.relative_to(ROOT / "services").parts[0]
        others = {n.split(".")[1] for n in imports(path) if n.startswith("services.")} - {own}
        assert not others, f"{path} imports {others}"


@pytest.mark.parametrize("package", ["training", "simulation", "prompting"])
def test_the_engine_is_pure(package: str) -> None:
    forbidden = {"os", "time", "requests", "google", "socket", "subprocess", "aiohttp", "secrets", "uuid"}
    unseeded = re.compile(r"import random|from random import (?!Random\b)|default_rng\(\)|Random\(\)")
    for path in (ROOT / "shared" / "fitsense" / package).rglob("*.py"):
        used = {name.split(".")[0] for name in imports(path)} & forbidden
        assert not used, f"{path} imports {used}"
        assert not unseeded.search(path.read_text()), f"{path} draws without a seed"


def test_only_settings_and_the_command_line_read_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for folder in ("shared", "jobs", "services/conductor")
        for path in (ROOT / folder).rglob("*.py")
        if "os.environ" in path.read_text() or "os.getenv" in path.read_text()
    }
    assert readers <= {
        "shared/fitsense/settings.py",
        "shared/fitsense/terminal.py",
        "shared/fitsense/local.py",
    }


def test_generated_schemas_are_true() -> None:
    folder = ROOT / "schema" / "json"
    written = {path.name: path.read_bytes() for path in folder.glob("*.schema.json")}
    assert written == schemas.documents(), "run `make schema`"


def test_every_stage_of_every_pipeline_has_a_module_or_a_batch_image() -> None:
    pipelines = load_pipelines()
    for name in pipelines.pipelines:
        graph = pipelines.graph(name)
        for stage in graph.order:
            module = ROOT / "jobs" / stage / "__init__.py"
            assert graph.spec(stage).runner == "batch_gpu" or module.exists(), stage


def test_stages_run_after_what_they_read() -> None:
    graph = load_pipelines().graph("coaching")
    for stage in graph.order:
        assert all(graph.order.index(read) < graph.order.index(stage) for read in graph.inputs[stage])
    assert graph.upstream("dataset") == {"profiles", "workouts", "queries", "teacher"}


def _pipelines(graph: dict[str, list[str]]) -> Pipelines:
    spec = load_pipelines().stages["profiles"].model_dump()
    return Pipelines.model_validate(
        {"version": 1, "stages": {"a": spec, "b": spec}, "pipelines": {"p": graph}, "topics": {}}
    )


@pytest.mark.parametrize("graph", [{"a": ["b"], "b": ["a"]}, {"a": ["c"]}, {"c": []}, {"b": ["a"]}])
def test_a_graph_that_is_none_is_refused(graph: dict[str, list[str]]) -> None:
    with pytest.raises(Misconfigured):
        _pipelines(graph).graph("p")


def test_an_unknown_key_in_the_stage_file_is_refused() -> None:
    value = yaml.safe_load((ROOT / "schema" / "pipelines.yaml").read_text())
    value["stages"]["profiles"]["memroy"] = "1Gi"
    with pytest.raises(ValidationError, match="memroy"):
        Pipelines.model_validate(value)


@pytest.mark.parametrize("path", sorted((ROOT / "schema").rglob("*.yaml")), ids=lambda path: path.name)
def test_yaml_says_the_same_to_a_reader_of_1_1_and_of_1_2(path: Path) -> None:
    """PyYAML reads `on`, `1:30` and `010` in the ways of YAML 1.1; Terraform's reader does not."""
    text = path.read_text()
    assert _typed(yaml.compose(text)) == _typed(yaml.compose(text, Loader=_Core12))


class _Core12(yaml.SafeLoader):
    """Resolves plain scalars as YAML 1.2's core schema does."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, object]]] = {}  # noqa: RUF012


def _add_core_schema() -> None:
    rules = [
        ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
        ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
        ("tag:yaml.org,2002:int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
        (
            "tag:yaml.org,2002:float",
            r"^(?:[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+)$",
            "-+0123456789.",
        ),
    ]
    for tag, pattern, first in rules:
        _Core12.add_implicit_resolver(tag, re.compile(pattern), list(first))


_add_core_schema()


def _typed(node: yaml.Node | None) -> object:
    if isinstance(node, yaml.MappingNode):
        return [(_typed(key), _typed(value)) for key, value in node.value]
    if isinstance(node, yaml.SequenceNode):
        return [_typed(item) for item in node.value]
    return None if node is None else (_plain(node.tag), node.value)


def _plain(tag: str) -> str:
    """A date is text to a reader of 1.2; FitSense takes it as text or date alike."""
    return tag.replace("timestamp", "str")
