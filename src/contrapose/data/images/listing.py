"""A listing: pictures that were found, but not yet decoded."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from contrapose.data.chosen import Chosen
from contrapose.data.labels import Labels, choose_labels

Stamp = tuple[str, int, int, int]  # a file's name, size in bytes, times of change of its content and of its entry in ns


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Pictures in any encoding and of any size, in the order in which they become rows.

    Arguments:
        pictures: N of them, each a file's path (text), the bytes of an encoded file, a Pillow image, or
            `None` where there is none; may be lazy, and is then read in ascending order.
        identifiers: N texts: path relative to the data, or row number.
        origin: one sentence on where they come from.
        labels: their classes, where known.
        numbers: `(N,)` a number each, where one was asked for.
        masks: their masks, in whatever form pictures may have, where these were asked for; None where one has none.
        place: what this data is called on this machine (an absolute path); `None` when it lives in memory
            only.
        stamps: the files that hold the pictures, as they were when listed: as long as these stay the same,
            what was decoded from them can be used again.
        within: paths of further files that hold the pictures, which are looked at like the stamped ones although they
            are not what the data is called by; a sequence also says that pictures may be paths of files that nobody has
            listed, to be found when they are read. `None`: no such files.
        digests: of pictures that can be read at any place without what stands before (those of shards): hashes of the
            files that hold them.
        doubtful: rows of such whose bytes do not begin and end as those of pictures do.
        notes: what a person should know of how they were found.
        others: how many files of each suffix lay beside them and are no pictures.
    """

    pictures: Sequence[Any]
    identifiers: Sequence[str]
    origin: str
    labels: Labels | None = None
    numbers: np.ndarray | None = None
    masks: Sequence[Any] | None = None
    place: str | None = None
    stamps: Sequence[Stamp] = ()
    within: Sequence[str] | None = None
    digests: Sequence[str] = ()
    doubtful: Sequence[int] = ()
    notes: tuple[str, ...] = ()
    others: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.pictures)

    def select(self, rows: np.ndarray) -> Listing:
        """Only these rows, in this order."""
        return replace(
            self,
            pictures=Chosen(self.pictures, rows),
            identifiers=[self.identifiers[row] for row in rows],
            labels=None if self.labels is None else self.labels.select(rows),
            numbers=None if self.numbers is None else self.numbers[rows],
            masks=None if self.masks is None else Chosen(self.masks, rows),
            doubtful=np.flatnonzero(np.isin(rows, self.doubtful)).tolist() if len(self.doubtful) else (),
        )

    def with_labels(self, asked: Any) -> Listing:
        """With the labels that the user asked for (see `choose_labels`)."""
        return replace(self, labels=choose_labels(self.labels, asked, len(self)))

    def digest(self, *terms: object) -> str:
        """A hash of which pictures of which files these are, as the files stand now, and of `terms`."""
        return _hash(list(self.stamps), list(self.identifiers), terms)

    def former_fingerprint(self, *terms: object) -> str:
        """What earlier versions called these pictures: another text after the files were copied, whose times differ."""
        return _hash([found[:3] for found in self.stamps], list(self.identifiers), terms)


class Watched(Sequence[Any]):
    """Pictures some of which are paths of files that nobody has listed: each is stamped before it is handed out."""

    def __init__(self, listing: Listing) -> None:
        self.pictures = listing.pictures
        self.found = {path: stamp(path, path) for path in listing.within or ()}

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, row: Any) -> Any:
        picture = self.pictures[row]
        if isinstance(picture, str) and picture not in self.found:
            self.found[picture] = stamp(picture, picture)
        return picture


def stamp(path: str, name: str) -> Stamp:
    """What tells whether a file has changed; size and times are -1 when it is not there.

    The time of the entry (ctime) cannot be set by a program: it gives away a file that was replaced by one of the same
    size and with the old time. The inode would add nothing, and is another after each mount on some network drives.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path a file is slow for a million files
    except OSError:
        return name, -1, -1, -1
    return name, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _hash(*terms: object) -> str:
    return hashlib.sha256(json.dumps(terms).encode()).hexdigest()
