"""Which files a name of shards names."""

from __future__ import annotations

import json
from pathlib import Path

import polars
import pytest

from contrapose.data.shards.names import is_there, shard_paths
from contrapose.errors import DataError


def touched(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def named(name: object) -> list[str] | None:
    found = shard_paths(str(name))
    return None if found is None else [path.name for path in found]


def test_ranges_choices_patterns_and_folders_name_them_in_order(tmp_path: Path) -> None:
    folder = touched(tmp_path / "shards", "a-000.tar", "a-001.tar", "a-002.tar", "b-000.tar")
    assert named(folder / "a-{000..002}.tar") == ["a-000.tar", "a-001.tar", "a-002.tar"]
    assert named(folder / "{b,a}-000.tar") == ["b-000.tar", "a-000.tar"]
    assert named(folder / "a-*.tar") == ["a-000.tar", "a-001.tar", "a-002.tar"]
    assert named(folder) == ["a-000.tar", "a-001.tar", "a-002.tar", "b-000.tar"]
    assert named(folder / "b-000.tar") == ["b-000.tar"]
    assert is_there(str(folder / "a-{002..009}.tar"))
    assert not is_there(str(folder / "a-{003..009}.tar"))


def test_held_out_shards_of_a_folder_stay_out(tmp_path: Path) -> None:
    names = [f"{part}-{number:05d}-of-00002.parquet" for part in ("train", "test") for number in range(2)]
    assert named(touched(tmp_path / "hub", *names)) == sorted(names[:2])
    with pytest.raises(DataError, match="and no train"):
        shard_paths(str(touched(tmp_path / "held", "test-0.tar", "val-0.tar")))


def test_other_data_are_no_shards(tmp_path: Path) -> None:
    polars.DataFrame({"text": ["a"]}).write_parquet(tmp_path / "one.parquet")
    photos = touched(tmp_path / "photos", "a.jpg", "b.jpg", "backup.tar")
    for name in ("omniglot", "", "nowhere", photos, photos / "*.jpg", tmp_path / "one.parquet"):
        assert named(name) is None, name


def test_missing_shards_are_named(tmp_path: Path) -> None:
    folder = touched(tmp_path / "shards", "a-0.tar", "a-2.tar")
    with pytest.raises(DataError, match=r"2 of 4 shards are missing in .*: a-1.tar, a-3.tar\."):
        shard_paths(str(folder / "a-{0..3}.tar"))
    with pytest.raises(DataError, match=r"1 of 3 shards are missing in .*: x-00001-of-00003.tar"):
        shard_paths(str(touched(tmp_path / "numbered", "x-00000-of-00003.tar", "x-00002-of-00003.tar")))
    listed = touched(tmp_path / "listed", "p.tar")
    (listed / "shards.json").write_text(json.dumps({"shards": ["p.tar", "q.tar"]}))
    with pytest.raises(DataError, match=r"missing in .*: q.tar"):
        shard_paths(str(listed))
    assert named(touched(tmp_path / "numbered") / "*.tar") == ["x-00000-of-00003.tar", "x-00002-of-00003.tar"]


def test_what_cannot_be_read_at_random_is_said(tmp_path: Path) -> None:
    folder = touched(tmp_path / "packed", "a.tar.gz", "b.tar.gz")
    for name in (folder, folder / "a.tar.gz", folder / "*.tar.gz"):
        with pytest.raises(DataError, match="gunzip it"):
            shard_paths(str(name))
    with pytest.raises(DataError, match=r"\.tar and \.parquet files"):
        shard_paths(str(touched(tmp_path / "both", "a.tar", "b.parquet")))
    for braces, count in (("{0..9999}-{0..999}", "10,000,000"), ("{0..9000000000}", "9,000,000,001")):
        with pytest.raises(DataError, match=f"stands for {count} names: give at most"):
            shard_paths(str(tmp_path / f"{braces}.tar"))
