"""Pictures in tar files: decoded once, or each time they are asked for, they are the same."""

from __future__ import annotations

import io
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import polars
import pytest
from made_pictures import colour_picture, png_bytes
from PIL import Image

from contrapose.data import Images, PlainSource, derived_generator, kind_of, open_data
from contrapose.data.shards import on_demand
from contrapose.data.shards.on_demand import UnreadableError
from contrapose.errors import ArgumentError, DataError

COUNT = 24


def members_of(rows: range, **besides: object) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for row in rows:
        found[f"{row:04d}.png"] = png_bytes(colour_picture(row))
        found[f"{row:04d}.cls"] = str(row % 3).encode()
    return found


@pytest.fixture
def shards(make_tar, tmp_path: Path) -> Path:
    for number in range(3):
        make_tar(f"shards/s-{number}.tar", members_of(range(number * 8, number * 8 + 8)))
    return tmp_path / "shards"


def test_both_ways_give_the_pictures_as_they_are(shards: Path) -> None:
    wanted = np.stack([np.asarray(colour_picture(row)).transpose(2, 0, 1) for row in range(COUNT)])
    for images in (open_data(shards, progress=False), open_data(shards, cache=False)):
        assert np.array_equal(images.pixels, wanted)
        assert images.labels.tolist() == [row % 3 for row in range(COUNT)]
        assert list(images.identifiers) == [f"{row:04d}" for row in range(COUNT)]
        assert np.array_equal(images.batch([20, 1, 20]).numpy(), wanted[[20, 1, 20]])
        assert np.array_equal(images.subset([5, 3]).pixels, wanted[[5, 3]])
    assert kind_of(shards) == "image"


def test_few_are_packed_and_many_are_not(shards: Path, decoded: list, monkeypatch: pytest.MonkeyPatch) -> None:
    open_data(shards, progress=False)
    open_data(shards, progress=False)
    assert len(decoded) == COUNT
    monkeypatch.setattr(on_demand, "PACKED_AT_MOST", 1000)
    images = open_data(shards, progress=False)
    assert not isinstance(images.store, np.ndarray)
    assert any("each time they are asked for" in note for note in images.notes)


def test_a_file_of_its_own_is_a_data_set_too(shards: Path) -> None:
    images = open_data(shards / "s-1.tar", progress=False)
    assert list(images.identifiers) == [f"{row:04d}" for row in range(8, 16)]
    assert len(open_data(f"{shards}/s-{{0,2}}.tar", limit=4, progress=False)) == 4


def test_it_is_recognised_after_it_was_moved_and_not_when_it_changed(shards: Path, make_tar, tmp_path: Path) -> None:
    first = open_data(shards, cache=False).fingerprint
    assert open_data(shards, cache=False, limit=5).fingerprint != first
    shards.rename(tmp_path / "elsewhere")
    assert open_data(tmp_path / "elsewhere", cache=False).fingerprint == first
    make_tar("elsewhere/s-1.tar", members_of(range(9, 17)))
    assert open_data(tmp_path / "elsewhere", cache=False).fingerprint != first


