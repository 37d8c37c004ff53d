"""The sentences of ``reasons/adapt.yaml``: complete, used, short."""

from __future__ import annotations

import re

import pytest
import yaml

from fitsense.settings import DEFAULT_SCHEMA_DIR

SENTENCES = yaml.safe_load((DEFAULT_SCHEMA_DIR / "catalog/reasons/adapt.yaml").read_text(encoding="utf-8"))
ENGINE = DEFAULT_SCHEMA_DIR.parent / "shared/fitsense/training"
CODE = "".join(path.read_text(encoding="utf-8") for path in sorted(ENGINE.rglob("*.py")))
BUILT = {f"adapt.{one}" for one in ("log_future", "log_repeated")}
BUILT |= {f"adapt.stall_{one}" for one in ("hold", "lower", "deload", "vary")}


def test_every_key_of_the_code_has_a_sentence_and_every_sentence_is_used() -> None:
    named = set(re.findall(r'"(adapt\.[a-z_]+)"', CODE))
    assert named | BUILT == set(SENTENCES)


@pytest.mark.parametrize("key", sorted(SENTENCES))
def test_a_reason_is_one_short_sentence_in_each_language(key: str) -> None:
    texts = SENTENCES[key]
    assert set(texts) == {"en", "es", "hi"}
    for text in texts.values():
        assert text.endswith((".", "।"))
        assert len(text.split()) <= 32
    assert len(re.findall(r"[.!?](?:\s|$)", texts["en"])) == 1
