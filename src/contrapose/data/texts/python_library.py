"""The running Python's own library as texts that everybody has: its docstrings (`python_docs`) and its functions."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from contrapose.atomic import write_atomically
from contrapose.data.images.packing.cache import cache_folder
from contrapose.data.labels import encode_labels
from contrapose.data.texts.docstrings import docstrings, library_folder, modules
from contrapose.data.texts.functions import library_functions
from contrapose.data.texts.texts import Texts
from contrapose.errors import DataError, RunError

PYTHON_DOCS = "python-docs"
PYTHON_FUNCTIONS = "python-functions"
FORMAT = 1  # raised when docstrings or functions come to be read in another way

Read = Callable[[Path], Iterator[tuple[str, str]]]


def python_docs() -> Texts:
    """About seven thousand docstrings, each called by its object (`json.dumps`), its label being the top module.

    They differ from one version of Python to the next, as the library does. Read with `ast` from the sources; nothing
    is imported or run, and nothing fetched.

    Errors:
        DataError: a Python that comes without the sources of its library.
    """
    return _texts(PYTHON_DOCS, docstrings, "docstrings")


def python_functions() -> Texts:
    """About five thousand functions and methods of 5 to 60 lines with their docstrings, called and labelled likewise.

    Each comes once (`library_functions`).

    Errors:
        DataError: a Python that comes without the sources of its library.
    """
    return _texts(PYTHON_FUNCTIONS, library_functions, "functions")


def _texts(name: str, read: Read, noun: str) -> Texts:
    folder = library_folder()
    found = _remembered(folder, name, read)
    if not found:
        raise DataError(
            f"This Python has no sources of its library in {folder}: install them, or give a file of texts as --data."
        )
    labels = encode_labels([called.partition(".")[0] for called, _ in found], where=name, missing=())
    assert labels is not None, "every one of them has a module"
    return Texts(
        [text for _, text in found],
        labels.numbers,
        class_names=labels.names,
        identifiers=[called for called, _ in found],
        origin=f"{noun} of Python {platform.python_version()}'s library (PSF licence)",
    )


def _remembered(folder: Path, called: str, read: Read) -> list[tuple[str, str]]:
    """What is read of the library, from the cache while no source has changed: to parse it all takes seconds."""
    stamps = [(name, os.stat(path).st_size, os.stat(path).st_mtime_ns) for name, path in sorted(modules(folder))]  # noqa: PTH116
    key = hashlib.sha256(json.dumps([FORMAT, stamps]).encode()).hexdigest()[:16]
    entry = cache_folder() / "texts" / f"{called}-{key}.json"
    with suppress(OSError, ValueError, TypeError):
        return [(str(name), str(text)) for name, text in json.loads(entry.read_bytes())]
    found = list(read(folder))
    with suppress(OSError, RunError):  # a cache that cannot be written is none
        entry.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(entry, json.dumps(found).encode())
    return found
