"""Packed pixels being written to a `.npy` file that appears under its name only when it is complete."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from contrapose.data.images.packing.packing import is_grey
from contrapose.errors import DataError

FULL = (errno.ENOSPC, errno.EDQUOT)


class FileSink:
    """Appends blocks of pixels to a file; becomes a read-only memory map.

    Written with plain writes rather than through a map, because a full disk is then an error that can be
    reported, and not a signal that ends the process.

    Arguments:
        folder: where the file is made.
        size: S of the `(k, C, S, S)` blocks.
        channels: C; `None`: one channel for as long as no picture has any colour, three from the first that
            has.
        count: how many pictures to expect at most; tells how much room is needed.

    Errors:
        DataError: not enough room, before writing or while at it.
    """

    def __init__(self, folder: Path, *, size: int, channels: int | None, count: int) -> None:
        self.folder = folder
        self.size = size
        self.expected = count
        self.undecided = channels is None
        self.channels = channels or 1
        self.count = 0
        self.path, self.file = self._start()

    @property
    def needed(self) -> int:
        """Bytes that the finished file will take."""
        return self.expected * self.channels * self.size**2

    def write(self, pixels: np.ndarray) -> None:
        if self.undecided and not is_grey(pixels):
            self._turn_to_colour()
        with self._room():
            self.file.write(np.ascontiguousarray(pixels[:, : self.channels]).data)  # (k, C, S, S)
        self.count += len(pixels)

    def finish(self) -> np.ndarray:
        with self._room():
            self.file.seek(0)
            self._write_header()
            self.file.flush()
            os.fsync(self.file.fileno())
        self.file.close()
        complete = self.folder / f"pixels-{self.path.stem}.npy"
        self.path.replace(complete)
        return np.load(complete, mmap_mode="r", allow_pickle=False)  # (N, C, S, S)

    def discard(self) -> None:
        with suppress(OSError):
            self.file.close()
        self.path.unlink(missing_ok=True)

    def _start(self) -> tuple[Path, BinaryIO]:
        if shutil.disk_usage(self.folder).free < self.needed:
            raise disk_full(self.folder, self.needed)
        path = self.folder / f"{uuid.uuid4().hex}.partial"
        self.file = path.open("w+b")
        self._write_header()
        return path, self.file

    def _write_header(self) -> None:
        # numpy pads the header so that it does not grow with N: it can be written again when N is known
        shape = (self.count, self.channels, self.size, self.size)
        np.lib.format.write_array_header_1_0(self.file, {"descr": "|u1", "fortran_order": False, "shape": shape})

    def _turn_to_colour(self) -> None:
        """Start again with three equal channels of everything so far, which was grey."""
        grey_path, grey_file, length = self.path, self.file, self.size**2
        grey_file.seek(-self.count * length, os.SEEK_END)
        self.undecided, self.channels = False, 3
        try:
            self.path, self.file = self._start()
            with self._room():
                for start in range(0, self.count, 1024):
                    block = grey_file.read(min(1024, self.count - start) * length)
                    pixels = np.frombuffer(block, np.uint8)
                    pixels = pixels.reshape(-1, 1, self.size, self.size)  # (k, 1, S, S)
                    self.file.write(np.repeat(pixels, 3, axis=1).data)  # (k, 3, S, S)
        finally:
            grey_file.close()
            grey_path.unlink(missing_ok=True)

    @contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in FULL:
                raise disk_full(self.folder, self.needed) from error
            raise


def disk_full(folder: Path, needed: int) -> DataError:
    """The error that says how much room is needed, and where."""
    room, free = _megabytes(needed), _megabytes(shutil.disk_usage(folder).free)
    return DataError(
        f"The disk is full: the packed pictures need {room} in {folder}, where {free} are free. Free some "
        "space, choose another folder with CONTRAPOSE_CACHE or cache=, or a smaller image_size."
    )


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
