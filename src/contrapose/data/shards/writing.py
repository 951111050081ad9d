"""Samples written into tar files, in their order, which read back to the same samples."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from contrapose.atomic import whole_folder, write_atomically
from contrapose.errors import ArgumentError, DataError

MANIFEST = "shards.json"
"""Beside shards that `contrapose pack` made: which there are, and what their classes are called."""
KEY_DIGITS = 9


@dataclass(frozen=True)
class Member:
    """What a sample has in a shard: its ending and its bytes."""

    ending: str
    content: bytes


Sample = tuple[Member, ...]


def write_shards(
    groups: Iterable[Iterable[Sample]],
    folder: Path,
    *,
    prefix: str = "shard",
    about: Callable[[], Mapping[str, Any]] = dict,
) -> list[Path]:
    """Write samples into `folder`, which is whole or absent: `PREFIX-00000-of-00004.tar`, ..., and `shards.json`.

    Arguments:
        groups: the samples of each shard; one without any makes none.
        about: further words for `shards.json`, when all is written.

    Errors:
        ArgumentError: the folder is there and not empty.
        DataError: no samples at all.
        RunError: it cannot be written.
    """
    check_new(folder)
    if folder.is_dir():
        folder.rmdir()
    with whole_folder(folder) as temporary:
        written: list[Path] = []
        row = 0
        for samples in groups:
            path = temporary / f"{len(written):05d}.tar"
            count = _write(path, samples, row)
            if count:
                written.append(path)
                row += count
            else:
                path.unlink()
        if not written:
            raise DataError("There are no samples to write.")
        names = [f"{prefix}-{number:05d}-of-{len(written):05d}.tar" for number in range(len(written))]
        for path, name in zip(written, names, strict=True):
            path.rename(temporary / name)
        told = {**about(), "samples": row, "shards": names}
        write_atomically(temporary / MANIFEST, json.dumps(told, indent=2).encode())
    return [folder / name for name in names]


def check_new(folder: Path) -> None:
    """Stop where something lies in a folder that is to be made.

    Errors:
        ArgumentError: it does.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ArgumentError(f"{folder} exists and is not empty: name a new folder for the shards.")


def in_groups(samples: Iterable[Sample], length: int) -> Iterator[Iterable[Sample]]:
    """So many samples at a time, as they come."""
    source = iter(samples)
    for first in source:
        yield chain([first], islice(source, length - 1))


def even_ranges(count: int, shards: int) -> list[range]:
    """Rows 0 to `count` - 1 in so many parts, the lengths of which differ by one at most."""
    return [range(count * number // shards, count * (number + 1) // shards) for number in range(shards)]


def _write(path: Path, samples: Iterable[Sample], first: int) -> int:
    """Samples into one tar file; how many there were. Its bytes say nothing of the time and the user."""
    done = 0
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for members in samples:
            for member in members:
                entry = tarfile.TarInfo(f"{first + done:0{KEY_DIGITS}d}.{member.ending}")
                entry.size = len(member.content)
                archive.addfile(entry, io.BytesIO(member.content))
                archive.members = []  # type: ignore[attr-defined]  # else it keeps all of them
            done += 1
    return done
