"""Files and folders that are whole or absent: written aside, flushed to the disk, renamed into place."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from contrapose.errors import RunError


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a reader sees the old file or the whole new one, never a part.

    Errors:
        RunError: the disk is full or cannot be written; nothing that was there before is touched.
    """
    with _written_aside(path, content) as temporary:
        temporary.replace(path)


def write_once(path: Path, content: bytes) -> bool:
    """`write_atomically`, unless the file exists: of several writers in one instant one gets True, the others False.

    Errors:
        RunError: the disk is full or cannot be written.
    """
    with _written_aside(path, content) as temporary:
        try:
            os.link(temporary, path)  # fails where there is a file, which a rename would replace
        except FileExistsError:
            return False
        except OSError:  # a file system without links: two writers may now both believe to be first
            if path.exists():
                return False
            temporary.replace(path)
    return True


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path`, to be filled by the block and put into place after it; what a kill in an
    earlier block left behind is cleared away.

    Errors:
        RunError: it cannot be made, or put there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{path.name}.*.tmp"):
            shutil.rmtree(left, ignore_errors=True)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
        temporary.mkdir()
        try:
            yield temporary
            for written in (*temporary.rglob("*"), temporary):
                _flush(written)
            temporary.rename(path)
            _flush(path.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise RunError(f"Could not write the folder {path}: {error.strerror or error}.") from error


@contextlib.contextmanager
def _written_aside(path: Path, content: bytes) -> Iterator[Path]:
    """`content` in a temporary file beside `path`, to be put into place by the block; gone after it."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
        _flush(path.parent)
    except OSError as error:
        raise unwritable(path, len(content), error) from error
    finally:
        with contextlib.suppress(OSError):  # a folder that may not be entered refuses this too
            temporary.unlink(missing_ok=True)


def unwritable(path: Path, size: int, error: OSError) -> RunError:
    """Why a file of so many bytes could not be written, and what to do."""
    full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
    reason = "the disk is full" if full else error.strerror or str(error)
    return RunError(
        f"Could not write {path} ({size / 1e6:.1f} MB): {reason}. What was written before is intact; "
        f"{'make room' if full else 'see to it that the folder is there and yours to write'} and try again."
    )


def _flush(path: Path) -> None:
    """Make a file, or the names in a folder, durable, where the file system knows how to."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
