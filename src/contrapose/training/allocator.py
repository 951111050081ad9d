"""Memory that a step frees stays with the process for the next step: on Linux, a tenth of a training step on a CPU."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # the numbers of these options in glibc's malloc.h
OF_THE_USER = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_TOP_PAD_")
LARGEST_MMAP_THRESHOLD = 32 * 2**20  # glibc takes no more: larger blocks come from the system and go back to it
NEVER = 2**31 - 1
USUAL_TRIM = 2 * LARGEST_MMAP_THRESHOLD  # what glibc itself arrives at once a block of the largest size was freed


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Within it, glibc's malloc keeps what is freed; after it, free memory goes back to the system.

    torch frees every activation by the end of a step. malloc then gives the memory back, and the next step gets it page
    by page again, each page zeroed by the kernel. Results are the same bit for bit. Nothing happens where the C library
    is another one, or where the user tuned it (`MALLOC_TRIM_THRESHOLD_` and the like, or `GLIBC_TUNABLES`).
    """
    library = None if _tuned(os.environ) else _glibc()
    if library is None:
        yield
        return
    _set(library, trim=NEVER)
    try:
        yield
    finally:
        _set(library, trim=USUAL_TRIM)
        library.malloc_trim(0)


def _set(library: ctypes.CDLL, *, trim: int) -> None:
    library.mallopt(MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
    library.mallopt(TRIM_THRESHOLD, trim)


def _glibc() -> ctypes.CDLL | None:
    if platform.libc_ver()[0] != "glibc":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


def _tuned(environment: Mapping[str, str]) -> bool:
    return any(name in environment for name in OF_THE_USER) or "malloc" in environment.get("GLIBC_TUNABLES", "")
