from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from contrapose.data.images.packing.packed_file import FileSink
from contrapose.errors import DataError

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 255, (5, 3, 6, 6), dtype=np.uint8)
GREY = np.repeat(RANDOM.integers(0, 255, (7, 1, 6, 6), dtype=np.uint8), 3, axis=1)


@pytest.mark.parametrize(
    ("blocks", "channels", "kept"),
    [
        ([GREY, GREY], None, 1),
        ([GREY, COLOUR, GREY], None, 3),
        ([COLOUR], None, 3),
        ([GREY], 3, 3),
        ([GREY[:, :1]], 1, 1),
    ],
)
def test_what_is_read_is_what_was_written(tmp_path: Path, blocks: list, channels: int | None, kept: int) -> None:
    sink = FileSink(tmp_path, size=6, channels=channels, count=50)
    for block in blocks:
        sink.write(block)
    pixels = sink.finish()
    assert isinstance(pixels, np.memmap)
    assert not pixels.flags.writeable
    assert np.array_equal(pixels, np.concatenate(blocks)[:, :kept])
    assert [path.name for path in tmp_path.iterdir()] == [Path(pixels.filename).name]
    assert Path(pixels.filename).stat().st_size == pixels.nbytes + 128  # fewer pictures than foreseen leave no gap


def test_nothing_has_its_final_name_before_the_end(tmp_path: Path) -> None:
    sink = FileSink(tmp_path, size=6, channels=None, count=5)
    sink.write(COLOUR)
    assert not list(tmp_path.glob("*.npy"))
    sink.discard()
    assert not list(tmp_path.iterdir())


def test_too_little_room_is_known_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(DataError, match=r"need 10\.8 MB in .*1\.0 MB are free.*CONTRAPOSE_CACHE") as error:
        FileSink(tmp_path, size=60, channels=3, count=1000)
    assert str(tmp_path) in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_on_the_way_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    sink = FileSink(tmp_path, size=6, channels=3, count=5)
    sink.write(COLOUR)
    with pytest.raises(DataError, match="disk is full"):
        sink.finish()
    assert not list(tmp_path.glob("*.npy"))


def test_other_errors_are_not_called_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    sink = FileSink(tmp_path, size=6, channels=3, count=5)
    with pytest.raises(OSError, match="input/output"):
        sink.finish()
