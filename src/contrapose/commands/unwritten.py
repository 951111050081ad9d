"""Results that cannot be written are kept: shown where they can be read, or put into a file elsewhere."""

from __future__ import annotations

import contextlib
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import Any

from contrapose.atomic import unwritable
from contrapose.errors import RunError, UnwrittenError


@contextlib.contextmanager
def kept_if_unwritten(result: object, text: Callable[[], str]) -> Iterator[None]:
    """Run a block that writes `result`; where the disk refuses, the error carries it, and its text for the screen.

    Errors:
        UnwrittenError: the block could not write.
    """
    try:
        yield
    except (RunError, OSError) as error:
        raise UnwrittenError(_sentence(error), result, text()) from error


def write_or_rescue(path: Path, content: bytes | Callable[[Rescued], None], *, result: object = None) -> None:
    """Write a file that is of no use on a screen; where the disk refuses, it goes to a new temporary folder.

    Arguments:
        content: the file, or what writes it part by part: what was written when the disk refused is not lost.

    Errors:
        UnwrittenError: it could not be written to `path`; the sentence says where it lies instead, if anywhere.
    """
    file = Rescued(path)
    try:
        if isinstance(content, bytes):
            file.write(content)
        else:
            content(file)
        file.finish()
    except OSError as error:
        if file.error is None:
            raise
        lost = f"{_sentence(file.error)} Nor could it be written to the temporary folder."
        raise UnwrittenError(lost, result) from error
    finally:
        file.discard()
    if file.error is not None:
        raise UnwrittenError(f"{_sentence(file.error)} It was written to {file.goal} instead.", result) from file.error


class Rescued:
    """A file that is whole or absent, and goes on in a temporary folder where the disk refuses to go on.

    Attributes:
        goal: where it will be.
        error: why that is not where it was meant to be; None while it is.

    Errors:
        OSError: the temporary folder refuses too.
    """

    def __init__(self, path: Path) -> None:
        self.goal = path
        self.error: RunError | None = None
        self._begin()

    def write(self, content: Any) -> int:
        """Append bytes."""
        try:
            self._append(content)
        except OSError as error:
            self._elsewhere(error)
            self._append(content)
        return len(content)

    def flush(self) -> None:
        """Nothing is promised before the end."""

    def finish(self) -> None:
        """Put it into place."""
        try:
            self._settle()
        except OSError as error:
            self._elsewhere(error)
            self._settle()

    def discard(self) -> None:
        """Leave nothing of a file that was not finished."""
        if self._file is not None:
            self._file.close()
        with contextlib.suppress(OSError):
            self._aside.unlink(missing_ok=True)

    def _begin(self) -> None:
        self._size = 0  # bytes that are surely written
        self._file: FileIO | None = None
        self._aside = self.goal.with_name(f".{self.goal.name}.{uuid.uuid4().hex[:12]}.tmp")

    def _append(self, content: Any) -> None:
        if self._file is None:
            self._file = self._aside.open("xb", buffering=0)
        left = memoryview(content).cast("B")
        self._file.seek(self._size)  # what a refused write left half done is written over
        while left:
            left = left[self._file.write(left) :]
        self._size += memoryview(content).nbytes

    def _settle(self) -> None:
        self._append(b"")
        if self._file is not None:
            os.fsync(self._file.fileno())
        self._aside.replace(self.goal)

    def _elsewhere(self, error: OSError) -> None:
        """Go on in a temporary folder, with what was written so far."""
        if self.error is not None:
            raise error
        self.error = unwritable(self.goal, self._size, error)
        former, size = self._aside, self._size
        if self._file is not None:
            self._file.close()
        self.goal = Path(tempfile.mkdtemp(prefix="contrapose-")) / self.goal.name
        self._begin()
        if size:
            with former.open("rb") as written:
                while self._size < size:
                    self._append(written.read(min(size - self._size, 1 << 20)))
        with contextlib.suppress(OSError):
            former.unlink(missing_ok=True)


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"Could not write {error.filename or 'the result'}: {error.strerror or error}."
    return str(error)
