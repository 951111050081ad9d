"""Names of files as texts that can be printed and stored: names on disk are bytes, and need not be UTF-8."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from contrapose.errors import ArgumentError


def printable(name: str) -> str:
    r"""The name with every byte that is not UTF-8 written out: `caf\xe9.png`.

    Python gives such names with lone surrogates in place of these bytes. They open the file, but cannot be printed
    or written to CSV or parquet.
    """
    if name.isascii():
        return name
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("utf-8", "backslashreplace")
    return name


def as_on_disk(name: str) -> str:
    """What opens the file that `printable` calls so."""
    written = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), os.fsencode(name))
    return os.fsdecode(written)


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with `~` written out.

    Errors:
        ArgumentError: `~` of a user who has no home folder, as in some containers.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ArgumentError(f"{os.fspath(path)}: there is no home folder for '~' here. Write the path out.") from None


def missing(path: Path, embedded: Sequence[str]) -> str:
    """That a path does not exist, how far it does, and the nearest name to what was meant.

    Arguments:
        embedded: names of data sets that come with the package, which may be what was meant.
    """
    exists = next(parent for parent in path.absolute().parents if parent.is_dir())
    wrong = path.absolute().relative_to(exists).parts[0]
    siblings = [entry.name for entry in exists.iterdir()]
    close = difflib.get_close_matches(wrong, [*siblings, *embedded], n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"{path} does not exist: {exists} has no {wrong!r}.{hint}"
