"""Where each member of a tar file lies: read once from its headers, kept, so that any sample is one read away.

CACHE/shards/index/NAME-KEY.npz      found again while the file has the same size and times
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.atomic import write_atomically
from contrapose.data.files.names import printable
from contrapose.data.images.listing import stamp
from contrapose.data.images.packing.cache import cache_folder
from contrapose.data.shards.blob import Blob
from contrapose.errors import DataError, RunError
from contrapose.words import counted

FORMAT = 1
BLOCKS, BLOCK = 16, 65_536  # evenly spaced blocks of content that the digest is of, and bytes in each [design]
_JPEG = (b"\xff\xd8\xff", b"\xff\xd9")
_ENDS = {
    **dict.fromkeys(("jpg", "jpeg", "jpe", "jfif"), _JPEG),
    "png": (b"\x89PNG", b"IEND\xaeB`\x82"),
    "gif": (b"GIF8", b";"),
    "webp": (b"RIFF", b""),
}
"""What pictures begin and end with."""
_ARRAYS = ("sample", "ending", "offset", "size", "doubtful")
_PIECE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,15}")


@dataclass(frozen=True)
class TarIndex:
    """The samples of one tar file: members side by side whose names differ in their endings only.

    Shapes:
        sample, ending, offset, size: `(M,)` int64, of each member: whose it is, which of `endings` it has, and its
            bytes.

        doubtful: `(M,)` whether its bytes do not begin and end as those of such pictures do.

    Arguments:
        keys: what each sample is called: the name of its members without the ending.
        endings: `jpg`, `cls`, `json`, ...
        digest: a hash of all names and sizes, and of the content in a few blocks: the same after the file was copied.
        whole: whether the file ends as tar files do.
    """

    keys: Blob
    endings: tuple[str, ...]
    sample: np.ndarray
    ending: np.ndarray
    offset: np.ndarray
    size: np.ndarray
    doubtful: np.ndarray
    digest: str
    whole: bool


def tar_index(path: Path) -> TarIndex:
    """The index of a tar file, from the cache where it is there.

    Errors:
        DataError: it is damaged, cut short, packed, or no tar file.
    """
    now = json.dumps([FORMAT, *stamp(str(path), path.name)])
    key = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    place = cache_folder() / "shards" / "index" / f"{path.stem[:40]}-{key}.npz"
    found = _kept(place, now)
    if found is not None:
        return found
    made = _read(path)
    with suppress(OSError, RunError):  # without a cache it is made anew each time
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, _packed(made, now))
    return made


def split_name(name: str) -> tuple[str, str]:
    """Key and ending of a member. The ending begins at the first dot of the file's name behind which nothing stands but
    words (`a.seg.png` is `seg.png` of a), so that dots in names do no harm (`12.5.2020.jpg` is a `jpg`)."""
    folder, slash, file = name.rpartition("/")
    pieces = file.split(".")
    start = len(pieces)
    while start > 1 and _PIECE.fullmatch(pieces[start - 1]):
        start -= 1
    return folder + slash + ".".join(pieces[:start]), ".".join(pieces[start:]).lower()


def _read(path: Path) -> TarIndex:
    keys: list[str] = []
    numbers: dict[str, int] = {}
    rows: list[tuple[int, int, int, int]] = []
    names, own = hashlib.sha256(), set[str]()
    for name, offset, size in _members(path):
        key, ending = split_name(name)
        names.update(f"{name}\n{size}\n".encode("utf-8", "surrogatepass"))
        if not keys or keys[-1] != key or ending in own:
            keys.append(key)
            own = set()
        own.add(ending)
        rows.append((len(keys) - 1, numbers.setdefault(ending, len(numbers)), offset, size))
    if not rows:
        raise DataError(f"{path} holds no files.")
    table = np.array(rows, dtype=np.int64)  # (M, 4)
    whole, content = _content(path, table)
    digest = hashlib.sha256(names.digest() + content).hexdigest()
    doubtful = np.array(_doubtful(path, rows, list(numbers)))  # (M,)
    sample, ending, offset, size = table.T
    return TarIndex(Blob.of(keys), tuple(numbers), sample, ending, offset, size, doubtful, digest, whole)


def _doubtful(path: Path, rows: Sequence[tuple[int, int, int, int]], endings: Sequence[str]) -> list[bool]:
    """Whether each member is called a picture and does not begin and end as one."""
    found = []
    with path.open("rb") as file:
        for _, ending, offset, size in rows:
            begin, end = _ENDS.get(endings[ending].rpartition(".")[2], (b"", b""))
            if not begin:
                found.append(not size)
                continue
            file.seek(offset)
            head = file.read(min(len(begin), size))
            file.seek(offset + max(0, size - len(end)))
            found.append(head != begin or (file.read(min(len(end), size)) != end))
    return found


def _members(path: Path) -> Iterator[tuple[str, int, int]]:
    """Name, offset and size of every file in a tar; what systems add of their own accord is passed by."""
    try:
        with tarfile.open(path, "r:") as archive:
            while (member := archive.next()) is not None:
                archive.members = []  # type: ignore[attr-defined]  # else it keeps all of them
                name = printable(member.name.removeprefix("./"))
                hidden = any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
                if member.isreg() and not hidden and not member.issparse():
                    yield name, member.offset_data, member.size
    except tarfile.TarError as error:
        raise DataError(_broken(path, error)) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}).") from error


def _broken(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
        return f"{path} is packed as a whole (gzip or the like), so that no sample can be reached by itself: unpack it."
    if not head:
        return f"{path} is empty (0 bytes). Fetch it again."
    if "unexpected end" in str(error):
        return f"{path} is cut short: its last file is not whole. Fetch it again, or leave this shard out."
    return f"{path} is damaged, or no tar file ({error}). Fetch it again, or leave this shard out."


def _content(path: Path, table: np.ndarray) -> tuple[bool, bytes]:
    """Whether empty blocks stand at the end, and a hash of some of the content.

    Errors:
        DataError: the last member is not whole, or something else stands behind it.
    """
    digest, length = hashlib.sha256(), path.stat().st_size
    last = int((table[:, 2] + table[:, 3]).max())
    if last > length:
        raise DataError(_broken(path, tarfile.ReadError("unexpected end of data")))
    with path.open("rb") as file:
        for place in range(BLOCKS):
            file.seek(last * place // BLOCKS)
            digest.update(file.read(min(BLOCK, last)))
        file.seek((last + 511) // 512 * 512)
        rest = file.read(1024)
    if length % 512 or any(rest):  # Python's reader takes a damaged header for the end
        raise DataError(
            f"{path} is damaged, or cut short, behind {counted(len(table), 'file')}. Fetch it again, or leave this "
            "shard out."
        )
    return len(rest) == 1024, digest.digest()


def _kept(place: Path, now: str) -> TarIndex | None:
    try:
        with np.load(place, allow_pickle=False) as found:
            if str(found["stamp"]) != now:
                return None
            return TarIndex(
                keys=Blob(found["content"], found["ends"]),
                endings=tuple(map(str, found["endings"])),
                digest=str(found["digest"]),
                whole=bool(found["whole"]),
                **{name: found[name] for name in _ARRAYS},
            )
    except (OSError, ValueError, KeyError, EOFError):  # absent, cut short, edited by hand
        return None


def _packed(made: TarIndex, now: str) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {name: getattr(made, name) for name in (*_ARRAYS, "digest", "whole")}
    endings: Sequence[str] = made.endings
    np.savez(buffer, stamp=now, content=made.keys.content, ends=made.keys.ends, endings=np.array(endings), **arrays)
    return buffer.getvalue()
