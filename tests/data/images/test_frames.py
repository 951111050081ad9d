"""What other libraries hold is taken by position, or refused in words that say what to give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_pictures import colour_picture, png_bytes
from torch.utils.data import ConcatDataset, Dataset, Subset

from contrapose.data import class_texts, open_data
from contrapose.errors import ArgumentError, DataError

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

ORDER = [3, 1, 0, 4, 2]
LABELS = ["b", "a", None, "b", "c"]
PIXELS = np.stack([np.asarray(colour_picture(seed)).transpose(2, 0, 1) for seed in ORDER])


@pytest.fixture
def paths(write_pictures: Callable[..., Path]) -> list[str]:
    """Five files in an order that is not that of their names."""
    folder = write_pictures(*(f"{number}.png" for number in range(5)))
    return [str(folder / f"{number}.png") for number in ORDER]


COLUMNS: dict[str, Callable[[list[str]], Any]] = {
    "series": lambda paths: pd.Series(paths, index=ORDER),
    "series of Path": lambda paths: pd.Series(list(map(Path, paths)), index=ORDER),
    "categorical series": lambda paths: pd.Series(paths, index=ORDER, dtype="category"),
    "series of bytes": lambda paths: pd.Series([Path(path).read_bytes() for path in paths], index=ORDER),
    "series of arrays": lambda _: pd.Series(list(PIXELS), index=ORDER),
    "index": pd.Index,
    "categorical": pd.Categorical,
    "string array": lambda paths: pd.array(paths, dtype="string"),
    "polars": lambda paths: pl.Series(paths),
    "arrow": pa.array,
    "chunked arrow": lambda paths: pa.chunked_array([paths[:2], paths[2:]]),
    "array of text": np.array,
    "array of bytes": lambda paths: np.array([path.encode() for path in paths]),
    "array of Path": lambda paths: np.array([Path(path) for path in paths], dtype=object),
    "array of one column": lambda paths: np.array(paths)[:, None],
    "array": lambda _: PIXELS,
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns_are_read_by_position(kind: str, paths: list[str]) -> None:
    assert np.array_equal(open_data(COLUMNS[kind](paths), progress=False).pixels, PIXELS)


LABELLED: dict[str, Callable[[list[str]], Any]] = {
    "pandas": lambda paths: pd.DataFrame({"path": paths, "label": LABELS}, index=ORDER),
    "pandas of pictures": lambda _: pd.DataFrame(
        {"image": [colour_picture(seed) for seed in ORDER], "class": LABELS}, index=ORDER
    ),
    "pandas as the hub stores it": lambda paths: pd.DataFrame(
        {"image": [{"bytes": Path(path).read_bytes(), "path": None} for path in paths], "y": pd.Categorical(LABELS)}
    ),
    "polars": lambda paths: pl.DataFrame({"label": LABELS, "file": paths}),
    "arrow": lambda paths: pa.table({"path": paths, "label": LABELS}),
    "dictionary of lists": lambda paths: {"path": paths, "label": LABELS},
    "dictionary of arrays": lambda _: {"images": PIXELS, "labels": np.array(LABELS, dtype=object)},
    "path to label": lambda paths: dict(zip(paths, LABELS, strict=True)),
    "pairs": lambda paths: list(zip(paths, LABELS, strict=True)),
    "pairs of array and label": lambda _: list(zip(PIXELS, LABELS, strict=True)),
    "dictionaries": lambda paths: [{"image": path, "label": label} for path, label in zip(paths, LABELS, strict=True)],
}


@pytest.mark.parametrize("kind", LABELLED)
def test_labels_beside_pictures_are_read_by_position(kind: str, paths: list[str]) -> None:
    data = LABELLED[kind](paths)
    images = open_data(data, progress=False)
    assert np.array_equal(images.pixels, PIXELS)
    assert class_texts(images) == LABELS
    assert images.notes[-1] == "1 of 5 samples are not labelled."
    assert open_data(data, labels="none", progress=False).labels is None
    assert open_data(data, labels=[4, 3, 2, 1, 0], progress=False).labels.tolist() == [4, 3, 2, 1, 0]


def test_columns_of_other_names(paths: list[str]) -> None:
    frame = pd.DataFrame({"id_code": paths, "diagnosis": [1.0, 2.0, np.nan, 1.0, 10.0]})
    with pytest.raises(DataError, match=r"columns are id_code, diagnosis\. Name the one .*--image-column"):
        open_data(frame, progress=False)
    images = open_data(frame, image_column="id_code", label_column="diagnosis", progress=False)
    assert images.labels.tolist() == [1, 2, -1, 1, 10]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (set, "set has no order"),
        (frozenset, "frozenset has no order"),
        (iter, r"read but once. Give list\(...\)"),
        (lambda paths: (path for path in paths), r"generator is no data .* Give list"),
        (lambda paths: zip(paths, LABELS, strict=True), "zip is no data"),
        (lambda paths: dict.fromkeys(paths, 1).keys(), r"give list\(...\)"),
        (lambda paths: pl.LazyFrame({"path": paths}), r"give \.collect\(\)"),
        (lambda paths: (paths, LABELS), "labels= beside them"),
        (lambda paths: (paths[0], 1), "labels= beside them"),
        (lambda _: (PIXELS, np.arange(5)), "labels= beside them"),
        (lambda paths: [paths, LABELS], "labels= beside them"),
        (lambda paths: np.array([paths, paths]).T, r"shape \(5, 2\) is not one path a sample"),
        (lambda paths: dict.fromkeys(paths, PIXELS[0]), r"list\(d\.values\(\)\)"),
        (lambda _: {"train": PIXELS, "test": PIXELS}, r"one split, d\['train'\]"),
        (lambda paths: {"image": paths[0], "label": 1}, "is not understood"),
        (lambda _: {}, "empty dictionary"),
        (lambda _: pd.DataFrame(np.zeros((5, 784))), "and 764 more.*no pictures"),
        (lambda _: pd.DataFrame({"path": []}), "has no rows"),
        (lambda _: pd.Series([1, 2]), "list of int is not understood"),
        (lambda _: PIXELS.tolist(), "one is list with list"),
        (lambda _: png_bytes(colour_picture(0)), r"one picture: give a list, \[picture\]"),
        (lambda _: colour_picture(0), r"one picture: give a list, \[picture\]"),
    ],
)
def test_what_has_no_order_or_no_meaning_is_refused(make: Callable, text: str, paths: list[str]) -> None:
    with pytest.raises((ArgumentError, DataError), match=text):
        open_data(make(paths), progress=False)


def test_missing_paths_are_skipped_and_listed(paths: list[str]) -> None:
    images = open_data(pd.Series([paths[0], None, paths[1], float("nan")]), progress=False)
    assert np.array_equal(images.pixels, PIXELS[:2])
    assert [(item.path, item.reason) for item in images.skipped] == [
        ("1", "no picture in this row"),
        ("3", "no picture in this row"),
    ]


def test_names_of_classes_come_with_data_sets_of_torchvision() -> None:
    class Numbered(Dataset):
        classes = ("ant", "bee", "cat")

        def __len__(self) -> int:
            return 5

        def __getitem__(self, row: int) -> object:
            return torch.from_numpy(PIXELS[row]), row % 3

    images = open_data(ConcatDataset([Subset(Numbered(), [4, 2]), Subset(Numbered(), [0])]), progress=False)
    assert class_texts(images) == ["bee", "cat", "ant"]
    assert np.array_equal(images.pixels, PIXELS[[4, 2, 0]])
