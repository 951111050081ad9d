"""Results that cannot be written are kept: shown where they can be read, or put into a file elsewhere."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from contrapose.atomic import write_atomically
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


def write_or_rescue(path: Path, content: bytes, *, result: object = None) -> None:
    """Write a file that is of no use on a screen; where the disk refuses, it goes to a new temporary folder.

    Errors:
        UnwrittenError: it could not be written to `path`; the sentence says where it lies instead, if anywhere.
    """
    try:
        write_atomically(path, content)
    except RunError as error:
        raise UnwrittenError(f"{_sentence(error)} {_rescued(path.name, content)}", result) from error


def _rescued(name: str, content: bytes) -> str:
    try:
        kept = Path(tempfile.mkdtemp(prefix="contrapose-")) / name
        write_atomically(kept, content)
    except (RunError, OSError):
        return "Nor could it be written to the temporary folder."
    return f"It was written to {kept} instead."


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"Could not write {error.filename or 'the result'}: {error.strerror or error}."
    return str(error)
