"""Where the masks of pictures lie: in a folder beside theirs, under the same names."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePath

from contrapose.data.files.part_names import PICTURES
from contrapose.data.files.walk import SUFFIXES, count_pictures
from contrapose.errors import DataError

MASK_NAMES = ("mask", "masks", "segmentation", "segmentation_mask", "label_map", "annotation")
"""Names that a column of masks usually has."""

MASK_FOLDERS = {
    *("mask", "masks", "label", "labels", "annotation", "annotations", "annots", "anno", "gt", "groundtruth"),
    *("segmentation", "segmentations", "segmentationclass"),
}
ENDINGS = ("_mask", "_L", "_label", "_labels", "_gt", "_seg", "_segmentation")
"""What the name of a mask may have behind that of its picture; the second is CamVid's."""


def mask_folder(folder: Path) -> Path | None:
    """The folder of masks beside that of the pictures inside `folder`, as in `images` and `masks`; None: not one."""
    if not folder.is_dir():
        return None
    plain = {entry: re.sub(r"[\W_]", "", entry.name).lower() for entry in sorted(folder.iterdir()) if entry.is_dir()}
    found = [entry for entry, name in plain.items() if name in MASK_FOLDERS and count_pictures(str(entry))]
    return found[0] if len(found) == 1 and any(name in PICTURES for name in plain.values()) else None


def beside(pictures: Sequence[str], folder: Path) -> list[str | None]:
    """For each picture the mask of its name in a folder, in whatever format; None where there is none.

    The longest end of a picture's path that is the path of a mask is taken, so that `images/a/1.jpg` finds `a/1.png`
    rather than `b/1.png`; behind the name of the picture a mask's may have one of `ENDINGS`.

    Errors:
        DataError: no such folder, no picture in it, or none of the names of these.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder, so it holds no masks: name one with --masks (masks=).")
    known: dict[str, list[str]] = defaultdict(list)  # every end of a mask's path, without its suffix -> masks
    for root, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if PurePath(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                path = PurePath(root, name)
                parts = path.relative_to(folder).with_suffix("").parts
                for start in range(len(parts)):
                    known["/".join(parts[start:])].append(str(path))
    if not known:
        raise DataError(f"{folder} holds no pictures that could be masks.")
    found = [_of(picture, known) for picture in pictures]
    if not any(found):
        raise DataError(
            f"No mask in {folder} is called as a picture is: {Path(pictures[0]).name} has none, and there is "
            f"{Path(next(iter(known.values()))[0]).name}. Give masks the names of their pictures."
        )
    return found


def _of(picture: str, known: dict[str, list[str]]) -> str | None:
    parts = PurePath(picture).with_suffix("").parts
    for start in range(len(parts)):
        for ending in ("", *ENDINGS):
            found = known.get("/".join(parts[start:]) + ending, ())
            if len(found) == 1:
                return found[0]
    return None
