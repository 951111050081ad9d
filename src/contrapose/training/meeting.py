"""Where the processes of a launcher meet: at a place of its own for each training that they do together.

They find each other through a store of keys, which lives as long as the launcher does. A group of processes writes its
addresses there, every group under the same keys, and nobody removes them. So a second group would find those of the
first, and wait for minutes at sockets that are closed. Here the keys of each group bear its number.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlparse

_SCHEME = "contrapose"

_numbers = itertools.count()
_first: list[tuple[Any, int, int]] = []
"""The store, this process's rank and their number, from the first time on: a process that serves the store itself must
not close it while others still ask."""


def next_meeting() -> str:
    """The `init_method` of this process's next group. Each process asks as often as the others."""
    from torch.distributed.rendezvous import register_rendezvous_handler

    number = next(_numbers)
    if number == 0:
        register_rendezvous_handler(_SCHEME, _meet)
    return f"{_SCHEME}://{number}"


def _meet(url: str, **options: Any) -> Iterator[tuple[Any, int, int]]:
    """What torch's `env://` gives, with the number before every key."""
    from torch.distributed import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    place = urlparse(url)
    if not _first:
        _first.append(next(rendezvous(f"env://?{place.query}", **options)))
    store, rank, size = _first[0]
    yield PrefixStore(f"{_SCHEME}/{place.netloc}", store), rank, size
