"""Any data into shards, and back to the same samples."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from PIL import Image

from contrapose.cli import main
from contrapose.commands.pack import pack
from contrapose.data import Samples, open_data
from contrapose.data.pairs import open_pairs
from contrapose.data.texts import Texts, open_texts
from contrapose.errors import ArgumentError, DataError


def same(one: Samples, two: Samples) -> bool:
    assert list(one.identifiers) == list(two.identifiers)
    assert one.class_names == two.class_names
    for name in one.targets.keys() | two.targets.keys():
        assert np.array_equal(one.targets[name], two.targets[name], equal_nan=True)
    rows = np.arange(len(one))
    a, b = one.batch(rows), two.batch(rows)
    return bool((a == b).all()) if hasattr(a, "all") else a == b


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """15 pictures of several sizes, encodings and depths in three folders, one of them damaged."""
    random = np.random.default_rng(0)
    for row in range(15):
        path = tmp_path / "photos" / "zyx"[row % 3] / f"p.{row}.{('png', 'jpg', 'webp')[row % 3]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (20 + row, 24, 3), dtype=np.uint8)).save(path)
    Image.fromarray(random.integers(0, 4000, (20, 24), dtype=np.uint16)).save(tmp_path / "photos" / "x" / "deep.png")
    (tmp_path / "photos" / "x" / "damaged.jpg").write_bytes(b"\xff\xd8\xff and no more \xff\xd9")
    return tmp_path / "photos"


@pytest.mark.parametrize("shards", [1, 4])
def test_a_folder_of_photos(photos: Path, tmp_path: Path, shards: int, capsys: pytest.CaptureFixture[str]) -> None:
    main(["pack", str(photos), "--out", str(tmp_path / "out"), "--shards", str(shards)])
    said = capsys.readouterr()
    assert f"Wrote 16 pictures in {shards} shard" in said.out
    assert "skipped: x/damaged.jpg" in said.err
    for options in ({}, {"image_size": 10, "fit": "pad"}, {"cache": False}):
        again = open_data(tmp_path / "out", progress=False, **options)
        assert same(open_data(photos, progress=False, **options), again)
        assert not again.skipped
    assert len(list((tmp_path / "out").glob("pictures-*.tar"))) == shards


def members(paths: Iterable[Path]) -> list[tuple[str, bytes]]:
    found = []
    for path in paths:
        with tarfile.open(path) as archive:
            found += [(one.name, archive.extractfile(one).read()) for one in archive]  # type: ignore[union-attr]
    return found


def test_what_was_packed_packs_to_the_same(photos: Path, tmp_path: Path) -> None:
    first = pack(photos, out=tmp_path / "one", shards=2)
    assert members(first.paths) == members(pack(tmp_path / "one", out=tmp_path / "two", shards=3).paths)
    again = pack(photos, out=tmp_path / "three", shards=2)
    assert [path.read_bytes() for path in first.paths] == [path.read_bytes() for path in again.paths]
    deep = next(content for name, content in members(first.paths) if name.endswith(".png"))
    assert deep == (photos / "x" / "deep.png").read_bytes()  # as it is encoded


def test_arrays_and_tables(pictures: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=pictures, labels=np.arange(96) // 32 - 1)
    pack(str(tmp_path / "a.npz"), out=tmp_path / "arrays", shards=3, limit=50)
    assert same(open_data(tmp_path / "a.npz", limit=50), open_data(tmp_path / "arrays", progress=False))
    rows = {"image": [path.read_bytes() for path in sorted(_files(tmp_path, pictures))], "price": [1.5, None, 3.0]}
    polars.DataFrame(rows).write_parquet(tmp_path / "t.parquet")
    pack(tmp_path / "t.parquet", out=tmp_path / "table", number_column="price")
    wanted = open_data(tmp_path / "t.parquet", number_column="price", progress=False)
    assert same(wanted, open_data(tmp_path / "table", number_column="number", progress=False))
    with pytest.raises(ArgumentError, match="grey and RGB"):
        pack(np.zeros((3, 5, 8, 8), np.uint8), out=tmp_path / "five")
    assert not (tmp_path / "five").exists()


def _files(folder: Path, pictures: np.ndarray) -> list[Path]:
    paths = [folder / f"{row}.png" for row in range(3)]
    for path, picture in zip(paths, pictures, strict=False):
        Image.fromarray(picture.transpose(1, 2, 0)).save(path)
    return paths


def test_texts(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('text,label\n"one, two",b\n"three\r\nfour",a\nfünf,\n   ,a\nsix,b\n')
    done = pack(str(tmp_path / "t.csv"), out=tmp_path / "out", shards=2)
    assert (done.count, len(done.paths), len(done.skipped)) == (4, 2, 1)
    again = open_texts(tmp_path / "out")
    assert isinstance(again, Texts)
    assert same(open_texts(tmp_path / "t.csv"), again)
    assert same(open_texts(tmp_path / "t.csv", labels=False), open_texts(tmp_path / "out", labels=False))


def pairs_in_a_table(photos: Path) -> Path:
    """Pictures with one caption, with several, with none, and one that is damaged."""
    paths = sorted(path for path in photos.rglob("*") if path.is_file())
    said = [[f"the {row}th, and more\u2028of it", f"number {row}"][: 1 + row % 2] for row in range(len(paths))]
    said[3], said[4] = [], [" ", "sole\none"]
    names = [path.parent.name for path in paths]
    rows = {"image": [path.read_bytes() for path in paths], "caption": said, "label": names}
    polars.DataFrame(rows).write_parquet(photos.parent / "pairs.parquet")
    return photos.parent / "pairs.parquet"


@pytest.mark.parametrize("options", [{}, {"limit": 9}, {"labels": "none"}])
def test_pairs(photos: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    table = pairs_in_a_table(photos)
    done = pack(table, out=tmp_path / "out", shards=3, **options)
    wanted, again = open_pairs(table, progress=False, **options), open_pairs(tmp_path / "out", progress=False)
    assert (done.noun, done.count) == ("pair", len(wanted))
    assert {one.path for one in done.skipped} == {one.path for one in wanted.skipped}
    assert list(wanted.identifiers) == list(again.identifiers)
    assert wanted.class_names == again.class_names
    assert np.array_equal(wanted.labels, again.labels) if wanted.labels is not None else again.labels is None
    one, two = (pairs.batch(np.arange(len(pairs))) for pairs in (wanted, again))
    assert one.captions == two.captions
    assert max(map(len, one.captions)) == 2
    assert (one.pixels == two.pixels).all()


def test_pairs_of_files_and_of_pixels(tmp_path: Path) -> None:
    pairs = open_pairs("made:scenes?count=12&captions=2")
    done = pack(pairs, out=tmp_path / "made", modality="pairs", limit=8)
    assert any("synonyms" in note for note in done.notes)
    again = open_pairs(tmp_path / "made", progress=False)
    rows = [int(name) for name in again.identifiers]
    one, two = pairs.batch(rows), again.batch(np.arange(8))
    assert one.captions == two.captions
    assert (one.pixels == two.pixels).all()
    assert [pairs.class_names[n] for n in pairs.labels[rows]] == [again.class_names[n] for n in again.labels]
    folder = tmp_path / "folder"
    folder.mkdir()
    for row, (pixels, words) in enumerate(zip(one.pixels.numpy(), one.captions, strict=True)):
        Image.fromarray(pixels.transpose(1, 2, 0)).save(folder / f"{row}.png")
        (folder / f"{row}.txt").write_text("\n\n".join(words))
    main(["pack", str(folder), "--out", str(tmp_path / "files")])
    files = open_pairs(tmp_path / "files", progress=False)
    assert files.batch(np.arange(8)).captions == one.captions
    assert (files.batch(np.arange(8)).pixels == one.pixels).all()


def test_slips_are_told(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"16 pictures|17 pictures do not fill 40 shards"):
        pack(photos, out=tmp_path / "out", shards=40)
    with pytest.raises(ArgumentError, match="exists and is not empty"):
        pack(photos, out=photos)
    with pytest.raises(
        ArgumentError, match="Shards are of pictures, texts, and pairs of both, and these data are rows"
    ):
        pack(np.zeros((9, 5)), out=tmp_path / "out")
    with pytest.raises(DataError, match="does not exist"):
        pack(tmp_path / "nothing", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_stream_is_read_once(pictures: np.ndarray, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["z", "a"]), "text": datasets.Value("string")}
    )
    rows = {
        "image": [Image.fromarray(one.transpose(1, 2, 0)) for one in pictures[:9]],
        "label": [row % 2 for row in range(9)],
        "text": [f"the words of {row}" for row in range(9)],
    }
    whole = datasets.Dataset.from_dict(rows, features=features)
    done = pack(whole.to_iterable_dataset(num_shards=2), out=tmp_path / "out")
    assert done.count == 9
    images = open_data(tmp_path / "out", progress=False)
    assert np.array_equal(images.pixels, pictures[:9])
    assert images.class_names == ("z", "a")
    assert images.labels.tolist() == rows["label"]
    assert list(open_texts(tmp_path / "out").texts) == rows["text"]
    assert pack(whole.to_iterable_dataset(), out=tmp_path / "few", limit=4).count == 4
    with pytest.raises(ArgumentError, match="stream:OWNER/NAME, or write it into shards"):
        open_data(whole.to_iterable_dataset())
