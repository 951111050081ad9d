"""Many pictures decoded once, in parallel, into one block of uint8 pixels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from contrapose.data.images.packing.chunks import bar, in_chunks
from contrapose.data.images.pixels.decoding import PictureError, UndecidedError, decode, deep_range, stored_size
from contrapose.data.images.pixels.fitting import files_note
from contrapose.data.images.pixels.pixel_scale import Ranges, add, as_taken, decided, usable
from contrapose.errors import DataError
from contrapose.preparation import Fit, Preparation

DEFAULT = Preparation()

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
        preparation: how it was done: what was asked for, and what was decided.
        notes: what a person should know of it.
        checksum: `hash_pixels` of the pixels, where it is known.
    """

    pixels: np.ndarray
    rows: np.ndarray
    skipped: list[tuple[int, str]]
    preparation: Preparation = field(default_factory=Preparation)
    notes: tuple[str, ...] = ()
    checksum: str | None = None


@dataclass(frozen=True)
class _Plan:
    """At which size to decode, which stored size all pictures must have for that, and how to prepare them: by what
    was settled before, or by these pictures, which may be undecided as yet."""

    size: int
    common: tuple[int, int] | None
    channels: int | None
    settled: Preparation
    preparation: Preparation
    decided: bool


@dataclass
class _Chunk:
    pixels: list[np.ndarray] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    stacks: int = 0
    ranges: Ranges = field(default_factory=dict)

    def __iadd__(self, other: _Chunk) -> _Chunk:
        """All but the pixels."""
        self.skipped += other.skipped
        self.sizes += other.sizes
        self.stacks += other.stacks
        for found in other.ranges.items():
            add(self.ranges, found)
        return self


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
    preparation: Preparation = DEFAULT,
    decide: bool = True,
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
        preparation: how to make them square, and white levels that were settled before.
        decide: find missing white levels by the range of all pictures deeper than 8 bits. These are then read
            twice; where there are none, that costs nothing.

    Errors:
        DataError: no picture could be decoded, or the sink could not take them.
    """
    size, common = (image_size, None) if image_size else _working_size(pictures, preparation.fit)
    plan = _Plan(size, common, channels, preparation, preparation, decided=not decide)
    workers = workers or os.cpu_count() or 1
    while True:
        try:
            return _pack(pictures, open_sink, plan, workers, progress)
        except _MixedSizesError:
            plan = replace(plan, size=PHOTO_SIZE, common=None)
        except UndecidedError:
            plan = replace(plan, preparation=decided(preparation, _deep_ranges(pictures, workers)), decided=True)


def _working_size(pictures: Sequence[Any], fit: Fit) -> tuple[int, tuple[int, int] | None]:
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
            return (max if fit == "pad" else min)(width, height), (width, height)
        break
    return PHOTO_SIZE, None


def _pack(
    pictures: Sequence[Any],
    open_sink: Callable[[int, int | None], Sink],
    plan: _Plan,
    workers: int,
    progress: bool,
) -> Packed:
    whole = _Chunk()
    sink = open_sink(plan.size, plan.channels)
    try:
        with (
            bar(len(pictures), progress) as advance,
            closing(in_chunks(pictures, lambda rows, some: _decode_chunk(rows, some, plan), workers, CHUNK)) as chunks,
        ):
            for chunk in chunks:
                if plan.common and set(chunk.sizes) - {plan.common}:
                    raise _MixedSizesError
                whole += chunk
                if chunk.pixels:
                    sink.write(np.stack(chunk.pixels))  # (k, C, S, S)
                advance(len(chunk.pixels) + len(chunk.skipped))
        if len(whole.skipped) == len(pictures):
            raise DataError(_nothing_left(whole.skipped))
        rows = np.setdiff1d(np.arange(len(pictures)), [row for row, _ in whole.skipped])
        preparation, scaling = as_taken(whole.ranges, plan.preparation, settled=plan.settled)
        return Packed(sink.finish(), rows, whole.skipped, preparation, (*scaling, *_notes(whole, plan)))
    except BaseException:
        sink.discard()
        raise


def _decode_chunk(rows: range, pictures: list[Any], plan: _Plan) -> _Chunk:
    chunk = _Chunk()
    for row, picture in zip(rows, pictures, strict=True):
        try:
            decoded = decode(
                picture,
                size=plan.size,
                channels=plan.channels or 3,
                preparation=plan.preparation,
                decided=plan.decided,
            )
        except PictureError as error:
            chunk.skipped.append((row, str(error)))
        else:
            chunk.pixels.append(decoded.pixels)
            chunk.sizes.append(decoded.stored)
            chunk.stacks += decoded.pages
            add(chunk.ranges, decoded.deep)
    return chunk


def _deep_ranges(pictures: Sequence[Any], workers: int) -> Ranges:
    """The range of all usable pictures deeper than 8 bits; of the others only the headers are read."""

    def ranges_of(_: range, some: list[Any]) -> Ranges:
        found: Ranges = {}
        for picture in some:
            with suppress(PictureError):  # it is skipped with that reason when it is decoded
                add(found, usable(deep_range(picture)))
        return found

    whole: Ranges = {}
    with closing(in_chunks(pictures, ranges_of, workers, CHUNK)) as chunks:
        for chunk in chunks:
            for found in chunk.items():
                add(whole, found)
    return whole


def _notes(whole: _Chunk, plan: _Plan) -> Iterator[str]:
    if (note := files_note(whole.sizes, plan.preparation.fit)) is not None:
        yield note
    if whole.stacks:
        have, pictures = ("has", "picture") if whole.stacks == 1 else ("have", "pictures")
        yield f"{whole.stacks:,} {pictures} {have} more than one page or frame, of which only the first is used."


def _nothing_left(skipped: list[tuple[int, str]]) -> str:
    reasons = sorted({reason for _, reason in skipped})
    return f"None of the {len(skipped)} pictures could be read: {'; '.join(reasons[:3])}."
