"""Masks of pictures: found beside them, and brought onto their pixels without being blended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_pictures import colour_picture, png_bytes
from PIL import Image

from contrapose.data import Images, open_data
from contrapose.data.images.masks import mask_folder
from contrapose.data.images.masks.reading import fitted
from contrapose.data.samples import MASK, VOID
from contrapose.errors import ArgumentError, DataError

WIDE = np.arange(8)[:, None] * 12 + np.arange(12)  # (8, 12), every pixel its own number


def image(mask: np.ndarray) -> Image.Image:
    return Image.fromarray(mask.astype(np.uint8))


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """`images/` of 12 x 8 and `masks/` of the same names."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for number in range(4):
        colour_picture(number, 12, 8).save(tmp_path / "images" / f"{number}.jpg")
        image(WIDE + number).save(tmp_path / "masks" / f"{number}.png")
    return tmp_path


def test_the_central_square_is_cut_as_that_of_the_picture() -> None:
    assert np.array_equal(fitted(WIDE, 8, "crop"), WIDE[:, 2:10])
    assert np.array_equal(fitted(WIDE.T, 8, "crop"), WIDE.T[2:10])
    assert np.array_equal(fitted(WIDE, 4, "crop"), WIDE[1::2, 3:10:2])  # nearest, never a number in between
    assert np.array_equal(fitted(WIDE, 16, "crop"), WIDE[:, 2:10].repeat(2, axis=0).repeat(2, axis=1))


