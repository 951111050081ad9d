"""Shards behind addresses: copied once, whole or absent."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from made_pictures import colour_picture, png_bytes

from contrapose.commands.pack import pack
from contrapose.commands.run_data import data_places, places_of
from contrapose.data import kind_of, open_data
from contrapose.data.images.packing.cache import cache_folder
from contrapose.data.shards import remote
from contrapose.data.texts import open_texts
from contrapose.errors import DataError, MissingExtraError

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def bucket(tmp_path: Path) -> str:
    """`memory://bucket/` with twelve pictures in three shards."""
    pictures = [colour_picture(row) for row in range(12)]
    pack(np.stack([np.asarray(one) for one in pictures]), out=tmp_path / "s", shards=3, labels=["b", "a"] * 6)
    system = fsspec.filesystem("memory")
    system.pipe({f"/bucket/{path.name}": path.read_bytes() for path in (tmp_path / "s").iterdir()})
    yield "memory://bucket/"
    system.rm("/bucket", recursive=True)


def test_folders_patterns_and_braces(bucket: str) -> None:
    names = (bucket, f"{bucket}pictures-*.tar", f"{bucket}pictures-{{00000..00002}}-of-00003.tar")
    for name in names:
        images = open_data(name, progress=False)
        assert images.class_names == ("a", "b")
        assert list(images.identifiers) == [str(row) for row in range(12)]
        assert np.array_equal(images.pixels[5], np.asarray(colour_picture(5)).transpose(2, 0, 1))
        assert kind_of(name) == "image"
    assert len(open_data(f"{bucket}pictures-00001-of-00003.tar", progress=False)) == 4


def test_files_are_fetched_once_and_anew_when_they_change(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []
    system = type(fsspec.filesystem("memory"))
    original = system.get_file
    monkeypatch.setattr(
        system, "get_file", lambda self, path, *rest, **how: (fetched.append(path), original(self, path, *rest, **how))
    )
    first = open_data(bucket, progress=False).fingerprint
    assert len(fetched) == 4  # three shards, and what lies beside them
    assert open_data(bucket, progress=False).fingerprint == first
    assert len(fetched) == 4
    place = next(path for path in fsspec.filesystem("memory").ls("/bucket", detail=False) if "00001-of" in path)
    fsspec.filesystem("memory").pipe(place, fsspec.filesystem("memory").cat(place) + bytes(10240))
    open_data(bucket, progress=False)
    assert fetched[4:] == [place]


def test_what_breaks_off_leaves_nothing(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system = type(fsspec.filesystem("memory"))
    monkeypatch.setattr(system, "get_file", lambda self, path, local, **how: Path(local).write_bytes(b"part"))
    with pytest.raises(DataError, match=r"broke off: 4 of [\d,]+ bytes came. Try again"):
        open_data(bucket, progress=False)
    assert not [path for path in (cache_folder() / "shards").rglob("*") if path.suffix in (".tar", ".partial")]


def test_texts_and_tables_too(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    polars.DataFrame({"text": ["one text", "another text"], "label": [0, 1]}).write_parquet(tmp_path / "a.parquet")
    found = open_texts(f"file://{tmp_path}/a.parquet")
    assert list(found.texts) == ["one text", "another text"]
    assert found.labels.tolist() == [0, 1]


def test_addresses_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"memory://nowhere/a-0.tar does not exist"):
        open_data("memory://nowhere/a-{0..3}.tar")
    with pytest.raises(DataError, match=r"xyz://a/b.tar cannot be opened .*Known are https"):
        open_data("xyz://a/b.tar")
    with pytest.raises(DataError, match=r"are .tar or .parquet files"):
        kind_of("memory://bucket/a.zip")
    with pytest.raises(DataError, match="Nothing matches"):
        open_data("memory://nowhere/*.tar")
    monkeypatch.setattr(fsspec.core, "url_to_fs", lambda address: (_ for _ in ()).throw(ImportError("Install s3fs")))
    with pytest.raises(MissingExtraError, match=r"s3:// needs a package that is not installed \(Install s3fs\)"):
        open_data("s3://a/b.tar")

    def refuses(*given: object) -> None:
        raise PermissionError("403 Forbidden")

    monkeypatch.setattr(remote, "_opened", refuses)
    with pytest.raises(DataError, match=r"cannot be opened \(403 Forbidden\). Check the spelling, the connection"):
        open_data("s3://a/b.tar")


def test_a_run_finds_its_shards_again(bucket: str, tmp_path: Path) -> None:
    name = f"{bucket}pictures-*.tar"
    assert places_of(name, tmp_path / "run") == {}
    assert data_places(name, {"data": {}}, tmp_path / "run") == [name]
    assert places_of("stream:a/b:train", tmp_path) == {}
    local = str(tmp_path / "s" / "pictures-{00000..00002}-of-00003.tar")
    record = {"data": {"places": places_of(local, tmp_path / "run")}}
    (tmp_path / "s").rename(tmp_path / "moved")
    os.makedirs(tmp_path / "x" / "s")  # noqa: PTH103
    with pytest.raises(DataError, match="are no longer there"):
        data_places(local, record, tmp_path / "run")
    (tmp_path / "moved").rename(tmp_path / "s")
    assert local in data_places(local, record, tmp_path / "run")


def test_a_stream_of_the_hub_is_kept_in_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    asked: list[tuple] = []
    rows = {"image": [{"bytes": png_bytes(colour_picture(row)), "path": None} for row in range(20)]}
    rows["label"] = [row % 2 for row in range(20)]  # type: ignore[assignment]
    features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["z", "a"])}
    whole = datasets.Dataset.from_dict(rows, features=datasets.Features(features))

    def load(name: str, *, split: str, streaming: bool):
        asked.append((name, split, streaming))
        if name != "owner/name":
            raise ConnectionError("no such place")
        return whole.to_iterable_dataset()

    monkeypatch.setattr(datasets, "load_dataset", load)
    for _ in range(2):
        images = open_data("stream:owner/name:validation", progress=False)
        assert len(images) == 20
        assert images.class_names == ("z", "a")
    assert asked == [("owner/name", "validation", True)]
    assert len(open_data("stream:owner/name[:7]", progress=False)) == 7
    assert len(open_data("stream:owner/name:validation[:3]", progress=False)) == 3
    assert asked[1:] == [("owner/name", "train", True), ("owner/name", "validation", True)]
    with pytest.raises(DataError, match=r"stream:other/name cannot be read \(no such place\)"):
        open_data("stream:other/name")
