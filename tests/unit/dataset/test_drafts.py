from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from fitsense.records import DatasetRecord
from jobs.dataset.drafts import Texts, in_cluster, packed, record_line, unpacked
from tests.factories import responses


def drafted(**changes: Any) -> tuple[bytes, dict[str, Any]]:
    row = next(row for row in responses(20, seed=3) if row["rejected"] is None) | changes
    texts = Texts('my "cluster":"q99999999-99" ?', "context", '{"message":"\\"cluster\\":\\"q\\""}')
    return record_line(row, texts), row


def test_a_draft_is_a_record_alone_in_its_cluster() -> None:
    line, row = drafted()
    record = DatasetRecord.model_validate_json(line)
    assert record.metadata["cluster"] == record.id == row["query"]["query_id"]


def test_only_the_cluster_changes_whatever_the_texts_say() -> None:
    for model in ("rules", 'x","cluster":"q88888888-88', '"cluster":"', "\\"):
        line, _ = drafted(model=model)
        expected = orjson.loads(line)
        expected["metadata"]["cluster"] = "q12345678-09"
        assert orjson.loads(in_cluster(line, "q12345678-09")) == expected


def test_frames_one_after_another_give_all_lines(tmp_path: Path) -> None:
    lines = [b"a\n", "é\u2028\x85\n".encode(), b"x" * 3_000_000 + b"\n", b"\n", b"last\n"]
    path = tmp_path / "drafts"
    path.write_bytes(b"".join(packed(lines[k : k + 2]) for k in range(0, 5, 2)) + packed([]))
    assert list(unpacked(path)) == lines
    path.write_bytes(b"")
    assert list(unpacked(path)) == []
