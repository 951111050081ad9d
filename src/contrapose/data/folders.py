"""Pictures in folders: found recursively, with their class where sub-folders give one."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from contrapose.data.labels import Labels, encode_labels
from contrapose.data.listing import Listing, stamp
from contrapose.errors import DataError

JPEG = {".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".j2k"}
PIXMAPS = {".bmp", ".dib", ".ppm", ".pgm", ".pbm", ".pnm", ".tga"}
SUFFIXES = frozenset({*JPEG, *PIXMAPS, ".png", ".gif", ".webp", ".avif", ".tif", ".tiff"})
TABLES = frozenset({".parquet", ".pq", ".csv", ".tsv", ".jsonl", ".ndjson", ".npz", ".npy"})
TRAINING = ("train", "training")
HELD_OUT = ("test", "testing", "val", "valid", "validation", "eval")


def list_folder(folder: Path) -> Listing:
    """All pictures below a folder, sorted by path; hidden files and folders are passed over.

    Class labels are the names of the folder's sub-folders, when all pictures lie in two or more of them. A
    folder whose only content is one sub-folder stands for that; one with `train` beside `test` or `val`
    stands for its `train`, and the listing's origin says so.

    Errors:
        DataError: no pictures, or only held-out parts and no `train`.
    """
    root, parts = _root(folder)
    files, ignored = _scan(root)
    if not files:
        raise DataError(_no_pictures(root, ignored))
    names = [os.path.relpath(file, folder).replace(os.sep, "/") for file in files]
    labels, notes = _class_folders([os.path.relpath(file, root) for file in files])
    if ignored:
        kinds = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in ignored.most_common(5))
        were = "other file was" if ignored.total() == 1 else "other files were"
        notes.append(f"{ignored.total()} {were} passed over ({kinds}).")
    return Listing(
        pictures=files,
        identifiers=names,
        labels=labels,
        origin=f"folder {root}{parts}",
        place=str(folder.resolve()),
        stamps=[stamp(file, name) for file, name in zip(files, names, strict=True)],
        notes=tuple(notes),
    )


def list_glob(pattern: str) -> Listing:
    """The pictures whose paths match a pattern (`**` for any depth); classes as for the folder it starts in.

    Errors:
        DataError: no picture matches.
    """
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - patterns may be absolute
    files = [match for match in matches if Path(match).suffix.lower() in SUFFIXES and Path(match).is_file()]
    if not files:
        others = f" ({len(matches)} other files or folders do)" if matches else ""
        raise DataError(
            f"No picture matches {pattern!r}{others}. Quote the pattern in a shell; `**` matches any depth."
        )
    root = _fixed_part(pattern)
    names = [os.path.relpath(file, root).replace(os.sep, "/") for file in files]
    labels, notes = _class_folders(names)
    return Listing(
        pictures=files,
        identifiers=names,
        labels=labels,
        origin=f"files {pattern}",
        place=str(Path(pattern).absolute()),
        stamps=[stamp(file, name) for file, name in zip(files, names, strict=True)],
        notes=tuple(notes),
    )


def _root(folder: Path) -> tuple[Path, str]:
    """Where the pictures begin, and what to say of other parts that the folder has."""
    explanation = ""
    seen: set[Path] = set()  # a folder whose only content is a link to itself would go on for ever
    while folder.resolve() not in seen:
        seen.add(folder.resolve())
        folders, pictures = _content(folder)
        training = [name for name in folders if name.lower() in TRAINING]
        held_out = [name for name in folders if name.lower() in HELD_OUT]
        if training and held_out:
            folder = folder / training[0]
            explanation = f" (its sibling {', '.join(held_out)} is left alone: name it to open it)"
        elif held_out and len(held_out) == len(folders) > 1 and not pictures:
            raise DataError(
                f"{folder} holds {', '.join(held_out)} and no train: name the one to open, e.g. {folder / held_out[0]}."
            )
        elif len(folders) == 1 and not pictures:
            folder = folder / folders[0]
        else:
            break
    return folder, explanation


def _content(folder: Path) -> tuple[list[str], bool]:
    """Names of the visible sub-folders, and whether pictures lie beside them."""
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not _hidden(entry.name)]
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error.strerror or error}).") from error
    folders = sorted(entry.name for entry in visible if entry.is_dir())
    return folders, any(_is_picture(entry.name) for entry in visible if entry.is_file())


def _scan(root: Path) -> tuple[list[str], Counter[str]]:
    """Paths of all pictures below, sorted, and how many other files of which suffix there are."""
    files: list[str] = []
    ignored: Counter[str] = Counter()
    seen: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link to a folder above it
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not _hidden(name)]
        for name in names:
            if _is_picture(name):
                files.append(os.path.join(folder, name))  # noqa: PTH118 - text, for a million files
            elif not _hidden(name):
                ignored[Path(name).suffix.lower()] += 1
    return sorted(files), ignored


def _class_folders(names: Sequence[str]) -> tuple[Labels | None, list[str]]:
    """Labels from the first part of relative paths, where there are two or more and every picture has one."""
    parts = [Path(name).parts for name in names]
    classes = {part[0] for part in parts if len(part) > 1}
    loose = sum(len(part) == 1 for part in parts)
    if loose and classes:
        return None, [f"No labels from sub-folders: {loose} of the pictures lie beside them."]
    if len(classes) < 2:
        return None, []
    return encode_labels([part[0] for part in parts], where="the sub-folders", missing=()), []


def _no_pictures(root: Path, ignored: Counter[str]) -> str:
    tables = sorted(path.name for path in root.iterdir() if path.suffix.lower() in TABLES)
    if tables:
        return f"{root} holds no pictures, but {', '.join(tables[:5])}: open one of these files."
    others = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in ignored.most_common(5))
    found = f"only other files ({others})" if others else "no files"
    return f"{root} holds no pictures, {found}. Known suffixes: {' '.join(sorted(SUFFIXES))}."


def _fixed_part(pattern: str) -> Path:
    """The folder in which a pattern starts to match."""
    fixed = []
    for part in Path(pattern).parts[:-1]:
        if glob.has_magic(part):
            break
        fixed.append(part)
    return Path(*fixed)


def _is_picture(name: str) -> bool:
    return not _hidden(name) and Path(name).suffix.lower() in SUFFIXES


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"