def test_what_is_padded_has_no_class() -> None:
    found = fitted(WIDE, 12, "pad")
    assert np.array_equal(found[2:10], WIDE)
    assert (found[[0, 1, 10, 11]] == VOID).all()


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_masks_follow_the_geometry_of_their_pictures(fit: Any, tmp_path: Path) -> None:
    """Pictures that are their own masks: where the picture is bright the mask is 1."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    random = np.random.default_rng(0)
    for number, (height, width) in enumerate([(24, 36), (40, 20), (24, 24)]):
        bright = random.random((height // 4, width // 4)).repeat(4, axis=0).repeat(4, axis=1) > 0.5
        image(255 * bright).save(tmp_path / "images" / f"{number}.png")
        image(bright).save(tmp_path / "masks" / f"{number}.png")
    images = open_data(tmp_path, image_size=12, fit=fit, masks=str(tmp_path / "masks"), cache=False)
    masks = images.targets[MASK]
    assert masks.shape == (3, 12, 12)
    known = masks >= 0
    sure = (np.abs(images.pixels[:, 0].astype(int) - 128) > 90) & known  # the others are blended
    assert sure.mean() > 0.3
    assert ((images.pixels[:, 0] > 128) == masks)[sure].mean() == 1


def test_a_folder_beside_the_pictures_is_found_and_read(folders: Path) -> None:
    assert mask_folder(folders) == folders / "masks"
    assert mask_folder(folders / "images") is None
    images = open_data(folders, masks=folders / "masks", cache=False)
    assert len(images) == 4
    assert images.labels is None
    for number in range(4):
        assert np.array_equal(images.targets[MASK][number], WIDE[:, 2:10] + number)
    assert any(note.startswith("Masks from") for note in images.notes)
    some = open_data(folders, masks=folders / "masks", limit=2, cache=False)
    assert np.array_equal(some.targets[MASK], images.targets[MASK][[0, 2]])
    assert MASK not in open_data(folders, cache=False).targets, "nobody asked"


def test_names_may_differ_in_their_ending_and_folders(tmp_path: Path) -> None:
    for part in ("a", "b"):
        (tmp_path / "images" / part).mkdir(parents=True)
        (tmp_path / "gt" / part).mkdir(parents=True)
        for number in range(2):
            colour_picture(number, 8, 8).save(tmp_path / "images" / part / f"{number}.png")
        image(np.full((8, 8), ord(part))).save(tmp_path / "gt" / part / "0_L.png")
    images = open_data(tmp_path, masks=tmp_path / "gt", cache=False)
    found = dict(zip(images.identifiers, images.targets[MASK][:, 0, 0].tolist(), strict=True))
    assert found == {"images/a/0.png": 97, "images/a/1.png": -1, "images/b/0.png": 98, "images/b/1.png": -1}
    assert any("none for 2 of 4 pictures" in note for note in images.notes)


def test_a_column_of_a_table_is_read(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    pictures = [png_bytes(colour_picture(number, 12, 8)) for number in range(3)]
    masks = [png_bytes(image(WIDE + number)) for number in range(3)]
    polars.DataFrame({"image": pictures, "mask": masks}).write_parquet(tmp_path / "set.parquet")
    images = open_data(tmp_path / "set.parquet", masks="mask", cache=False)
    assert np.array_equal(images.targets[MASK], np.stack([WIDE[:, 2:10] + number for number in range(3)]))
    with pytest.raises(ArgumentError, match=r"no column 'masks'.*Did you mean 'mask'"):
        open_data(tmp_path / "set.parquet", masks="masks", cache=False)


def test_arrays_have_masks_beside_them(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 8, 12), dtype=np.uint8)
    masks = np.stack([WIDE + number for number in range(3)])
    np.savez(tmp_path / "set.npz", images=pixels, classes_of_pixels=masks)
    for images in (
        open_data(tmp_path / "set.npz", masks="classes_of_pixels"),
        open_data(pixels, masks=masks),
        open_data(pixels, masks=masks[:, None]),
        open_data([Image.fromarray(one) for one in pixels], masks=list(masks)),
    ):
        assert np.array_equal(images.targets[MASK], masks[:, :, 2:10])
    some = open_data(pixels, masks=masks, limit=2)
    assert np.array_equal(some.targets[MASK], masks[[0, 1], :, 2:10])


def test_pictures_that_are_resized_again_take_their_masks_along() -> None:
    masks = np.arange(4)[:, None, None] + np.zeros((4, 8, 8), dtype=int)
    masks[:, :4] += 10
    images = Images(np.zeros((4, 3, 8, 8), np.uint8)).with_target(MASK, masks)
    assert images.targets[MASK].dtype == np.int16
    small = open_data(images, image_size=4)
    assert np.array_equal(small.targets[MASK], masks[:, ::2, ::2])
    assert np.array_equal(small.subset([2]).targets[MASK], masks[2:3, ::2, ::2])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: colour_picture(0, 12, 8).save(folder / "0.png"), "a picture in colours"),
        (lambda folder: (folder / "0.png").write_bytes(b"nothing"), "cannot be read"),
        (lambda folder: Image.fromarray(np.full((8, 12), 0.5, np.float32)).save(folder / "0.tiff"), "colours|numbers"),
    ],
)
def test_what_is_no_mask_is_told_by_name(make: Callable[[Path], Any], words: str, folders: Path) -> None:
    (folders / "masks" / "0.png").unlink()
    make(folders / "masks")
    with pytest.raises(DataError, match=rf"mask of images/0.jpg .*({words})"):
        open_data(folders, masks=folders / "masks", cache=False)


def test_masks_that_are_not_there_are_told(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no folder"):
        open_data(folders, masks="nowhere", cache=False)
    (folders / "others").mkdir()
    with pytest.raises(DataError, match="holds no pictures"):
        open_data(folders / "images", masks=folders / "others", cache=False)
    image(WIDE).save(folders / "others" / "else.png")
    with pytest.raises(DataError, match=r"called as a picture is: 0.jpg has none, and there is else.png"):
        open_data(folders / "images", masks=folders / "others", cache=False)
    with pytest.raises(DataError, match="2 masks for 3 pictures"):
        open_data(np.zeros((3, 8, 8), np.uint8), masks=np.zeros((2, 8, 8), int))
    with pytest.raises(DataError, match="whole numbers"):
        open_data(np.zeros((3, 8, 8), np.uint8), masks=np.zeros((3, 8, 8)))
    with pytest.raises(ArgumentError, match="names no masks"):
        open_data(np.zeros((3, 8, 8), np.uint8), masks="mask")
    np.savez(tmp_path / "set.npz", images=np.zeros((3, 8, 8), np.uint8))
    with pytest.raises(ArgumentError, match="no array 'mask'"):
        open_data(tmp_path / "set.npz", masks="mask")


def test_street_scenes_have_twelve_numbers(shared_data: Callable[[str], Path]) -> None:
    images = open_data(shared_data("camvid/val.parquet"), masks="mask", limit=12, cache=False, progress=False)
    assert images.targets[MASK].shape == (12, 64, 64)
    assert {0, 1, 3, 11} <= set(np.unique(images.targets[MASK]).tolist()) <= set(range(12))
    road, sky = (images.targets[MASK] == number for number in (3, 0))
    assert np.argwhere(road)[:, 1].mean() > np.argwhere(sky)[:, 1].mean() + 20  # below it
