"""Pictures decoded when they are asked for: an array of pixels that takes neither memory nor disk."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, cast

import numpy as np

from contrapose.data.chosen import Chosen
from contrapose.data.images.listing import Listing
from contrapose.data.images.packing.packing import MemorySink, Packed, pack
from contrapose.data.images.pixels.decoding import PictureError, decode
from contrapose.data.images.request import Request
from contrapose.data.samples import evenly_spaced
from contrapose.errors import DataError
from contrapose.preparation import Preparation
from contrapose.words import counted

LOOKED_AT = 256  # pictures by which size, channels and white of all are settled [design]
PACKED_AT_MOST = 4 * 2**30
"""Bytes of pixels up to which pictures of shards are decoded once and kept in the cache [design]: 350,000 of 64 x 64 in
colour, which train several times faster so."""


class UnreadableError(DataError):
    """Pictures that turned out to be damaged when they were asked for.

    Arguments:
        reasons: what is wrong with each, by its row of the store.
    """

    def __init__(self, sentence: str, reasons: Mapping[int, str]) -> None:
        super().__init__(sentence)
        self.reasons = dict(reasons)


class DecodedOnDemand:
    """`(N, C, S, S)` uint8 pixels, indexed as an array is: by a number, numbers, truths or a slice of rows.

    Arguments:
        pictures: N encoded pictures.
        names: what each is called, for the error texts.
        channels, size: C and S.
        preparation: how all are decoded.
        workers: decoding threads; None: one a CPU core.

    Errors:
        UnreadableError: when damaged ones are asked for.
    """

    ndim, dtype = 4, np.dtype(np.uint8)

    def __init__(
        self,
        pictures: Sequence[Any],
        names: Sequence[str],
        *,
        channels: int,
        size: int,
        preparation: Preparation,
        workers: int | None = None,
    ) -> None:
        self.pictures, self.names, self.preparation = pictures, names, preparation
        self.shape = len(pictures), channels, size, size
        self.workers = workers or os.cpu_count() or 1

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, wanted: Any) -> np.ndarray:
        if isinstance(wanted, int | np.integer):
            return cast("np.ndarray", self[[wanted]][0])
        if isinstance(wanted, slice):
            wanted = range(*wanted.indices(len(self)))
        rows = np.asarray(wanted)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)  # (n,)
        decoded = list(self._pool.map(self._one, rows.tolist()) if self.workers > 1 else map(self._one, rows.tolist()))
        broken = {row: one for row, one in zip(rows.tolist(), decoded, strict=True) if isinstance(one, str)}
        if broken:
            first, reason = next(iter(broken.items()))
            more = f" and {len(broken) - 1} more of this batch" if len(broken) > 1 else ""
            raise UnreadableError(
                f"{self.names[first]}{more} cannot be read: {reason}. Write the shards anew without what is "
                "damaged: contrapose pack DATA --out NEW",
                broken,
            )
        return np.stack(cast("list[np.ndarray]", decoded)) if decoded else np.empty((0, *self.shape[1:]), np.uint8)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_pool"}

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.workers, thread_name_prefix="decode")

    def _one(self, row: int) -> np.ndarray | str:
        """The pixels of a picture, or what is wrong with it."""
        _, channels, size, _ = self.shape
        try:
            return decode(self.pictures[row], size=size, channels=channels, preparation=self.preparation).pixels
        except PictureError as error:
            return str(error)


def fits(listing: Listing, request: Request) -> bool:
    """Whether the pixels of a listing are few enough to be packed, at the size that was asked for or a usual one."""
    size = request.image_size or 64
    return len(listing) * (request.channels or 3) * size**2 <= PACKED_AT_MOST


def on_demand(listing: Listing, request: Request) -> Packed:
    """What packing would give, but for the work: evenly spaced pictures decide for all how they are decoded, and those
    whose bytes do not begin and end as pictures do are tried at once and left out if they are damaged.

    Errors:
        DataError: no picture among those that were looked at can be read.
    """
    some = listing.select(evenly_spaced(len(listing), LOOKED_AT))
    seen = pack(
        some.pictures,
        MemorySink,
        image_size=request.image_size,
        channels=request.channels,
        workers=request.workers,
        progress=False,
        preparation=request.settled,
        decide=request.decides,
    )
    _, channels, size, _ = seen.pixels.shape
    how: dict[str, Any] = {"channels": channels, "size": size, "preparation": seen.preparation}
    every = DecodedOnDemand(listing.pictures, listing.identifiers, workers=request.workers, **how)
    skipped = [(row, reason) for row in listing.doubtful if isinstance(reason := every._one(row), str)]
    rows = np.setdiff1d(np.arange(len(listing)), [row for row, _ in skipped])
    store = every
    if skipped:
        names = Chosen(listing.identifiers, rows)
        store = DecodedOnDemand(Chosen(listing.pictures, rows), names, workers=request.workers, **how)
    looked = f"as {counted(len(some), 'evenly spaced one')} decided"
    why = "" if fits(listing, request) else f": packed they would take {np.prod(store.shape) / 1e9:.1f} GB"
    note = f"Pictures are decoded each time they are asked for, at {size} x {size}, {looked}{why}."
    terms = [list(listing.digests), channels, size, seen.preparation.to_json()]
    checksum = hashlib.sha256(json.dumps(terms).encode()).hexdigest()
    return Packed(cast("np.ndarray", store), rows, skipped, seen.preparation, (*seen.notes, note), checksum)
