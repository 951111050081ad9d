"""Pictures in tar files, as a listing; and the look at some of them by which it is decided how all are decoded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from contrapose.data.files.walk import SUFFIXES
from contrapose.data.images.listing import Listing
from contrapose.data.images.request import Request
from contrapose.data.shards.members import TarSamples
from contrapose.data.shards.told import told_of
from contrapose.errors import ArgumentError, DataError
from contrapose.words import counted

PICTURES = tuple(sorted(suffix[1:] for suffix in SUFFIXES))


def list_tars(paths: Sequence[Path], request: Request) -> Listing:
    """The pictures of tar files, each read when it is asked for; samples without one are skipped as such.

    Errors:
        DataError: none of the samples has a picture, or a file is no whole tar file.
        ArgumentError: a key that the JSON members do not have.
    """
    if request.image_column is not None:
        raise ArgumentError(
            "image_column (--image-column) is of tables; in tar files pictures are told by their endings."
        )
    samples = TarSamples(paths)
    endings = samples.ending_with(PICTURES)
    if not endings:
        shown = ", ".join(f".{one}" for one in samples.endings[:6]) or "none"
        raise DataError(
            f"{samples.origin} holds no pictures (endings of its members: {shown}). Pictures end in .jpg, .png, .webp "
            "and the like; texts in .txt or .json: --modality text."
        )
    told = told_of(samples, request)
    shards = counted(len(paths), "shard")
    return Listing(
        pictures=samples.members(endings),
        identifiers=told.identifiers,
        labels=told.labels,
        numbers=None if told.numbers is None else np.asarray(told.numbers),
        origin=f"{shards}, {samples.origin}",
        place=samples.place,
        stamps=samples.stamps,
        digests=samples.digests,
        doubtful=samples.doubtful(endings),
        notes=(f"Pictures from .{' .'.join(endings)} of {shards}{told.note}.", *samples.notes),
    )
