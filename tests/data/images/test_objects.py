from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from made_pictures import colour_picture, png_bytes
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from contrapose.data import Images, open_data
from contrapose.errors import ArgumentError, DataError

PICTURES = [colour_picture(seed) for seed in range(6)]
PIXELS = np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in PICTURES])


def opened(spec: object, **options: object) -> Images:
    return open_data(spec, progress=False, **options)


class Items(Dataset):
    """A map-style data set of what it is given."""

    def __init__(self, items: list) -> None:
        self.items = items
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, row: int) -> object:
        self.asked.append(row)
        return self.items[row]


def test_lists_of_pillow_images_and_bytes() -> None:
    images = opened(PICTURES, labels=list("abcabc"))
    assert np.array_equal(images.pixels, PIXELS)
    assert images.class_names == ("a", "b", "c")
    assert np.array_equal(opened([png_bytes(picture) for picture in PICTURES]).pixels, PIXELS)
    assert images.fingerprint == opened(tuple(PICTURES)).fingerprint


def test_pillow_images_of_mixed_sizes_are_brought_to_one() -> None:
    assert opened([colour_picture(0, 30, 20), colour_picture(1, 200, 100)]).pixels.shape == (2, 3, 64, 64)


def test_lists_of_paths(write_pictures: Callable[..., Path], decoded: list) -> None:
    folder = write_pictures("a/1.png", "b/2.png", "c/3.png")
    paths = [folder / "c/3.png", str(folder / "a/1.png")]
    images = opened(paths, labels=[1, 0])
    assert images.identifiers == ["c/3.png", "a/1.png"]
    assert np.array_equal(images.pixels[1], np.asarray(colour_picture(0)).transpose(2, 0, 1))
    opened(paths)
    assert len(decoded) == 2
    assert np.array_equal(opened(paths[::-1]).pixels, images.pixels[::-1])
    assert len(opened([*paths, folder / "none.png"]).skipped) == 1
    with pytest.raises(DataError, match="None of the 1 files in the list exists"):
        opened([folder / "none.png"])


def test_lists_of_arrays_and_tensors() -> None:
    assert np.array_equal(opened(list(PIXELS)).pixels, PIXELS)
    assert np.array_equal(opened([torch.from_numpy(item) for item in PIXELS / 255]).pixels, PIXELS)
    with pytest.raises(DataError, match=r"2 shapes, e\.g\. \(3, 8, 8\) and \(3, 9, 9\)"):
        opened([np.zeros((3, 8, 8)), np.zeros((3, 9, 9))])


@pytest.mark.parametrize(("items", "text"), [([], "empty list"), ([1, 2], "list of int"), (["a", 1], "int, str")])
def test_lists_of_other_things_are_errors(items: list, text: str) -> None:
    with pytest.raises(DataError, match=text):
        opened(items)


@pytest.mark.parametrize(
    "items",
    [
        [(picture, row % 2) for row, picture in enumerate(PICTURES)],
        [(torch.from_numpy(item / 255).float(), torch.tensor(row % 2)) for row, item in enumerate(PIXELS)],
        [{"image": picture, "label": row % 2} for row, picture in enumerate(PICTURES)],
        [[item, np.int64(row % 2), "more"] for row, item in enumerate(PIXELS.transpose(0, 2, 3, 1))],
    ],
    ids=["pillow", "tensor", "dictionary", "array"],
)
def test_map_style_data_sets(items: list) -> None:
    images = opened(Items(items))
    assert np.array_equal(images.pixels, PIXELS)
    assert images.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert images.identifiers == list("012345")


def test_data_sets_without_labels_and_with_given_ones() -> None:
    assert opened(Items(PICTURES)).labels is None
    assert opened(Items([(picture, {"boxes": []}) for picture in PICTURES])).labels is None
    labelled = Items([(picture, 5) for picture in PICTURES])
    assert opened(labelled, labels=False).labels is None
    assert opened(labelled, labels=list("cbacba")).labels.tolist() == [2, 1, 0, 2, 1, 0]
    assert opened(labelled, labels=list("cbacba"), limit=2).labels.tolist() == [2, 2]
    with pytest.raises(DataError, match="2 labels for 6 pictures"):
        opened(labelled, labels=[0, 1])


def test_torch_tensor_dataset() -> None:
    images = opened(TensorDataset(torch.from_numpy(PIXELS), torch.arange(6)))
    assert np.array_equal(images.pixels, PIXELS)
    assert images.labels.tolist() == list(range(6))


def test_only_the_rows_of_a_limit_are_asked_for() -> None:
    dataset = Items([(picture, row) for row, picture in enumerate(PICTURES)])
    images = opened(dataset, limit=3)
    assert images.labels.tolist() == [0, 2, 4]
    assert images.identifiers == ["0", "2", "4"]
    assert set(dataset.asked) == {0, 2, 4}


def test_labels_stay_with_their_pictures_when_some_are_skipped() -> None:
    items = [(png_bytes(picture), row) for row, picture in enumerate(PICTURES)]
    items[2] = (b"", 2)
    images = opened(Items(items))
    assert images.labels.tolist() == [0, 1, 3, 4, 5]
    assert [item.path for item in images.skipped] == ["2"]


def test_sizes_and_channels_on_request() -> None:
    assert opened(Items(PICTURES), image_size=8, channels=1).pixels.shape == (6, 1, 8, 8)
    assert opened(Items(list(PIXELS)), image_size=8, channels=1).pixels.shape == (6, 1, 8, 8)


def test_anything_that_can_be_indexed_is_a_data_set() -> None:
    class Plain:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, row: int) -> object:
            return PICTURES[row]

    assert len(opened(Plain())) == 2


def test_a_data_set_that_raises_is_an_error_with_the_item() -> None:
    class Broken(Items):
        def __getitem__(self, row: int) -> object:
            if row == 4:
                raise OSError("cannot read it")
            return PICTURES[row]

    with pytest.raises(DataError, match=r"Item 4 of data set Broken could not be read \(OSError: cannot read it\)"):
        opened(Broken(PICTURES))


def test_items_of_other_kinds_are_errors() -> None:
    with pytest.raises(DataError, match="one is tuple with float for a picture"):
        opened(Items([(0.5, 1)]))
    with pytest.raises(DataError, match="is empty"):
        opened(Items([]))


def test_iterable_data_sets_have_no_length() -> None:
    class Stream(IterableDataset):
        def __iter__(self) -> object:
            return iter(PICTURES)

    with pytest.raises(ArgumentError, match="give a map-style data set"):
        opened(Stream())


@pytest.mark.parametrize("spec", [7, None, io.BytesIO(), iter([])])
def test_other_objects_are_errors(spec: object) -> None:
    with pytest.raises(ArgumentError, match="no data that can be opened"):
        opened(spec)
