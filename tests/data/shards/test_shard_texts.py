"""Texts in shards: in memory where they are few, else read when they are asked for; and the same both ways."""

from __future__ import annotations

import json
from pathlib import Path

import polars
import pytest

from contrapose.data import kind_of
from contrapose.data.tables import sources
from contrapose.data.texts import members as tar_texts
from contrapose.data.texts import open_texts
from contrapose.errors import ArgumentError, DataError

TEXTS = [f"this is text number {row}, à la carte\n" + "and so on " * (row % 7) for row in range(30)]


@pytest.fixture(params=["held", "read when asked for"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param != "held":
        monkeypatch.setattr(tar_texts, "HELD_AT_MOST", 0)
        monkeypatch.setattr(sources, "LARGE", 0)
    return request.param


def test_text_members(make_tar, tmp_path: Path, way: str) -> None:
    for number in range(3):
        members = {}
        for row in range(number * 10, number * 10 + 10):
            members[f"{row:03d}.txt"] = TEXTS[row].encode()
            members[f"{row:03d}.cls"] = ("pos", "neg")[row % 2].encode()
        make_tar(f"shards/t-{number}.tar", members)
    make_tar("shards/t-3.tar", {"blank.txt": b" \n", "none.cls": b"pos", "last.txt": b"caf\xe9 no UTF-8"})
    found = open_texts(tmp_path / "shards")
    assert list(found.texts) == [*TEXTS, "caf\ufffd no UTF-8"]
    assert found.texts[-2] == TEXTS[-1]
    assert isinstance(found.store, list) == (way == "held")
    assert found.batch([3, 1, 3]) == [TEXTS[3], TEXTS[1], TEXTS[3]]
    assert found.class_names == ("neg", "pos")
    assert found.labels.tolist() == [*([1, 0] * 15), -1]
    assert list(found.identifiers)[-2:] == ["029", "last"]
    assert [item.path for item in found.skipped] == ["blank", "none"]
    assert kind_of(tmp_path / "shards") == "text"
    some = open_texts(f"{tmp_path}/shards/t-{{0..2}}.tar", limit=10)
    assert list(some.texts) == TEXTS[::3]
    assert list(some.subset([4, 2]).texts) == [TEXTS[12], TEXTS[6]]


def test_a_key_of_json_members(make_tar, way: str) -> None:
    rows = [{"caption": text, "title": str(row), "topic": row % 3} for row, text in enumerate(TEXTS)]
    members = {f"{row}.json": json.dumps(one).encode() for row, one in enumerate(rows)}
    path = make_tar("a.tar", {**members, "broken.json": b"{", "other.json": b'{"title": "x"}'})
    assert kind_of(path) == "text"
    found = open_texts(path, text_column="caption", label_column="topic")
    assert list(found.texts) == TEXTS
    assert found.labels.tolist() == [row % 3 for row in range(30)]
    assert len(found.skipped) == 2
    with pytest.raises(ArgumentError, match=r"no column 'captions'.*Did you mean 'caption'"):
        open_texts(path, text_column="captions")
    with pytest.raises(DataError, match=r"holds no texts \(endings of its members: .bin\)"):
        open_texts(make_tar("b.tar", {"a.bin": b"1"}))


def test_parts_of_a_table(tmp_path: Path, way: str) -> None:
    cells = [*TEXTS[:15], None, "  ", *TEXTS[15:]]
    for number in range(4):
        some = slice(number * 8, number * 8 + 8)
        frame = {"id": list(range(8)), "review": cells[some], "label": ["pos", "neg"] * 4}
        polars.DataFrame(frame).write_parquet(tmp_path / f"p-{number}.parquet", row_group_size=3)
    assert kind_of(tmp_path) == "text"
    for name in (tmp_path, tmp_path / "p-{0..3}.parquet", tmp_path / "*.parquet"):
        found = open_texts(name)
        assert list(found.texts) == TEXTS
        assert list(found.identifiers)[13:17] == ["13", "14", "17", "18"]
        assert found.labels.tolist() == [row % 2 == 0 for row in (*range(15), *range(17, 32))]
        assert isinstance(found.store, list) == (way == "held")
        assert list(open_texts(name, labels=list(range(32))).labels) == [*range(15), *range(17, 32)]


def test_packed_texts_are_written_once_and_anew_when_a_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "LARGE", 0)
    polars.DataFrame({"text": TEXTS}).write_parquet(tmp_path / "a.parquet")
    first = open_texts(tmp_path)
    from contrapose.data.tables.files import ParquetFiles

    with monkeypatch.context() as patch:
        patch.setattr(ParquetFiles, "pieces", lambda *given: pytest.fail("read again"))
        assert open_texts(tmp_path).fingerprint == first.fingerprint
    polars.DataFrame({"text": [*TEXTS[:-1], "another one in the end"]}).write_parquet(tmp_path / "a.parquet")
    assert open_texts(tmp_path).fingerprint != first.fingerprint
    assert open_texts(tmp_path).texts[-1] == "another one in the end"