def test_damaged_pictures_are_skipped_or_told_when_they_are_met(make_tar) -> None:
    jpeg = png_bytes(colour_picture(3, 64, 64), "JPEG")
    whole = members_of(range(4))
    lost = {**whole, "0001.png": whole["0001.png"][:-60], "0002.png": b"", "x.jpg": jpeg[: len(jpeg) // 3]}
    lost["y.cls"] = b"1"
    for cache in (None, False):
        images = open_data(make_tar(f"{cache}.tar", lost), cache=cache, progress=False)
        assert [item.path for item in images.skipped] == ["0001", "0002", "x", "y"]
        assert list(images.identifiers) == ["0000", "0003"]
        assert len(images.pixels) == len(images) == 2
    noisy = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    buffer = io.BytesIO()
    noisy.save(buffer, "PNG")
    bad = buffer.getvalue()
    bad = bad[:200] + bytes(200) + bad[400:]  # begins and ends as it should
    images = open_data(make_tar("inner.tar", {**members_of(range(300)), "zz.png": bad}), cache=False, image_size=8)
    with pytest.raises(UnreadableError, match=r"^zz cannot be read: .*contrapose pack DATA --out NEW") as caught:
        images.batch([1, 300])
    assert list(caught.value.reasons) == [300]


def test_every_sample_is_seen_once_an_epoch_by_all_processes_together(shards: Path) -> None:
    images = open_data(shards, cache=False)
    pixels = images.pixels.reshape(COUNT, -1)

    def seen(world: int, epoch: int) -> list[list[int]]:
        """Batch by batch, the joined rows of all processes, by what the pictures show."""
        sources = [
            PlainSource.shuffled(
                images, lambda raw, generator: (raw,), batch_size=12 // world, seed=3, world_size=world, rank=rank
            )
            for rank in range(world)
        ]
        found = []
        for step in range(sources[0].steps_per_epoch):
            place = epoch * sources[0].steps_per_epoch + step
            batches = [source.batch(place, 0, generator=derived_generator(0)) for source in sources]
            shown = np.concatenate([batch.views[0].reshape(batch.size, -1).numpy() for batch in batches])
            found.append([int(np.flatnonzero((pixels == picture).all(axis=1))[0]) for picture in shown])
        return found

    one = seen(1, 0)
    for world in (2, 3):
        assert seen(world, 0) == one  # whoever does it, in the same order
    assert Counter(row for batch in one for row in batch) == Counter(range(COUNT))
    assert seen(2, 1) != one
    assert Counter(row for batch in seen(3, 1) for row in batch) == Counter(range(COUNT))


def test_classes_come_from_json_or_folders_where_there_are_no_class_members(make_tar) -> None:
    one, two = png_bytes(colour_picture(0)), png_bytes(colour_picture(1))
    described = {"0.png": one, "0.json": b'{"breed": "pug", "weight": 4.5}', "1.png": two}
    described["1.json"] = b'{"breed": "lab"}'
    path = make_tar("json.tar", described)
    images = open_data(path, label_column="breed", number_column="weight", progress=False)
    assert images.class_names == ("lab", "pug")
    assert images.labels.tolist() == [1, 0]
    assert images.targets["number"][0] == 4.5
    assert np.isnan(images.targets["number"][1])
    assert open_data(path, progress=False).labels is None
    with pytest.raises(ArgumentError, match=r"has no column 'bred'.*Did you mean 'breed'"):
        open_data(path, label_column="bred", progress=False)
    folders = open_data(make_tar("f.tar", {"p/cat/1.png": one, "p/dog/1.png": two}), progress=False)
    assert folders.class_names == ("cat", "dog")


def test_what_holds_no_pictures_is_said(make_tar) -> None:
    with pytest.raises(DataError, match=r"holds no pictures \(endings of its members: .csv\)"):
        open_data(make_tar("a.tar", {"a.csv": b"1,2"}))
    both = make_tar("both.tar", {"a.png": png_bytes(colour_picture(0)), "a.txt": b"a caption"})
    assert kind_of(both) == "pairs"  # which methods of one side refuse


def test_the_store_is_an_array_to_whoever_indexes_it(shards: Path) -> None:
    store = open_data(shards, cache=False).store
    whole = np.asarray(store)
    assert (store.shape, store.dtype, len(store)) == (whole.shape, whole.dtype, COUNT)
    for rows in (slice(3, 9, 2), np.array([4, 4, 0]), np.arange(COUNT) % 5 == 0, [], np.int64(7)):
        assert np.array_equal(store[rows], whole[rows])
    assert np.array_equal(pickle.loads(pickle.dumps(store))[:2], whole[:2])
    assert isinstance(open_data(shards, cache=False), Images)


def test_parts_of_a_table_are_read_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from contrapose.data.images import tables

    monkeypatch.setattr(tables, "rows_together", lambda path, count: 4)
    pictures = [png_bytes(colour_picture(row)) for row in range(21)]
    for number in range(3):
        some = slice(number * 7, number * 7 + 7)
        frame = polars.DataFrame({"image": pictures[some], "label": list(range(7))})
        frame.write_parquet(tmp_path / f"part-{number}.parquet", row_group_size=3)
    images = open_data(tmp_path, progress=False)  # the folder of them
    assert np.array_equal(images.pixels, open_data(pictures, progress=False).pixels)
    assert kind_of(tmp_path) == "image"
    polars.DataFrame({"image": pictures[:2], "kind": [0, 1]}).write_parquet(tmp_path / "part-3.parquet")
    with pytest.raises(DataError, match=r"part-3.parquet is no part of the same table.*'label' is not there"):
        open_data(tmp_path)
