"""Files behind addresses (`s3://`, `https://`, whatever fsspec opens): copied once, found again while they are as then.

CACHE/shards/FOLDER-KEY/NAME            the copy, whole or absent
CACHE/shards/FOLDER-KEY/NAME.source     what the file was at its address: size, and its mark or time of change
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from contrapose.data.images.packing.cache import cache_folder, in_turn
from contrapose.errors import ContraposeError, DataError, MissingExtraError
from contrapose.optional import optional

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_MARKS = ("ETag", "etag", "md5Hash", "md5", "LastModified", "last_modified", "mtime", "created")
"""What file systems say of a file's content or of when it changed, the surest first."""


def matching_addresses(address: str, endings: Sequence[str]) -> list[str]:
    """What an address names: itself; of a pattern what it matches; of a folder (it ends in `/`) the files in it that
    end so.

    Errors:
        DataError, MissingExtraError: as of `local_copies`.
    """
    folder, pattern = address.endswith("/"), any(mark in address for mark in "*?[")
    if not folder and not pattern:
        return [address]
    protocol = address.partition("://")[0]
    try:
        system, path = _opened(address)
        if pattern:
            return sorted(f"{protocol}://{one.lstrip('/')}" for one in system.glob(path))
        names = [str(one) for one in system.ls(path, detail=False)]
    except ContraposeError:
        raise
    except Exception as error:
        raise DataError(_cannot(address, error)) from error
    return sorted(f"{address}{Path(one).name}" for one in names if one.lower().endswith(tuple(endings)))


def local_copies(addresses: Sequence[str], *, beside: str) -> list[Path]:
    """Copies of the files at these addresses, in their order; those that are there already are asked for their size
    and mark only.

    Arguments:
        beside: the name of a small file that is copied too where one lies beside the first.

    Errors:
        DataError: an address that cannot be opened, or no room.
        MissingExtraError: no fsspec, or none of what it needs for such addresses.
    """
    paths = [_local_copy(address) for address in addresses]
    with suppress(ContraposeError):
        _local_copy(f"{addresses[0].rpartition('/')[0]}/{beside}")
    return paths


def _local_copy(address: str) -> Path:
    folder, _, name = address.rpartition("/")
    key = hashlib.sha256(folder.encode()).hexdigest()[:16]
    called = re.sub(r"[^A-Za-z0-9]+", "-", folder.rpartition("/")[2])[:40]
    place = cache_folder() / "shards" / f"{called}-{key}"
    name = re.sub(r"[?&=#]", "_", name)  # a signed address has its signature behind the name
    source = place / f"{name}.source"
    try:
        system, path = _opened(address)
        stated = _stated(system.info(path))
        place.mkdir(parents=True, exist_ok=True)
        with in_turn(place):
            with suppress(OSError, ValueError):
                if json.loads(source.read_text(encoding="utf-8")) == stated and (place / name).is_file():
                    return place / name
            partial = place / f"{uuid.uuid4().hex}.partial"
            try:
                system.get_file(path, str(partial))
                _check(partial, stated["size"], address)
                partial.replace(place / name)
            finally:
                partial.unlink(missing_ok=True)
            source.write_text(json.dumps(stated), encoding="utf-8")
        return place / name
    except ContraposeError:
        raise
    except Exception as error:  # of the network, of the disk, of as many packages as there are protocols
        raise DataError(_cannot(address, error)) from error


def _opened(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it."""
    fsspec = optional("fsspec", extra="remote")
    protocol = address.partition("://")[0]
    try:
        system, path = fsspec.core.url_to_fs(address)
    except ImportError as error:  # such as s3fs
        raise MissingExtraError(
            f"{protocol}:// needs a package that is not installed ({_first(error)}). For https:// it comes with: pip "
            "install 'contrapose[remote]'"
        ) from error
    except ValueError as error:
        known = ", ".join(name for name in ("https", "s3", "gs", "hf") if name in fsspec.available_protocols())
        raise DataError(f"{address} cannot be opened ({_first(error)}). Known are {known} and others.") from error
    return system, path


def _stated(info: dict[str, Any]) -> dict[str, Any]:
    mark = next((str(info[name]) for name in _MARKS if info.get(name) is not None), None)
    return {"size": info.get("size"), "mark": mark}


def _check(file: Path, size: int | None, address: str) -> None:
    found = os.stat(file).st_size  # noqa: PTH116
    if size is not None and found != size:
        raise DataError(f"{address} broke off: {found:,} of {size:,} bytes came. Try again.")


def _cannot(address: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{address} does not exist. Check the spelling, and the numbers in braces."
    return (
        f"{address} cannot be opened ({_first(error)}). Check the spelling, the connection, and your right to read it."
    )


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0] or type(error).__name__
