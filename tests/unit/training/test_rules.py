"""The published rules by id, and that nothing names a rule that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from fitsense.errors import Misconfigured
from fitsense.settings import DEFAULT_SCHEMA_DIR
from fitsense.training.rules import rules

ROOT = Path(__file__).parents[3]
# An area's letter, then two digits, or the name of a population, a condition or a flag.
NAMED = re.compile(
    r"(?<![\w-])((?:P|F|G|I|W|T|E|R|M|V|D|S|O|N|A|Q)-\d{2}|C-(?:65|[A-Z]{3,}\d?(?:-STOP)?)|X-[A-Z]{2,})(?![\w-])"
)
FOLDERS = ("shared/fitsense", "schema/catalog", "jobs")
KNOWN_COUNT = 91


def named_rules() -> dict[str, str]:
    """Rule id → a file that names it."""
    found: dict[str, str] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".yaml", ".yml", ".csv", ".json"}:
                text = path.read_text(encoding="utf-8")
                found |= {rule_id: str(path.relative_to(ROOT)) for rule_id in NAMED.findall(text)}
    return found


def test_every_published_rule_is_there() -> None:
    assert len(rules()) == KNOWN_COUNT


def test_every_rule_that_is_named_exists() -> None:
    unknown = {rule_id: path for rule_id, path in named_rules().items() if rule_id not in rules()}
    assert unknown == {}


def test_titles_are_short() -> None:
    long = [rule.id for rule in rules().values() for title in rule.title.values() if len(title) > 40]
    assert long == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"P-99": {"title": {"en": "x"}}}, "P-99: has the keys"),
        ({"rule 1": None}, "rule 1: is not an id"),
        ({"P-01": {"evidence": "Z"}}, "P-01: has the evidence 'Z'"),
        ({"P-01": {"title": {"en": "only English"}}}, "P-01: needs a title in en, es, hi"),
        ({"P-01": {"statement": " "}}, "P-01: has an empty text"),
    ],
)
def test_bad_row_is_refused_by_name(
    change: dict[str, dict[str, object] | None], said: str, tmp_path: Path
) -> None:
    rows = yaml.safe_load((DEFAULT_SCHEMA_DIR / "catalog" / "rules.yaml").read_text(encoding="utf-8"))
    for rule_id, fields in change.items():
        rows[rule_id] = {**rows.get(rule_id, {}), **fields} if fields is not None else rows["P-01"]
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "rules.yaml").write_text(yaml.safe_dump(rows), encoding="utf-8")
    with pytest.raises(Misconfigured, match=re.escape(said)):
        rules(tmp_path)
