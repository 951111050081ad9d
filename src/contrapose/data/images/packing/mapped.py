"""Memory maps of which a process keeps no more than it is looking at."""

from __future__ import annotations

import mmap
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

AROUND = 65_536  # bytes that the system maps around each place that is read
HELD = 8 * 2**20  # bytes of a map that may stay in the process's memory [design]
_read: WeakKeyDictionary[mmap.mmap, int] = WeakKeyDictionary()  # bytes of each since it was last let go of


def given_back(store: Any, rows: int) -> None:
    """Count what was read of a memory map, and let go of it when that is much: it stays in the system's cache, but
    counts no longer as memory of the process, which so stays flat however large the file is.

    Arguments:
        store: an array; what is no map is left alone.
        rows: of it that were read just now.
    """
    found = getattr(store, "_mmap", None)
    if found is None or not hasattr(mmap, "MADV_DONTNEED") or not rows:
        return
    row = store.nbytes // max(len(store), 1)
    read = _read.get(found, 0) + rows * max(row, AROUND)
    if read > HELD:
        found.madvise(mmap.MADV_DONTNEED)  # of a read-only map of a file: nothing can be lost
        read = 0
    _read[found] = read


def rows_of(store: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """A copy of these rows."""
    found = np.ascontiguousarray(store[rows])
    given_back(store, len(rows))
    return found
