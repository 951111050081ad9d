"""Packed pixels on disk: decoded once, found again while no file has changed, never seen half-written.

CACHE/pictures/NAME-KEY/index.json           what was packed from which files; replaced last, in one step
CACHE/pictures/NAME-KEY/pixels-TOKEN.npy     the pixels, named by the index
CACHE/pictures/NAME-KEY/TOKEN.partial        while being written
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.data.files.names import expanded
from contrapose.data.images.images import hash_pixels
from contrapose.data.images.listing import Listing, Watched, stamp
from contrapose.data.images.packing.packed_file import FileSink
from contrapose.data.images.packing.packing import Packed, pack
from contrapose.data.images.pixels.picture_limits import MOST_PIXELS, OF_THE_MOMENT, most_pixels
from contrapose.errors import DataError
from contrapose.preparation import Preparation

FORMAT = 2  # raised when pictures come to be decoded in another way: older entries are then built anew
INDEX = "index.json"


def cache_folder(cache: str | os.PathLike[str] | None = None) -> Path:
    """Where packed pictures are: `cache`, else `$CONTRAPOSE_CACHE`, else `contrapose` in the user's cache; for a user
    without one, in the system's temporary folder.
    """
    if cache is not None:
        return expanded(cache)
    if own := os.environ.get("CONTRAPOSE_CACHE"):
        return expanded(own)
    return _of_the_user() or _temporary()


def _of_the_user() -> Path | None:
    """`contrapose` in the user's cache; `None` where there is no home folder, or one that is not the user's, as for a
    user that a container has made up.
    """
    if own := os.environ.get("XDG_CACHE_HOME"):
        return Path(own) / "contrapose"
    with suppress(RuntimeError, OSError):
        folder = Path.home() / ".cache" / "contrapose"
        nearest = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
        return folder if os.access(nearest, os.W_OK) else None
    return None


def _temporary() -> Path:
    """A folder in the system's temporary one that no other user can have filled."""
    user = os.getuid() if hasattr(os, "getuid") else 0  # Windows has a folder for each user
    folder = Path(tempfile.gettempdir()) / f"contrapose-{user}"
    with suppress(OSError):
        folder.mkdir(mode=0o700)
    if folder.is_dir() and folder.stat().st_uid not in (user, 0):
        raise DataError(f"{folder} belongs to another user: choose a cache folder with CONTRAPOSE_CACHE or cache=.")
    return folder


def cached_pack(
    listing: Listing,
    folder: Path,
    *,
    image_size: int | None,
    channels: int | None,
    limit: int | None,
    workers: int | None,
    progress: bool,
    preparation: Preparation,
    decide: bool,
) -> Packed:
    """`pack` through the cache: what was decoded before is mapped into memory, if no file has changed since.

    Names, sizes and times of files are compared: of those that were listed, and of those in which pictures of a table
    turned out to lie. Processes that want the same pictures at once take turns: one decodes, the others find it.

    Errors:
        DataError: no picture can be read, or the folder is full or cannot be written.
    """
    prepared = [preparation.to_json(), decide] if preparation.differs_from_default or not decide else []
    limit_of_size = [most_pixels()] if most_pixels() != MOST_PIXELS else []
    digest = listing.digest(FORMAT, image_size, channels, *prepared, *limit_of_size)
    entry = folder / "pictures" / _entry_name(listing, image_size, channels, limit, *prepared)
    with _writing(entry):
        entry.mkdir(parents=True, exist_ok=True)
        found = _read(entry, digest)
        if found is not None:
            return found
        with in_turn(entry) as alone:
            _remove(entry.glob("*.partial"), alone)  # what a builder that was killed has left
            found = _read(entry, digest)
            if found is not None:
                return found
            watched = None if listing.within is None else Watched(listing)
            packed = pack(
                listing.pictures if watched is None else watched,
                lambda size, wanted: FileSink(entry, size=size, channels=wanted, count=len(listing)),
                image_size=image_size,
                channels=channels,
                workers=workers,
                progress=progress,
                preparation=preparation,
                decide=decide,
            )
            packed = replace(packed, checksum=hash_pixels(packed.pixels))
            _publish(entry, digest, listing, packed, watched)
            named = Path(packed.pixels.filename).name  # type: ignore[attr-defined]
            _remove((old for old in entry.glob("pixels-*.npy") if old.name != named), alone)
            return packed


