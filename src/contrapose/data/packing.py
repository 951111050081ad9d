"""Many pictures decoded once, in parallel, into one block of uint8 pixels."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from PIL import Image

from contrapose.data.decoding import PictureError, decode, stored_size
from contrapose.errors import DataError

PHOTO_SIZE = 64  # working resolution of photos of various sizes; small enough to train on a CPU
LARGEST_KEPT_SIZE = 96  # pictures of one common size up to this (CIFAR, STL-10) are kept as they are
CHUNK = 32  # pictures a task: enough to hide the cost of a task, few enough to keep the bar moving


class Sink(Protocol):
    """Where packed pixels go, block after block."""

    def write(self, pixels: np.ndarray) -> None:
        """Append `(k, C, S, S)` pixels."""

    def finish(self) -> np.ndarray:
        """All that was written, `(N, C, S, S)`."""

    def discard(self) -> None:
        """Forget what was written."""


@dataclass(frozen=True)
class Packed:
    """Decoded pixels, which rows of the listing they are, and which rows could not be used and why.

    Shapes:
        pixels: `(N, C, S, S)` uint8.
        rows: `(N,)` int64, ascending.

    Arguments:
        checksum: `hash_pixels` of the pixels, where it is known.
    """

    pixels: np.ndarray
    rows: np.ndarray
    skipped: list[tuple[int, str]]
    checksum: str | None = None


@dataclass
class _Chunk:
    pixels: list[np.ndarray] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    sizes: set[tuple[int, int]] = field(default_factory=set)


class _MixedSizesError(Exception):
    """The pictures were taken to be of one size, and are not."""


class MemorySink:
    """Collects in memory; one channel is kept when no picture has any colour and nobody asked for three."""

    def __init__(self, size: int, channels: int | None) -> None:
        self.channels = channels
        self.blocks: list[np.ndarray] = []

    def write(self, pixels: np.ndarray) -> None:
        self.blocks.append(pixels)

    def finish(self) -> np.ndarray:
        grey = self.channels is None and all(is_grey(block) for block in self.blocks)
        return np.concatenate([block[:, :1] if grey else block for block in self.blocks])  # (N, C, S, S)

    def discard(self) -> None:
        self.blocks.clear()


def is_grey(pixels: np.ndarray) -> bool:
    """Whether all channels of `(k, C, S, S)` pixels are the same."""
    return bool((pixels[:, :1] == pixels[:, 1:]).all())


def pack(
    pictures: Sequence[Any],
    open_sink: Callable[[int, int | None], Sink],
    *,
    image_size: int | None,
    channels: int | None,
    workers: int | None,
    progress: bool,
) -> Packed:
    """Decode all pictures to one size and write them, in order, to a sink.

    Threads do the work: Pillow lets go of the interpreter while it decodes and resamples, and threads need
    neither a guarded main module nor a second import of everything, as spawned processes do.

    Arguments:
        open_sink: called with the working size and the channels asked for.
        image_size: working size; `None`: the common size of the pictures if they have one of at most 96
            pixels, else 64.
        channels: 1 or 3; `None`: 1 if all pictures are grey, else 3.
        workers: threads; `None`: one a CPU core.

    Errors:
        DataError: no picture could be decoded, or the sink could not take them.
    """
    size, common = (image_size, None) if image_size else _working_size(pictures)
    workers = workers or os.cpu_count() or 1
    with suppress(_MixedSizesError):
        return _pack(pictures, open_sink, size, common, channels, workers, progress)
    return _pack(pictures, open_sink, PHOTO_SIZE, None, channels, workers, progress)


def _working_size(pictures: Sequence[Any]) -> tuple[int, tuple[int, int] | None]:
    """The working size, and the stored size that all pictures must have for it to be right.

    Only the first readable picture is looked at: packing starts over should another one differ, which is
    cheaper than reading all headers beforehand.
    """
    for row in range(len(pictures)):
        try:
            width, height = stored_size(pictures[row])
        except PictureError:
            continue
        if max(width, height) <= LARGEST_KEPT_SIZE:
            return min(width, height), (width, height)
        break
    return PHOTO_SIZE, None


def _pack(
    pictures: Sequence[Any],
    open_sink: Callable[[int, int | None], Sink],
    size: int,
    common: tuple[int, int] | None,
    channels: int | None,
    workers: int,
    progress: bool,
) -> Packed:
    skipped: list[tuple[int, str]] = []
    sink = open_sink(size, channels)
    try:
        with (
            _bar(len(pictures), progress) as advance,
            _no_size_warnings(),
            closing(_chunks(pictures, size, channels or 3, workers)) as chunks,
        ):
            for chunk in chunks:
                if common and chunk.sizes - {common}:
                    raise _MixedSizesError
                skipped += chunk.skipped
                if chunk.pixels:
                    sink.write(np.stack(chunk.pixels))  # (k, C, S, S)
                advance(len(chunk.pixels) + len(chunk.skipped))
        if len(skipped) == len(pictures):
            raise DataError(_nothing_left(skipped))
        rows = np.setdiff1d(np.arange(len(pictures)), [row for row, _ in skipped])
        return Packed(sink.finish(), rows, skipped)
    except BaseException:
        sink.discard()
        raise


def _chunks(pictures: Sequence[Any], size: int, channels: int, workers: int) -> Generator[_Chunk]:
    """Decoded chunks in order, with a bounded number of them under way."""
    waiting: deque[Future[_Chunk]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    try:
        for start in range(0, len(pictures), CHUNK):
            rows = range(start, min(start + CHUNK, len(pictures)))
            # fetched here, as lazy sources (tables, data sets) need not be safe to share between threads
            waiting.append(pool.submit(_decode_chunk, rows, [pictures[row] for row in rows], size, channels))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _decode_chunk(rows: range, pictures: list[Any], size: int, channels: int) -> _Chunk:
    chunk = _Chunk()
    for row, picture in zip(rows, pictures, strict=True):
        try:
            pixels, stored = decode(picture, size=size, channels=channels)
        except PictureError as error:
            chunk.skipped.append((row, str(error)))
        else:
            chunk.pixels.append(pixels)
            chunk.sizes.add(stored)
    return chunk


def _nothing_left(skipped: list[tuple[int, str]]) -> str:
    reasons = sorted({reason for _, reason in skipped})
    return f"None of the {len(skipped)} pictures could be read: {'; '.join(reasons[:3])}."


@contextmanager
def _no_size_warnings() -> Iterator[None]:
    """Large photos are expected here; what is beyond Pillow's hard limit is skipped with that reason."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


@contextmanager
def _bar(total: int, shown: bool) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not (shown and console.is_terminal)) as bar:
        task = bar.add_task("Decoding pictures", total=total)
        yield lambda count: bar.update(task, advance=count)
