"""A folder of `.npy` files, each a sequence."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from contrapose.data.files.names import printable
from contrapose.data.frames.found import Found
from contrapose.data.frames.lists import of_arrays
from contrapose.data.labels import encode_labels
from contrapose.data.samples import Skipped
from contrapose.errors import DataError
from contrapose.words import counted

SUFFIX = ".npy"


def list_sequences(folder: Path) -> list[Path]:
    """The `.npy` files below a folder, hidden ones and those in hidden folders aside, sorted by path.

    Errors:
        DataError: there are none.
    """
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() == SUFFIX and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not found:
        raise DataError(
            f"{folder} holds no sequences ({SUFFIX}): give a folder with a file (T, joints, channels) or (T, channels) "
            "for each, an .npz of all frames with pointers, or a table with a column of nested lists."
        )
    return sorted(found)


def open_folder(folder: Path) -> Found:
    """A file a sequence, called by its path in the folder; classes by the sub-folders, where all files lie in two or
    more. What cannot be read is skipped and listed.

    Errors:
        DataError: none can be read, or their frames differ in shape.
    """
    paths = list_sequences(folder)
    names = [os.path.relpath(path, folder).replace(os.sep, "/") for path in paths]
    arrays, kept, skipped = [], [], []
    for path, name in zip(paths, names, strict=True):
        try:
            arrays.append(np.load(path, mmap_mode="r", allow_pickle=False))
            kept.append(name)
        except (EOFError, OSError, ValueError) as error:
            reason = "holds Python objects" if "pickle" in str(error).lower() else "damaged or no file of numpy"
            skipped.append(Skipped(printable(name), reason))
    if not arrays:
        raise DataError(f"None of the {counted(len(paths), 'file')} of {folder} can be read ({skipped[0].reason}).")
    parts = [name.split("/") for name in kept]
    classes = {part[0] for part in parts if len(part) > 1}
    labels, told = None, "no labels"
    if len(classes) > 1 and all(len(part) > 1 for part in parts):
        labels = encode_labels([printable(part[0]) for part in parts], where="the sub-folders", missing=())
        told = f"labels from their {len(classes)} folders"
    return Found(
        sequences=of_arrays(arrays, [f"{folder}/{name}" for name in kept]),
        where=str(folder),
        origin=printable(f"files of {folder}"),
        identifiers=[printable(name) for name in kept],
        labels=labels,
        notes=(f"A sequence is a whole file: {counted(len(kept), 'file')}, {told}.",),
        skipped=tuple(skipped),
    )
