"""Data by their name: a file, a folder, a pattern, a data set of the hub or one that `datasets` saved."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from contrapose.data.files.known_sets import refuse_known_set
from contrapose.data.files.names import expanded, missing, printable
from contrapose.data.shards.names import shard_paths
from contrapose.data.tables.files import JSON_LINES, PARQUET
from contrapose.data.tables.hub import load_hub
from contrapose.data.tables.separated import SEPARATORS
from contrapose.data.tables.sources import Source, of_dataset
from contrapose.errors import ArgumentError, DataError

HUB = "hub:"
TABLES = (*PARQUET, *SEPARATORS, *JSON_LINES)
SAVED = ("state.json", "dataset_dict.json")  # one of them lies in a folder that `datasets` saved

F = TypeVar("F")


@dataclass(frozen=True)
class Ways(Generic[F]):
    """How a kind of data opens what a name turns out to be.

    Arguments:
        source: a data set of the hub, or a saved one.
        file, folder: what is there.
        pattern: the files that match one, of which there is one at least; or shards.
        usual: what to give where the name is empty, for people.
        embedded: names of data sets that come with the package.
    """

    source: Callable[[Source], F]
    file: Callable[[Path], F]
    folder: Callable[[Path], F]
    pattern: Callable[[Sequence[Path]], F]
    usual: str
    embedded: Sequence[str] = ()


def of_name(name: str, ways: Ways[F]) -> F:
    """What `name` names.

    Errors:
        DataError: it is not there, or may not be read.
        ArgumentError: an empty name.
        MissingExtraError: the hub needs the extra `hub`.
    """
    if not name:
        raise ArgumentError(f"The name of the data is empty: give {ways.usual}.")
    if name.startswith(HUB):
        return ways.source(of_dataset(load_hub(name.removeprefix(HUB)), name))
    shards = shard_paths(name)
    if shards is not None:
        return ways.pattern(shards)
    path = expanded(name)
    try:
        if is_saved(path):
            return ways.source(of_dataset(load_hub(str(path)), f"data set {path}"))
        if path.is_dir():
            return ways.folder(path)
        if path.is_file():
            return ways.file(path)
    except PermissionError as error:
        where = printable(str(error.filename or path))
        raise DataError(f"{where} cannot be read ({error.strerror}): ask its owner, or check with ls -ld.") from error
    refuse_known_set(name, remedy=f"give {ways.usual}")
    if glob.has_magic(name):
        return ways.pattern(matching(str(path)))
    raise DataError(missing(path, ways.embedded))


def is_saved(folder: Path) -> bool:
    """Whether `datasets` saved a data set there; no where it may not be looked at."""
    return any(os.path.isfile(folder / mark) for mark in SAVED)  # noqa: PTH113 - a Path's own would raise there


def matching(pattern: str) -> list[Path]:
    """The files that a pattern matches, by name.

    Errors:
        DataError: there is none.
    """
    found = [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207 - it may be absolute
    if not found:
        raise DataError(f"No file matches {pattern!r}. Quote the pattern in a shell; `**` matches any depth.")
    return found
