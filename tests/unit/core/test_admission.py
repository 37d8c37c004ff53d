"""What a config may be, and what the answer says when it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fitsense.admission import MAX_BYTES, check_name, parse_config
from fitsense.config import RunConfig, params_sha256
from fitsense.errors import BadConfig, Problem
from tests.cloud import ROOT

GOOD = "version: 1\npipeline: coaching\nseed: 1\nprofiles: {users: 100}\n"
SAMPLES = sorted((ROOT / "schema" / "configs").glob("*.yaml"))


def problems(text: str | bytes) -> list[Problem]:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(BadConfig) as caught:
        parse_config(data)
    return caught.value.problems


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_admitted(path: Path) -> None:
    check_name(path.name, path.stat().st_size)
    assert parse_config(path.read_bytes()).version == 1


def test_defaults_are_filled_in_and_survive_a_round_trip() -> None:
    config = parse_config(GOOD.encode())
    dump = yaml.safe_dump(config.model_dump(mode="json")).encode()
    assert parse_config(dump) == config
    assert config.workouts.weeks == 12


@pytest.mark.parametrize(
    ("text", "path", "message", "allowed"),
    [
        (b"\xff\xfe\x00", "(file)", "not UTF-8", "UTF-8"),
        ("a: [1, 2", "line 1, column 9", "not YAML", "YAML"),
        ("- 1\n- 2\n", "(file)", "a list, not a mapping", "key: value"),
        ("", "(file)", "NoneType", "key: value"),
        (GOOD + "seed: 2\n", "line 5, column 1", "stands twice", "YAML"),
        (GOOD + "1: 2\n", "line 5, column 1", "not text", "YAML"),
        ("a: &a [x]\nb: [*a, *a]\n", "(file)", "aliases", "write the value out"),
        ("x: !!python/object/apply:os.system [ls]\n", "line 1, column 4", "constructor", "YAML"),
        (GOOD.replace("seed: 1", 'seed: !!int ""'), "(file)", "not YAML", "YAML"),
        (GOOD.replace("seed: 1", "seed: !!bool maybe"), "(file)", "not YAML", "YAML"),
        (GOOD.replace("seed: 1", "seed: !!timestamp x"), "(file)", "not YAML", "YAML"),
        (GOOD + "sede: 2\n", "sede", "unknown key", "seed"),
        (GOOD.replace("users: 100", "users: 100, wekks: 2"), "profiles.wekks", "unknown key", "part_users"),
        (GOOD.replace("users: 100", "users: many"), "profiles.users", "many", "a whole number"),
        (GOOD.replace("users: 100", "users: 3"), "profiles.users", "3", ">= 10"),
        (GOOD.replace("seed: 1", "seed: on"), "seed", "True", "a whole number"),
        (GOOD.replace("coaching", "cooking"), "pipeline", "cooking", "coaching"),
        (GOOD.replace("seed: 1\n", ""), "seed", "missing", ""),
        (GOOD + "teacher: {kind: gpt}\n", "teacher", "gpt", "openai_compatible"),
        (GOOD + "teacher: {kind: rules, model: x}\n", "teacher.model", "unknown key", "one of: kind"),
        (GOOD + "workouts: {start: soon}\n", "workouts.start", "soon", "a date"),
        (GOOD + "dataset: {splits: {train: 0.9}}\n", "dataset.splits", "sum to 1", ""),
    ],
)
def test_each_mistake_is_named_with_its_place_and_what_is_allowed(
    text: str | bytes, path: str, message: str, allowed: str
) -> None:
    found = problems(text)
    assert any(p.path == path and message in p.message and allowed in p.allowed for p in found), found


def test_all_mistakes_are_told_at_once() -> None:
    found = problems(GOOD.replace("seed: 1", "seed: x") + "foo: 1\nworkouts: {weeks: 0}\n")
    assert {p.path for p in found} == {"seed", "foo", "workouts.weeks"}


def test_anchors_that_would_explode_are_refused_before_they_are_expanded() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert "aliases" in problems("\n".join(levels))[0].message


def test_deep_nesting_is_refused_before_it_is_scanned() -> None:
    assert "nested deeper" in problems("[" * 200_000)[0].message


@pytest.mark.parametrize(
    "name", ["Upper.yaml", "a--b.yaml", "x.yml", "sub/x.yaml", "ü.yaml", "-a.yaml", ".yaml"]
)
def test_names_that_cannot_name_a_run(name: str) -> None:
    with pytest.raises(BadConfig):
        check_name(name, 10)


def test_a_file_that_is_too_large_is_refused_by_its_size_alone() -> None:
    check_name("ok.yaml", MAX_BYTES)
    with pytest.raises(BadConfig, match="too many"):
        check_name("ok.yaml", MAX_BYTES + 1)


def test_sharding_is_no_parameter_of_any_stage() -> None:
    one = parse_config((GOOD + "execution: {tasks: {teacher: 1}}\n").encode())
    seven = parse_config((GOOD + "execution: {tasks: {teacher: 7}}\n").encode())
    stages = [
        s for s in RunConfig.model_fields if s in ("profiles", "workouts", "queries", "teacher", "dataset")
    ]
    assert one != seven
    assert [params_sha256(one.params(s), 1) for s in stages] == [
        params_sha256(seven.params(s), 1) for s in stages
    ]


def test_the_seed_is_a_parameter_of_every_stage() -> None:
    config = parse_config(GOOD.encode())
    assert params_sha256(config.profiles, 1) != params_sha256(config.profiles, 2)
