"""The samples of many tar files as one sequence, and the members of each: picture, text, label, what JSON says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.data.images.listing import Stamp, stamp
from contrapose.data.shards.blob import Blob
from contrapose.data.shards.tar_index import TarIndex, tar_index
from contrapose.data.tables.columns import Kind
from contrapose.errors import DataError

LOOKED_AT = 64  # samples by which it is told what the keys of JSON members hold


class TarSamples:
    """N samples in tar files, in the order of the files and of their members.

    Shapes:
        ends: `(S,)` int64, the number of samples up to the end of each file.

    Errors:
        DataError: a file that is no whole tar file.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)
        self.indices: list[TarIndex] = [tar_index(path) for path in self.paths]
        self.ends = np.cumsum([len(index.keys) for index in self.indices])
        self.endings = list(dict.fromkeys(name for index in self.indices for name in index.endings))
        self.origin = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
        self.place = "|".join(str(path.resolve()) for path in paths)

    def __len__(self) -> int:
        return int(self.ends[-1])

    @property
    def digests(self) -> list[str]:
        """A hash of each file."""
        return [index.digest for index in self.indices]

    @property
    def stamps(self) -> list[Stamp]:
        """What tells whether a file has changed since."""
        return [stamp(str(path), path.name) for path in self.paths]

    @property
    def notes(self) -> tuple[str, ...]:
        """Files that do not end as tar files do, which may be cut short."""
        odd = [path.name for path, index in zip(self.paths, self.indices, strict=True) if not index.whole]
        if not odd:
            return ()
        return (f"{', '.join(odd[:3])}{' and others' if len(odd) > 3 else ''}: no end mark, so it may be cut short.",)

    def keys(self) -> Sequence[str]:
        """What each sample is called: by its key where these differ, else `SHARD:KEY`."""
        every = [key for index in self.indices for key in index.keys]
        if len(set(every)) == len(every):
            return Blob.of(every)
        named = zip(self.paths, self.indices, strict=True)
        return Blob.of(f"{path.name}:{key}" for path, index in named for key in index.keys)

    def members(self, endings: Sequence[str]) -> Members:
        """Of each sample the member with the first of these endings that it has."""
        offset, size = (np.full(len(self), -1, dtype=np.int64) for _ in range(2))  # (N,) each
        for index, end in zip(self.indices, self.ends.tolist(), strict=True):
            start = end - len(index.keys)
            for ending in reversed([one for one in endings if one in index.endings]):
                chosen = index.ending == index.endings.index(ending)  # (M,)
                offset[start + index.sample[chosen]] = index.offset[chosen]
                size[start + index.sample[chosen]] = index.size[chosen]
        return Members(self.paths, self.ends, offset, size)

    def doubtful(self, endings: Sequence[str]) -> list[int]:
        """The samples of which no member has one of these endings, or one that does not begin and end as it should."""
        fine = np.zeros(len(self), dtype=bool)  # (N,)
        for index, end in zip(self.indices, self.ends.tolist(), strict=True):
            named = np.isin(index.ending, [index.endings.index(one) for one in endings if one in index.endings])  # (M,)
            fine[end - len(index.keys) + index.sample[named & ~index.doubtful]] = True
            fine[end - len(index.keys) + index.sample[named & index.doubtful]] = False
        return np.flatnonzero(~fine).tolist()

    def ending_with(self, suffixes: Sequence[str]) -> list[str]:
        """The endings that are one of these, then those of which the last part is (`seg.png`)."""
        last = [one for one in self.endings if one.rpartition(".")[2] in suffixes]
        return sorted(last, key=lambda one: one.count("."))

    def said(self) -> Mapping[str, Kind]:
        """What the JSON members of the first samples hold, by key."""
        objects = [found for _, found in zip(range(LOOKED_AT), self.objects(), strict=False)]
        names = dict.fromkeys(str(name) for found in objects for name in found)
        return {name: _kind([found[name] for found in objects if found.get(name) is not None]) for name in names}

    def objects(self) -> Iterator[Mapping[str, Any]]:
        """What the JSON member of each sample says; nothing where it has none, or one that is no object."""
        for content in self.members(["json"]):
            found: Any = None
            if content is not None:
                with suppress(ValueError):
                    found = json.loads(content)
            yield found if isinstance(found, dict) else {}


class Members(Sequence[Any]):
    """One member of each of N samples as bytes, read when it is asked for; None where a sample has none.

    Shapes:
        ends: `(S,)`; offset, size: `(N,)` int64, -1 where there is none.
    """

    def __init__(self, paths: Sequence[Path], ends: np.ndarray, offset: np.ndarray, size: np.ndarray) -> None:
        self.paths, self.ends, self.offset, self.size = paths, ends, offset, size
        self._open: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.offset)

    def __getitem__(self, row: Any) -> Any:
        row = range(len(self))[row]  # of negative ones, and of none
        offset, size = int(self.offset[row]), int(self.size[row])
        if offset < 0:
            return None
        shard = int(np.searchsorted(self.ends, row, side="right"))
        try:
            if shard not in self._open:
                self._open[shard] = os.open(self.paths[shard], os.O_RDONLY | getattr(os, "O_BINARY", 0))
            found = _read_at(self._open[shard], size, offset)
        except OSError as error:
            raise DataError(f"{self.paths[shard]} cannot be read ({error.strerror or error}).") from error
        if len(found) != size:
            raise DataError(f"{self.paths[shard]} became shorter since it was opened. Fetch it again.")
        return found

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    def __del__(self) -> None:
        for descriptor in self._open.values():
            with suppress(OSError):
                os.close(descriptor)


def _read_at(descriptor: int, size: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, offset)  # several threads may
    os.lseek(descriptor, offset, os.SEEK_SET)  # Windows
    return os.read(descriptor, size)


def _kind(values: Sequence[Any]) -> Kind:
    if values and all(isinstance(value, str) for value in values):
        return "text"
    if values and all(isinstance(value, int) for value in values):
        return "whole"
    return "number" if values and all(isinstance(value, int | float) for value in values) else "other"
