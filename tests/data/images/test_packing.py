from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from made_pictures import colour_picture, png_bytes
from PIL import Image

from contrapose.data.images.packing import packing
from contrapose.data.images.packing.packing import MemorySink, Packed, pack
from contrapose.errors import DataError

COLOUR = [png_bytes(colour_picture(seed)) for seed in range(8)]
GREY = [png_bytes(colour_picture(seed).convert("L")) for seed in range(8)]
GREY_SAVED_AS_RGB = [png_bytes(colour_picture(seed).convert("L").convert("RGB")) for seed in range(8)]


def packed(pictures: Sequence[object], **options: object) -> Packed:
    settings = {"image_size": None, "channels": None, "workers": 2, "progress": False, **options}
    return pack(pictures, MemorySink, **settings)


def test_order_is_kept_whatever_the_threads_do(monkeypatch: pytest.MonkeyPatch) -> None:
    original = packing.decode

    def uneven(picture: bytes, **options: Any) -> object:
        time.sleep(0.002 * (hash(picture) % 3))
        return original(picture, **options)

    monkeypatch.setattr(packing, "decode", uneven)
    monkeypatch.setattr(packing, "CHUNK", 3)
    pictures = [png_bytes(Image.new("L", (4, 4), value)) for value in range(40)]
    result = packed(pictures, workers=4)
    assert result.pixels[:, 0, 0, 0].tolist() == list(range(40))


def test_one_common_small_size_is_kept() -> None:
    assert packed(COLOUR).pixels.shape == (8, 3, 20, 20)
    assert packed([png_bytes(colour_picture(0, 96, 80))]).pixels.shape == (1, 3, 80, 80)


def test_large_or_mixed_sizes_become_64() -> None:
    assert packed([png_bytes(colour_picture(0, 97, 97))] * 2).pixels.shape == (2, 3, 64, 64)
    assert packed([*COLOUR, png_bytes(colour_picture(0, 20, 21))]).pixels.shape == (9, 3, 64, 64)


def test_no_thread_goes_on_at_the_size_that_was_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    original = packing.decode

    def noted(picture: bytes, *, size: int, **options: Any) -> object:
        sizes.append(size)
        return original(picture, size=size, **options)

    monkeypatch.setattr(packing, "decode", noted)
    monkeypatch.setattr(packing, "CHUNK", 1)
    packed([COLOUR[0], png_bytes(colour_picture(0, 30, 30)), *COLOUR * 4], workers=1)
    assert sizes == sorted(sizes)  # 20, ..., then only 64
    assert sizes.count(20) < 8
    assert sizes.count(64) == 34


def test_the_size_that_was_asked_for_wins() -> None:
    assert packed(COLOUR, image_size=16).pixels.shape == (8, 3, 16, 16)


@pytest.mark.parametrize(
    ("pictures", "channels", "expected"),
    [
        (GREY, None, 1),
        (GREY_SAVED_AS_RGB, None, 1),
        ([*GREY, COLOUR[0]], None, 3),
        (COLOUR, None, 3),
        (GREY, 3, 3),
        (COLOUR, 1, 1),
    ],
)
def test_channels_follow_the_pictures_unless_asked_for(pictures: list, channels: int | None, expected: int) -> None:
    assert packed(pictures, channels=channels).pixels.shape[1] == expected


def test_unusable_pictures_are_skipped_with_their_row_and_reason() -> None:
    result = packed([COLOUR[0], b"", COLOUR[1], b"not a picture at all", COLOUR[2][:80]])
    assert result.rows.tolist() == [0, 2]
    assert np.array_equal(result.pixels[1], packed(COLOUR).pixels[1])
    assert [row for row, _ in result.skipped] == [1, 3, 4]
    assert [reason.split()[0] for _, reason in result.skipped] == ["empty", "not", "damaged"]


def test_the_working_size_is_that_of_the_first_readable_picture() -> None:
    assert packed([b"", b"x" * 50, *COLOUR]).pixels.shape == (8, 3, 20, 20)


def test_nothing_left_is_an_error_with_the_reasons() -> None:
    with pytest.raises(DataError, match=r"None of the 2 pictures could be read: empty .*; not a picture"):
        packed([b"", b"x" * 50])


def test_sources_are_read_by_one_thread_and_in_order() -> None:
    class Source(Sequence):
        asked: list[int] = []  # noqa: RUF012
        threads: set[int] = set()  # noqa: RUF012

        def __len__(self) -> int:
            return len(COLOUR)

        def __getitem__(self, row: int) -> bytes:
            self.asked.append(row)
            self.threads.add(threading.get_ident())
            return COLOUR[row]

    packed(Source(), image_size=20)
    assert Source.asked == list(range(8))
    assert Source.threads == {threading.get_ident()}


def test_an_error_of_the_source_stops_everything() -> None:
    class Broken(Sequence):
        def __len__(self) -> int:
            return 8

        def __getitem__(self, row: int) -> bytes:
            raise RuntimeError("source is broken")

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="source is broken"):
        packed(Broken(), image_size=20)
    assert threading.active_count() == before


def test_large_photos_are_no_reason_to_warn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)  # 400 pixels: warned of, but below twice the limit
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(packed(COLOUR, image_size=20).pixels) == 8
