"""Which files a name of shards names: `train-{000000..000009}.tar`, a folder of them, a pattern, addresses."""

from __future__ import annotations

import glob
import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

from contrapose.data.files.names import expanded
from contrapose.data.files.part_names import Layout, OnlyHeldOutError, layout
from contrapose.data.files.walk import SUFFIXES
from contrapose.data.shards.remote import ADDRESS, local_copies, matching_addresses
from contrapose.data.shards.streaming import streamed
from contrapose.data.shards.writing import MANIFEST
from contrapose.errors import DataError

TAR, PARQUET = (".tar",), (".parquet", ".pq")
STREAM = "stream:"
"""Begins the name of a data set of the hub that is read once, as it comes, and kept in shards."""
PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
MOST_EXPANDED = 1_000_000  # names in braces
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_NUMBERED = re.compile(r"(.*-)(\d+)(-of-)(\d+)(\.[a-z.]+)")


def shard_paths(name: str) -> list[Path] | None:
    """The files of shards that `name` names, in order, those at addresses copied beforehand; None for other data.

    A single `.tar` is a shard; a single `.parquet` is a table, and none. A folder counts where shards lie in it and
    next to nothing else; of `train-...` beside `test-...` it gives those to train on.

    Errors:
        DataError: shards that are missing, cannot be fetched, are packed, or of two kinds.
    """
    if not name:
        return None
    if name.startswith(STREAM):
        return streamed(name.removeprefix(STREAM))
    if ADDRESS.match(name):
        return _of_addresses(name)
    path = expanded(name)
    text = str(path)
    if path.is_dir():
        return _of_folder(path)
    if text.lower().endswith(PACKED) and (path.is_file() or _is_several(text)):
        raise DataError(f"{name} is packed as a whole, so that no sample can be reached by itself: {_UNPACK}")
    if path.is_file():
        return [path] if path.suffix.lower() in TAR else None
    if not _is_shard(_BRACES.sub("", text)) or not _is_several(text):
        return None
    found = [one for part in _expanded(text) for one in _matching(part)]
    there = [one for one in found if one.is_file()]
    if not there:
        raise DataError(f"No file matches {name!r}. Quote the name in a shell, which may read braces and * itself.")
    lost = [one.name for one in found if not one.is_file()]
    if lost:
        raise DataError(_missing(lost, len(there), path.parent))
    return _one_kind(there, name)


_UNPACK = "gunzip it (a .tar by itself), or unpack it and give the folder."


def class_names(paths: Sequence[Path]) -> tuple[str, ...] | None:
    """The names of the classes 0, 1, ... of shards that `contrapose pack` made; None where there is no word of them."""
    names = _manifest(paths[0].parent).get("classes")
    return tuple(map(str, names)) if isinstance(names, list) else None


def first_shard(name: str) -> Path | None:
    """The first file of what `shard_paths` gives, or None: enough to see what is in shards."""
    found = shard_paths(name)
    return found[0] if found else None


def names_tars(data: Any) -> bool:
    """Whether data are named, and in tar files."""
    first = first_shard(os.fspath(data)) if isinstance(data, str | os.PathLike) else None
    return first is not None and first.suffix.lower() in TAR


def _is_shard(name: str) -> bool:
    return name.lower().endswith((*TAR, *PARQUET))


def is_there(text: str) -> bool:
    """Whether at least one file, or folder, is there that a path, a pattern or a name with braces stands for."""
    return any(one.exists() for part in _expanded(text) for one in (Path(part), *_matching(part)))


def _is_several(text: str) -> bool:
    return bool(_BRACES.search(text)) or glob.has_magic(text)


def _expanded(text: str) -> Iterator[str]:
    """All texts that braces stand for: `{000..012}` is a range of as many digits, `{a,b}` a choice."""
    choices = [_choices(piece) if place % 2 else [piece] for place, piece in enumerate(_BRACES.split(text))]
    if (count := math.prod(map(len, choices))) > MOST_EXPANDED:
        raise DataError(f"{text} stands for {count:,} names: give at most {MOST_EXPANDED:,}.")
    return map("".join, product(*choices))


