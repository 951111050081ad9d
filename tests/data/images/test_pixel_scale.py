from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from made_pictures import png_bytes
from PIL import Image

from contrapose.data import Images, open_data
from contrapose.data.images.pixels.pixel_range import range_of
from contrapose.errors import ArgumentError, DataError
from contrapose.preparation import Preparation


def noise(count: int = 12, *, channels: int = 1, seed: int = 0) -> np.ndarray:
    """`(N, 16, 16, C)` in [0, 1], with both ends in it."""
    values = np.random.default_rng(seed).random((count, 16, 16, channels))
    values[0, 0, 0], values[-1, -1, -1] = 0, 1
    return values


def opened(data: object, **options: object) -> Images:
    return open_data(data, progress=False, **options)


def expected(values: np.ndarray, white: float) -> np.ndarray:
    return np.round(np.clip(values * (255 / white), 0, 255)).transpose(0, 3, 1, 2)


@pytest.mark.parametrize(
    ("values", "white"),
    [
        ((noise() * 1023).astype(np.uint16), 1023),
        ((noise() * 4095).astype(np.uint16), 4095),
        ((noise() * 4095).astype(np.int16), 4095),
        ((noise() * 16383).astype(np.int64), 16383),
        ((noise() * 65535).astype(np.uint16), 65535),
        ((noise(channels=13) * 3000).astype(np.uint16), 4095),  # reflectance x 10000
        ((noise() * 255).astype(np.uint16), 255),
        (np.round(noise() * 4095), 4095),
        (np.round(noise() * 16), 16),  # the digits that scikit-learn brings
        ((noise() > 0.5).astype(np.int64), 1),
        (noise() * 255, 255),
        (noise(), 1),
        (noise() * (4095 / 65535), 1 / 16),
    ],
)
def test_the_white_level_is_the_next_of_a_kind(values: np.ndarray, white: float) -> None:
    images = opened(values)
    assert np.abs(images.pixels - expected(values, white)).max() <= 1
    kind = "floats" if values.dtype.kind == "f" else "integers"
    assert images.preparation == Preparation(**{kind: white})
    assert f"were taken as 0 to {white:g}" in images.notes[0]


@pytest.mark.parametrize("top", [1.02, float(np.nextafter(np.float32(1), np.float32(2))), 1.2])
@pytest.mark.parametrize("scale", [1, 255])
def test_what_overshoots_is_clipped_and_said(top: float, scale: int) -> None:
    values = (noise() * scale).astype(np.float32)
    plain = opened(values).pixels
    values[5, 3, 3], values[6, 3, 3] = top * scale, -0.02 * scale
    images = opened(values)
    assert images.preparation.floats == scale
    changed = plain != images.pixels
    assert changed.sum() == 2
    assert images.pixels[changed].tolist() == [255, 0]
    assert "lie outside and were clipped" in images.notes[0]


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_hot_pixel_does_not_take_the_grey_levels_of_all_others(dtype: type) -> None:
    values = np.round(noise(64) * 4095).astype(dtype)
    values[3, 3, 3] = 65535
    images = opened(values)
    assert len(np.unique(images.pixels)) == 256
    assert "clipped" in images.notes[0]


@pytest.mark.parametrize(
    "values", [noise() * 2 - 1, (noise() - 0.13) / 0.31, noise() * 3000 - 1000, (noise() * 1e6).astype(np.int64)]
)
def test_values_of_no_known_scale_are_refused_with_what_to_do(values: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"Undo a normalisation|which value is white with white="):
        opened(values)


def test_the_white_level_can_be_given() -> None:
    values = (noise() * 1000).astype(np.uint16)
    assert np.array_equal(opened(values, white=10_000).pixels, expected(values, 10_000))
    deep = (noise() * 2**20).astype(np.int64)
    assert np.array_equal(opened(deep, white=2**20).pixels, expected(deep, 2**20))
    with pytest.raises(ArgumentError, match="white must be a number above 0"):
        opened(values, white=0)


def test_eight_bits_are_what_they_are_whatever_is_settled() -> None:
    values = (noise() * 255).astype(np.uint8)
    images = opened(values, preparation=Preparation(integers=4095))
    assert np.array_equal(images.pixels, values.transpose(0, 3, 1, 2))
    assert images.notes == ()


@pytest.mark.parametrize("white", [None, 4095])
@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_with_a_preparation_a_picture_is_the_same_alone_and_among_others(dtype: type, white: float | None) -> None:
    values = (noise(8) * np.linspace(0.02, 1, 8)[:, None, None, None] * (4095 if white else 1)).astype(dtype)
    kept = Preparation(integers=white, floats=white)
    together = opened(values, preparation=kept).pixels
    alone = np.concatenate([opened(values[row : row + 1], preparation=kept).pixels for row in range(8)])
    assert np.array_equal(together, alone)


def test_without_a_level_nothing_is_guessed_from_a_few_pictures() -> None:
    nothing = Preparation()
    dark = opened((noise() * 3000).astype(np.uint16), preparation=nothing)
    assert dark.preparation.integers == 65535
    assert dark.notes[0].startswith("Attention: ")
    assert "white=" in dark.notes[0]
    for values in ((noise() * 3000).astype(np.int32), noise() * 255):
        with pytest.raises(DataError, match=r"where nothing else is known.*white="):
            opened(values, preparation=nothing)


