"""`python_docs`: the docstrings of the running Python's own library, a text set that everybody has."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from contextlib import suppress
from pathlib import Path

from contrapose.atomic import write_atomically
from contrapose.data.images.packing.cache import cache_folder
from contrapose.data.labels import encode_labels
from contrapose.data.texts.docstrings import docstrings, library_folder, modules
from contrapose.data.texts.texts import Texts
from contrapose.errors import DataError, RunError

PYTHON_DOCS = "python-docs"
FORMAT = 1  # raised when docstrings come to be read in another way


def python_docs() -> Texts:
    """About seven thousand docstrings, each called by its object (`json.dumps`), its label being the top module.

    They differ from one version of Python to the next, as the library does. Read with `ast` from the sources; nothing
    is imported or run, and nothing fetched.

    Errors:
        DataError: a Python that comes without the sources of its library.
    """
    folder = library_folder()
    found = _remembered(folder)
    if not found:
        raise DataError(
            f"This Python has no sources of its library in {folder}: install them, or give a file of texts as --data."
        )
    labels = encode_labels([name.partition(".")[0] for name, _ in found], where=PYTHON_DOCS, missing=())
    assert labels is not None, "every docstring has a module"
    return Texts(
        [text for _, text in found],
        labels.numbers,
        class_names=labels.names,
        identifiers=[name for name, _ in found],
        origin=f"docstrings of Python {platform.python_version()}'s library (PSF licence)",
    )


def _remembered(folder: Path) -> list[tuple[str, str]]:
    """What is documented in the library, from the cache while no source has changed: to parse it all takes seconds."""
    stamps = [(name, os.stat(path).st_size, os.stat(path).st_mtime_ns) for name, path in sorted(modules(folder))]  # noqa: PTH116
    key = hashlib.sha256(json.dumps([FORMAT, stamps]).encode()).hexdigest()[:16]
    entry = cache_folder() / "texts" / f"{PYTHON_DOCS}-{key}.json"
    with suppress(OSError, ValueError, TypeError):
        return [(str(name), str(text)) for name, text in json.loads(entry.read_bytes())]
    found = list(docstrings(folder))
    with suppress(OSError, RunError):  # a cache that cannot be written is none
        entry.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(entry, json.dumps(found).encode())
    return found