def _choices(inner: str) -> Sequence[str]:
    found = _RANGE.fullmatch(inner)
    if found is None:
        return inner.split(",") if "," in inner else [f"{{{inner}}}"]
    first, last = found.groups()
    if int(last) - int(first) >= MOST_EXPANDED:
        raise DataError(f"{{{inner}}} stands for {int(last) - int(first) + 1:,} names: give at most {MOST_EXPANDED:,}.")
    return [f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]


def _matching(part: str) -> list[Path]:
    if not glob.has_magic(part):
        return [Path(part)]
    return [Path(one) for one in sorted(glob.glob(part, recursive=True))]  # noqa: PTH207 - it may be absolute


def _of_folder(folder: Path) -> list[Path] | None:
    """The shards that lie in a folder itself, if these are what it holds."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file() and entry.name[0] != ".")
    except OSError:
        return None  # opening it will say
    shards = [name for name in names if _is_shard(name)]
    packed = [name for name in names if name.lower().endswith(PACKED)]
    others = sum(os.path.splitext(name)[1].lower() in (*SUFFIXES, ".txt", ".py") for name in names)  # noqa: PTH122
    if not shards and packed and not others:
        raise DataError(
            f"{folder} holds packed archives ({packed[0]}, ...), in which no sample can be reached by itself: {_UNPACK}"
        )
    if not shards or others >= len(shards):
        return None
    used = _used(shards, folder)
    return _complete(_one_kind([folder / name for name in used], str(folder)))


def _used(names: Sequence[str], folder: Path) -> list[str]:
    """Those to train on, where the names of the shards say that others are held out."""
    groups = {re.sub(r"[\d_.-]+", "-", Path(name).stem): name for name in names}
    try:
        found: Layout | None = layout(list(groups))
    except OnlyHeldOutError:
        raise DataError(
            f"{folder} holds {', '.join(sorted(groups)[:4])} and no train: name those to open by a pattern, e.g. "
            f"{folder / names[0]}."
        ) from None
    if found is None or not found.aside:
        return list(names)
    return [name for name in names if re.sub(r"[\d_.-]+", "-", Path(name).stem) in found.used]


def _of_addresses(name: str) -> list[Path]:
    addresses = [one for part in _expanded(name) for one in matching_addresses(part, (*TAR, *PARQUET))]
    for one in addresses:
        if one.lower().endswith(PACKED):
            raise DataError(f"{one} is packed as a whole, so that no sample can be reached by itself: {_UNPACK}")
        if not _is_shard(one):
            raise DataError(f"{one} is no shard: data behind an address are .tar or .parquet files. Fetch it first.")
    if not addresses:
        raise DataError(f"Nothing matches {name!r}: give addresses of .tar or .parquet files.")
    paths = local_copies(addresses, beside=MANIFEST)
    paths = _one_kind(paths, name)
    return _complete(paths) if name.endswith("/") else paths


def _one_kind(paths: list[Path], name: str) -> list[Path]:
    endings = {path.suffix.lower() in TAR for path in paths}
    if len(endings) > 1:
        raise DataError(f"{name} names .tar and .parquet files: give those of one kind, by a pattern.")
    return paths


def _complete(paths: list[Path]) -> list[Path]:
    """Stop where the names of all shards of a folder (`train-00000-of-00004.tar`), or its list of them, tell of more.

    Errors:
        DataError: some are missing.
    """
    folder, wanted = paths[0].parent, dict[str, None]()
    for found in filter(None, (_NUMBERED.fullmatch(path.name) for path in paths)):
        before, number, of, count, ending = found.groups()
        wanted |= dict.fromkeys(f"{before}{one:0{len(number)}d}{of}{count}{ending}" for one in range(int(count)))
    listed = _manifest(folder).get("shards", [])
    wanted |= dict.fromkeys(map(str, listed if isinstance(listed, list) else []))
    there = {path.name for path in paths}
    lost = [name for name in wanted if name not in there]
    if lost:
        raise DataError(_missing(lost, len(paths), folder))
    return paths


def _missing(lost: Sequence[str], there: int, folder: Path) -> str:
    some = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
    return (
        f"{len(lost)} of {len(lost) + there} shards are missing in {folder}: {some}. Fetch them, or name those that "
        "are there by a pattern."
    )


def _manifest(folder: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}
