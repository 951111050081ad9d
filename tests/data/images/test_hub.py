from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_pictures import colour_picture

from contrapose.data import class_texts, open_data
from contrapose.errors import ArgumentError, DataError, MissingExtraError

PICTURES = [colour_picture(seed) for seed in range(6)]
PIXELS = np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in PICTURES])


@pytest.fixture
def dataset():
    datasets = pytest.importorskip("datasets")
    features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])}
    rows = {"image": PICTURES, "label": [0, 1, 0, 1, 0, 1]}
    return datasets.Dataset.from_dict(rows, features=datasets.Features(features))


def test_a_saved_data_set(dataset, tmp_path: Path, decoded: list) -> None:
    dataset.save_to_disk(tmp_path / "saved")
    images = open_data(f"hub:{tmp_path}/saved", progress=False)
    assert np.array_equal(images.pixels, PIXELS)
    assert images.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert images.class_names == ("cat", "dog")
    again = open_data(tmp_path / "saved", progress=False)  # known by its files, too
    assert again.labels.tolist() == images.labels.tolist()
    assert open_data(f"hub:{tmp_path}/saved", progress=False).fingerprint == images.fingerprint


def test_unchanged_data_sets_are_decoded_once(dataset, tmp_path: Path, decoded: list) -> None:
    dataset.save_to_disk(tmp_path / "saved")
    for _ in range(2):
        open_data(f"hub:{tmp_path}/saved", progress=False)
    assert len(decoded) == 6
    dataset.select([3, 2, 1]).save_to_disk(tmp_path / "other")
    assert np.array_equal(open_data(f"hub:{tmp_path}/other", progress=False).pixels, PIXELS[[3, 2, 1]])


def test_splits(dataset, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    parts = {"train": dataset.select(range(4)), "test": dataset.select([4, 5])}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "parts")
    assert len(open_data(f"hub:{tmp_path}/parts", progress=False)) == 4
    assert len(open_data(f"hub:{tmp_path}/parts:test", progress=False)) == 2
    with pytest.raises(ArgumentError, match=r"no split 'tset'\. Did you mean 'test'"):
        open_data(f"hub:{tmp_path}/parts:tset")
    dataset.save_to_disk(tmp_path / "whole")
    with pytest.raises(ArgumentError, match="has no splits"):
        open_data(f"hub:{tmp_path}/whole:test")


def test_a_data_set_from_python(dataset) -> None:
    images = open_data(dataset, limit=3, progress=False)
    assert not isinstance(images.store, np.memmap)  # a data set in memory has another name in every run
    assert np.array_equal(images.pixels, PIXELS[::2])
    assert images.labels.tolist() == [0, 0, 0]


def test_secret_labels_are_no_labels() -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a"])})
    secret = datasets.Dataset.from_dict({"image": PICTURES, "label": [-1] * 6}, features=features)
    assert open_data(secret, progress=False).labels is None


def test_some_secret_labels_are_not_labelled() -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    some = datasets.Dataset.from_dict({"image": PICTURES, "label": [1, -1, None, 0, 1, 0]}, features=features)
    images = open_data(some, progress=False)
    assert class_texts(images) == ["dog", None, None, "cat", "dog", "cat"]


def test_names_of_classes_and_files_go_into_parquet_and_come_out(dataset, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    for number, picture in enumerate(PICTURES):
        picture.save(tmp_path / f"{number}.png")
    paths = [str(tmp_path / f"{number}.png") for number in range(6)]
    named = dataset.remove_columns("image").add_column("image", paths).cast_column("image", datasets.Image())
    shuffled = named.select([4, 1, 0])
    assert open_data(shuffled, progress=False).identifiers == [paths[4], paths[1], paths[0]]
    named.to_parquet(tmp_path / "x.parquet")
    images = open_data(tmp_path / "x.parquet", progress=False)
    assert class_texts(images) == ["cat", "dog"] * 3
    assert images.identifiers[3].endswith("3.png")


def test_columns_of_other_names() -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"scan": datasets.Image(), "organ": datasets.Value("string")})
    dataset = datasets.Dataset.from_dict({"scan": PICTURES, "organ": list("abcabc")}, features=features)
    images = open_data(dataset, label_column="organ", progress=False)
    assert images.class_names == ("a", "b", "c")
    with pytest.raises(ArgumentError, match="columns are scan, organ"):
        open_data(dataset, label_column="label")


def test_what_cannot_be_loaded_says_what_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")

    def refused(name: str, *, split: str) -> None:
        raise ConnectionError(f"no route to {name} {split}\nand a long tail")

    monkeypatch.setattr(datasets, "load_dataset", refused)
    with pytest.raises(DataError, match=r"\(no route to owner/name train\)\. Check the spelling"):
        open_data("hub:owner/name")
    with pytest.raises(DataError, match="no route to owner/name test"):
        open_data("hub:owner/name:test")


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"contrapose\[hub\]"):
        open_data("hub:owner/name")
