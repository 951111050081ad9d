"""The files that pictures come from, found again by the names of samples."""

from __future__ import annotations

import os
from typing import Any

from contrapose.data.files.names import as_on_disk, expanded
from contrapose.data.images.pixels.decoding import PictureError, stored_size


def size_in_file(identifier: str, source: Any) -> tuple[int, int] | None:
    """Width and height of a picture in its file; None where it is none that can be found and read.

    Arguments:
        identifier: of the sample: its path relative to the folder or the table.
        source: what the samples were opened from.
    """
    if not isinstance(source, str | os.PathLike):
        return None
    place = expanded(source)
    folder = place if place.is_dir() else place.parent
    file = folder / identifier if (folder / identifier).is_file() else folder / as_on_disk(identifier)
    try:
        return stored_size(file) if file.is_file() else None
    except PictureError:
        return None