def _entry_name(listing: Listing, *options: object) -> str:
    key = hashlib.sha256(json.dumps([listing.place, *options]).encode()).hexdigest()[:16]
    name = re.sub(r"[^A-Za-z0-9]+", "-", Path(listing.place or "").name).strip("-")[:40]
    return f"{name}-{key}"


def _read(entry: Path, digest: str) -> Packed | None:
    """What the entry holds, if it is complete and of these very files; else `None`."""
    try:
        index = json.loads((entry / INDEX).read_text(encoding="utf-8"))
        if index["digest"] != digest or not _as_before(index["within"]):
            return None
        pixels = np.load(entry / index["pixels"], mmap_mode="r", allow_pickle=False)
        skipped = [(int(row), str(reason)) for row, _, reason in index["skipped"]]
        total, checksum = int(index["pictures"]), str(index["checksum"])
        preparation = Preparation.from_json(index["preparation"])
        notes = tuple(str(note) for note in index["notes"])
    except (OSError, ValueError, KeyError, TypeError):  # absent, cut short, edited by hand, or just replaced
        return None
    if any(reason.startswith(OF_THE_MOMENT) for _, reason in skipped):
        return None
    rows = np.setdiff1d(np.arange(total), [row for row, _ in skipped])
    return Packed(pixels, rows, skipped, preparation, notes, checksum) if len(rows) == len(pixels) else None


def _as_before(files: Sequence[list[Any]]) -> bool:
    """Whether further files that pictures were read from are still what they were."""
    return all(list(stamp(file[0], file[0])) == file for file in files)


def _publish(entry: Path, digest: str, listing: Listing, packed: Packed, watched: Watched | None) -> None:
    """Write the index, in one step: from then on the entry holds these pixels."""
    import PIL

    index: dict[str, Any] = {
        "format": FORMAT,
        "digest": digest,
        "origin": listing.origin,
        "pixels": Path(packed.pixels.filename).name,  # type: ignore[attr-defined]
        "checksum": packed.checksum,
        "pictures": len(listing),
        "image_size": packed.pixels.shape[2],
        "channels": packed.pixels.shape[1],
        "skipped": [[row, listing.identifiers[row], reason] for row, reason in packed.skipped],
        "preparation": packed.preparation.to_json(),
        "notes": list(packed.notes),
        "pillow": PIL.__version__,
        "files": list(listing.stamps),
        "within": [] if watched is None else list(watched.found.values()),
    }
    partial = entry / f"{uuid.uuid4().hex}.partial"
    with partial.open("w", encoding="utf-8") as file:
        json.dump(index, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(entry / INDEX)


def _remove(files: Iterable[Path], alone: bool) -> None:
    """Remove files that no index names; those that another builder may be about to name stay for a day."""
    for file in files:
        with suppress(OSError):  # on Windows a file that another process has mapped stays
            if alone or time.time() - file.stat().st_mtime > 86_400:
                file.unlink()


@contextmanager
def in_turn(entry: Path) -> Iterator[bool]:
    """Hold the entry's lock, and say whether it is held: where locks are not to be had, two builders at once
    cost time, but do no harm, as each writes files of its own and puts its index in place in one step.
    """
    with (entry / "lock").open("w") as lock:
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        except (ImportError, OSError):  # Windows; some network file systems
            yield False
        else:
            yield True


@contextmanager
def _writing(entry: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"The cache folder {entry} cannot be used ({error.strerror or error}). "
            "Choose another with CONTRAPOSE_CACHE or cache=."
        ) from error