def test_floats_on_another_scale_than_the_settled_one_are_refused() -> None:
    with pytest.raises(DataError, match="but 1 is known to be white"):
        opened(noise() * 255, preparation=Preparation(floats=1))
    assert opened(noise(), preparation=Preparation(floats=255)).pixels.max() == 1  # a dark one of that scale


def deep_files(folder: Path, kind: str, *, top: float = 4095) -> tuple[Path, np.ndarray]:
    """Twelve pictures that get brighter one by one, as files."""
    values = noise()[..., 0] * np.linspace(0.05, 1, 12)[:, None, None] * top  # (12, 16, 16)
    folder.mkdir()
    for row, picture in enumerate(values):
        array = picture.astype(np.float32 if kind == "float" else np.uint16)
        Image.fromarray(array).save(folder / f"{row:02}.{'png' if kind == 'png' else 'tif'}")
    return folder, values if kind == "float" else np.floor(values)


@pytest.mark.parametrize("kind", ["png", "tiff", "float"])
def test_deep_files_have_one_white_level(tmp_path: Path, kind: str, decoded: list) -> None:
    folder, values = deep_files(tmp_path / "deep", kind)
    images = opened(folder)
    assert np.abs(images.pixels[:, 0] - values * (255 / 4095)).max() <= 0.51
    assert images.preparation.white("floats" if kind == "float" else "integers") == 4095
    assert "0 to 4095 (12 bits)" in images.notes[0]
    count = len(decoded)
    again = opened(folder)  # from the cache
    assert len(decoded) == count
    assert (again.notes, again.preparation) == (images.notes, images.preparation)
    one = opened([next(folder.iterdir())], preparation=images.preparation, cache=False)
    assert np.array_equal(one.pixels[0], images.pixels[images.identifiers.index(one.identifiers[0])])


def test_lists_and_data_sets_of_pillow_images_have_one_white_level_too() -> None:
    pictures = [Image.fromarray((picture[..., 0] * 1023).astype(np.uint16)) for picture in noise()]

    class Pairs(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return len(pictures)

        def __getitem__(self, row: int) -> tuple[Image.Image, int]:
            return pictures[row], row % 2

    for data in (pictures, Pairs(), [png_bytes(picture) for picture in pictures]):
        images = opened(data)
        assert images.preparation == Preparation(integers=1023)
        assert images.pixels.max() == 255
    assert opened(Pairs()).labels.tolist() == [0, 1] * 6


def test_deep_and_plain_files_together(tmp_path: Path) -> None:
    folder, values = deep_files(tmp_path / "deep", "png")
    plain = (noise(1)[0, ..., 0] * 200).astype(np.uint8)
    Image.fromarray(plain).save(folder / "plain.png")
    Image.fromarray(np.full((16, 16), np.nan, np.float32)).save(folder / "nan.tif")
    images = opened(folder)
    assert np.array_equal(images.pixels[-1, 0], plain)
    assert np.abs(images.pixels[:-1, 0] - values * (255 / 4095)).max() <= 0.51
    assert [(item.path, "NaN" in item.reason) for item in images.skipped] == [("nan.tif", True)]


def test_plain_files_are_read_once(decoded: list) -> None:
    opened([png_bytes(Image.fromarray((noise(1)[0, ..., 0] * 255).astype(np.uint8)))] * 5)
    assert len(decoded) == 5


def colour_png(values: np.ndarray) -> bytes:
    """`(H, W, 3 or 4)` uint16 as a PNG of 16 bits, which Pillow cannot write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width, channels = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 6, 0, 0, 0)
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_colour_of_sixteen_bits_keeps_its_levels() -> None:
    values = (noise(channels=3) * 4095).astype(np.uint16)
    images = opened([colour_png(picture) for picture in values])
    assert np.array_equal(images.pixels, expected(values, 4095))
    clear = np.concatenate([values[0], np.full((16, 16, 1), 65535, np.uint16)], axis=2)
    assert np.array_equal(opened([colour_png(clear)], white=4095).pixels[0], images.pixels[0])


def test_a_range_is_the_same_whole_and_in_parts() -> None:
    values = noise(20) * 300 - 10
    assert range_of(values) == range_of(values[:7]) + range_of(values[7:])
    found = range_of(values)
    assert found.share_above(255) == np.mean(values > 255)
    assert found.negative == np.count_nonzero(values < 0)


def test_other_white_levels_are_other_data(tmp_path: Path) -> None:
    folder, _ = deep_files(tmp_path / "deep", "png")
    np.save(tmp_path / "deep.npy", (noise() * 4095).astype(np.uint16))
    for data in (folder, tmp_path / "deep.npy"):
        prints = [opened(data, **options).fingerprint for options in ({}, {"white": 4095}, {"white": 9999})]
        assert len(set(prints)) == 3 or prints[0] == prints[1] != prints[2]
        assert opened(data).fingerprint == prints[0]
