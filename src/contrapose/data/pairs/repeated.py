"""Tables with a row a caption: the rows that name one picture are one pair, with all their captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from contrapose.data.images.listing import Listing
from contrapose.data.pairs.captions import captions_of
from contrapose.words import counted


def by_picture(listing: Listing, captions: Sequence[tuple[str, ...]]) -> tuple[Listing, Sequence[tuple[str, ...]]]:
    """Each picture file once, where its name comes first, with the captions of all rows that name it.

    Left apart, each would be told to push itself away. Pictures that are no files are told apart by their rows.

    Arguments:
        listing: the rows of a table, with labels where it has some; that of the first row of a picture counts.
        captions: those of each row.
    """
    rows: dict[str, list[int]] = {}
    for row, picture in enumerate(listing.pictures):
        if not isinstance(picture, str):
            return listing, captions
        rows.setdefault(picture, []).append(row)
    if len(rows) == len(listing):
        return listing, captions
    firsts = np.array([some[0] for some in rows.values()])
    notes = [
        f"{len(listing):,} rows name {counted(len(rows), 'picture')}: rows of one picture are one pair, with the "
        "captions of all."
    ]
    if listing.labels is not None:
        numbers = listing.labels.numbers
        torn = sum(len({int(numbers[row]) for row in some}) > 1 for some in rows.values())
        if torn:
            notes.append(f"{counted(torn, 'picture')} with different labels in its rows: that of the first counts.")
    joined = [captions_of([text for row in some for text in captions[row]]) for some in rows.values()]
    return replace(listing.select(firsts), notes=(*listing.notes, *notes)), joined
