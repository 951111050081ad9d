from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from contrapose.data import Images, class_texts, only_labelled, open_data
from contrapose.errors import ArgumentError, DataError


def test_an_array_is_taken_without_a_copy(pictures: np.ndarray) -> None:
    images = open_data(pictures)
    assert images.store is pictures
    assert images.labels is None
    assert images.identifiers[95] == "95"
    assert images.fingerprint == open_data(pictures.copy()).fingerprint


def test_tensors_of_any_type(pictures: np.ndarray) -> None:
    tensor = torch.from_numpy(pictures)
    for form in (tensor, tensor.float() / 255, (tensor.double() / 255).requires_grad_()):
        assert np.array_equal(open_data(form).pixels, pictures)
    coarse = open_data((tensor / 255).to(torch.bfloat16)).pixels.astype(int)
    assert np.abs(coarse - pictures).max() <= 1


def test_labels_are_given_beside_it(pictures: np.ndarray) -> None:
    images = open_data(pictures, labels=["b", "a", "c"] * 32, limit=48)
    assert images.labels.tolist() == [1, 2, 0] * 16
    assert images.class_names == ("a", "b", "c")
    assert images.identifiers == [str(row) for row in range(0, 96, 2)]
    assert np.array_equal(images.pixels, pictures[::2])
    with pytest.raises(DataError, match="95 labels for 96 pictures"):
        open_data(pictures, labels=np.zeros(95))


def test_size_and_channels_on_request(pictures: np.ndarray) -> None:
    images = open_data(pictures[..., :12], image_size=8, channels=1)
    assert images.pixels.shape == (96, 1, 8, 8)
    assert len(images.notes) == 2


def test_arrays_of_objects(pictures: np.ndarray) -> None:
    same = np.empty(3, object)
    same[:] = list(pictures[:3])
    assert np.array_equal(open_data(same).pixels, pictures[:3])
    mixed = np.empty(2, object)
    mixed[:] = [np.zeros((3, 8, 8), np.uint8), np.zeros((3, 8, 9), np.uint8)]
    with pytest.raises(DataError, match=r"shapes \(3, 8, 8\), \(3, 8, 9\).*list of Pillow images"):
        open_data(mixed)
    mixed[:] = [{"a": 1}, None]
    with pytest.raises(DataError, match="Python objects"):
        open_data(mixed)


def test_npy_is_mapped_not_read(pictures: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", pictures.transpose(0, 2, 3, 1))
    images = open_data(tmp_path / "x.npy", labels=np.arange(96))
    assert np.array_equal(images.pixels, pictures)
    base = images.store
    while base.base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


@pytest.mark.parametrize(
    ("picture_key", "label_key"),
    [
        ("images", "labels"),
        ("X", "y"),
        ("x_train", "y_train"),
        ("train_images", "train_labels"),
        ("data", "target"),
    ],
)
def test_npz_with_usual_names(pictures: np.ndarray, tmp_path: Path, picture_key: str, label_key: str) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, other=np.zeros(5), **{picture_key: pictures, label_key: np.arange(96).reshape(96, 1)})
    images = open_data(path)
    assert np.array_equal(images.pixels, pictures)
    assert images.labels.tolist() == list(range(96))
    assert images.notes == (f"Pictures from array {picture_key!r}, labels from {label_key!r}.",)
    assert open_data(path, labels=False).labels is None


def test_npz_with_other_names(pictures: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, birds=pictures, species=np.arange(96) % 4, more=np.zeros(3))
    with pytest.raises(DataError, match=r"arrays birds, species, more: say which .* image_column="):
        open_data(path)
    images = open_data(path, image_column="birds", label_column="species")
    assert images.labels.max() == 3
    with pytest.raises(ArgumentError, match=r"no array 'bird'\. Did you mean 'birds'"):
        open_data(path, image_column="bird")
    with pytest.raises(ArgumentError, match="no array 'specie'"):
        open_data(path, image_column="birds", label_column="specie")


def test_npz_with_one_array_needs_no_name(pictures: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", anything=pictures)
    assert open_data(tmp_path / "x.npz").labels is None


def test_npz_class_names(pictures: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, images=pictures, labels=np.arange(96) % 2, class_names=np.array(["cat", "dog"]))
    assert open_data(path).class_names == ("cat", "dog")


def test_npz_labels_that_are_missing(pictures: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    labels = np.arange(96) % 3 - 1
    for form in (labels, np.where(labels < 0, np.nan, labels)):
        np.savez(path, images=pictures, labels=form, class_names=np.array(["10", "20"]))
        images = open_data(path)
        assert class_texts(images)[:3] == [None, "10", "20"]
        assert repr(images).startswith("Images(96 of 3 x 16 x 16, 2 classes")
        left = only_labelled(images)
        assert len(left) == 64
        assert left.notes[-1] == "32 of 96 samples are not labelled, and left out."
    np.savez(path, images=pictures, labels=np.full(96, -1))
    assert open_data(path).labels is None


def test_npz_labels_of_another_length(pictures: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=pictures, labels=np.zeros(7, int))
    with pytest.raises(DataError, match="7 labels for 96 pictures"):
        open_data(tmp_path / "x.npz")


def test_objects_in_files_are_refused_with_a_remedy(tmp_path: Path) -> None:
    objects = np.empty(2, object)
    objects[:] = [np.zeros((2, 2)), np.zeros((3, 3))]
    np.save(tmp_path / "x.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "x.npz", images=objects)
    for name in ("x.npy", "x.npz"):
        with pytest.raises(DataError, match="save them as picture files"):
            open_data(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01", b"PK\x03\x04 broken"])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_damaged_files_are_errors(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.np"):
        open_data(path)


def test_the_fingerprint_of_a_file_follows_its_pictures_and_not_its_time(pictures: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, images=pictures)
    first = open_data(path).fingerprint
    os.utime(path, ns=(1, 1))
    assert open_data(path).fingerprint == first
    assert open_data(path, image_size=8).fingerprint != first
    assert open_data(path, limit=8).fingerprint != first
    np.savez(path, images=pictures[:90])
    assert open_data(path).fingerprint != first


def test_rows_of_numbers_are_not_pictures() -> None:
    with pytest.raises(DataError, match="To learn from its rows: --modality rows"):
        open_data(np.zeros((50, 10)))


def test_real_archives(shared_data: Callable[[str], Path]) -> None:
    images: Images = open_data(shared_data("blood_cells/blood_cells32.npz"))
    assert images.pixels.shape == (2133, 3, 32, 32)
    assert images.class_names == ("RBC", "WBC", "Platelets")
    assert open_data(shared_data("mnist/test.npz")).pixels.shape == (10000, 1, 28, 28)
