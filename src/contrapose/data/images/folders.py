"""Pictures in folders: found recursively, with their class where sub-folders give one."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from contrapose.data.files.captioned import caption_files
from contrapose.data.files.names import printable
from contrapose.data.files.part_names import classes_like_parts, is_junk, layout
from contrapose.data.files.walk import SUFFIXES, Walk
from contrapose.data.images.listing import Listing, stamp
from contrapose.data.labels import Labels, encode_labels
from contrapose.errors import DataError
from contrapose.shell import shell_command

TABLES = frozenset({".parquet", ".pq", ".csv", ".tsv", ".jsonl", ".ndjson", ".npz", ".npy"})
NAMED = 5  # folders or suffixes that a note names


def list_folder(folder: Path) -> Listing:
    """All pictures below a folder, sorted by path; hidden and system folders and hidden files are passed over.

    Class labels are the names of the folder's sub-folders, when all pictures lie in two or more of them. A
    folder whose only content is one sub-folder stands for that; one of parts (`train` beside `test` or `val`, in the
    usual spellings) stands for its `train`, and the listing's origin says so. Notes count whatever was left out.

    Errors:
        DataError: no pictures, or only held-out parts and no `train`, or a folder that may not be read.
    """
    walk = Walk(str(folder))
    roots = walk.roots(str(folder))
    for root in roots:
        walk.scan(root)
    shown = printable(", ".join(roots) or str(folder))
    if not walk.files:
        raise DataError(_no_pictures(shown, walk))
    order = sorted(range(len(walk.files)), key=walk.files.__getitem__)
    files = [walk.files[row] for row in order]
    names = [os.path.relpath(file, folder).replace(os.sep, "/") for file in files]
    labels, notes = _class_folders([walk.inner[row] for row in order])
    return Listing(
        pictures=files,
        identifiers=[printable(name) for name in names],
        labels=labels,
        origin=f"folder {shown}{_siblings(walk)}",
        place=str(folder.resolve()),
        stamps=[stamp(file, name) for file, name in zip(files, names, strict=True)],
        notes=(*notes, *_passed_by(walk)),
        others=walk.others,
    )


def list_glob(pattern: str) -> Listing:
    """The pictures whose paths match a pattern (`**` for any depth); classes as for the folder it starts in.

    All parts that match are taken; `train` and `test` are no classes, but the folders in them are.

    Errors:
        DataError: no picture matches.
    """
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - patterns may be absolute
    root = _fixed_part(pattern)
    # what may not be looked at is no folder, and is told of when it is decoded
    found = [match for match in matches if Path(match).suffix.lower() in SUFFIXES and not os.path.isdir(match)]  # noqa: PTH112
    names = {match: os.path.relpath(match, root).replace(os.sep, "/") for match in found}
    junk = Counter(name for match in found if (name := _junk_folder(names[match])))
    files, links = _without_linked_folders([match for match in found if not _junk_folder(names[match])], root)
    if not files:
        others = f" ({len(matches)} other files or folders do)" if matches else ""
        raise DataError(
            f"No picture matches {pattern!r}{others}. Quote the pattern in a shell; `**` matches any depth."
        )
    labels, notes = _class_folders(_inside_parts([names[file] for file in files]))
    return Listing(
        pictures=files,
        identifiers=[printable(names[file]) for file in files],
        labels=labels,
        origin=printable(f"files {pattern}"),
        place=str(Path(pattern).absolute()),
        stamps=[stamp(file, names[file]) for file in files],
        notes=(*notes, *_junk_note(junk), *_link_note(links), *_unreadable_note(_locked(pattern, root))),
    )


def _class_folders(names: Sequence[str]) -> tuple[Labels | None, list[str]]:
    """Labels from the first part of relative paths, where there are two or more and every picture has one."""
    parts = [Path(name).parts for name in names]
    classes = {part[0] for part in parts if len(part) > 1}
    loose = sum(len(part) == 1 for part in parts)
    if loose and classes:
        return None, [f"No labels from sub-folders: {loose} of the pictures lie beside them."]
    if len(classes) < 2:
        return None, []
    meant = [printable(name) for name in classes_like_parts(sorted(classes))]
    notes = [f"{_some(meant)}: taken as a class like the folders beside it; open these by name to leave it out."]
    encoded = encode_labels([printable(part[0]) for part in parts], where="the sub-folders", missing=())
    return encoded, notes if meant else []


def _inside_parts(names: list[str]) -> list[str]:
    """The names without the parts of the set (`train`, `test`) that the first folder of all of them may be."""
    first = sorted({Path(name).parts[0] for name in names if len(Path(name).parts) > 1})
    found = layout(first)
    if found is None or found.classes or any(len(Path(name).parts) == 1 for name in names):
        return names
    return [str(Path(*Path(name).parts[1:])) for name in names]


def _without_linked_folders(files: list[str], root: Path) -> tuple[list[str], dict[str, str]]:
    """Files that lie in no linked folder whose own files are among them; and those links, with what they point to."""
    folders = sorted({os.path.dirname(file) for file in files})  # noqa: PTH120 - text, for a million files
    real = {folder: os.path.realpath(folder) for folder in folders}
    plain = sorted(folders, key=lambda folder: os.path.abspath(folder) != real[folder])  # noqa: PTH100 - links last
    owner: dict[str, str] = {}
    for folder in plain:
        owner.setdefault(real[folder], folder)
    links = {folder: owner[real[folder]] for folder in folders if owner[real[folder]] != folder}
    shown = {os.path.relpath(link, root): os.path.relpath(target, root) for link, target in links.items()}
    return [file for file in files if os.path.dirname(file) not in links], shown  # noqa: PTH120


def _junk_folder(name: str) -> str | None:
    return next((part for part in name.split("/")[:-1] if is_junk(part)), None)


def _locked(pattern: str, root: Path) -> dict[str, str]:
    """Folders that a pattern leads to and that the system refuses, of which `glob` says nothing."""
    folders = glob.glob(os.path.dirname(pattern) or ".", recursive=True)  # noqa: PTH120, PTH207
    locked = [folder for folder in sorted(folders) if os.path.isdir(folder) and not os.access(folder, os.R_OK)]  # noqa: PTH112
    return {printable(os.path.relpath(folder, root)): "Permission denied" for folder in locked}


def _siblings(walk: Walk) -> str:
    held_out = [name for why, names in walk.aside.items() if "held-out" in why for name in names]
    if not held_out:
        return ""
    more = f" and {len(held_out) - NAMED} more" if len(held_out) > NAMED else ""
    return f" (its sibling {', '.join(held_out[:NAMED])}{more} is left alone: name it to open it)"


def _passed_by(walk: Walk) -> list[str]:
    """A sentence on each kind of thing that was left out."""
    notes = []
    for why, folders in walk.aside.items():
        notes.append(f"{_pictures(folders)} left aside, {why}: {_counted(folders)}.")
    notes += _junk_note(walk.junk)
    notes += _link_note(walk.links)
    notes += _unreadable_note(walk.unreadable)
    empty = sorted(walk.empty - walk.links.keys() - walk.unreadable.keys())
    if empty:
        notes.append(f"{_folders(empty)} without pictures: {_some(empty)}.")
    return notes + others_note(walk.others) + _captions_note(walk)


def _captions_note(walk: Walk) -> list[str]:
    """That a JSON file has captions of these pictures, and how both are opened together."""
    found = caption_files(Path(walk.top)) if walk.others[".json"] else []
    if not found:
        return []
    name, typed = os.path.relpath(found[0], walk.top), shell_command("train", "clip", "--data", found[0])
    return [printable(f"{name} holds captions of pictures: to learn from both as pairs, {typed}.")]


def others_note(others: Counter[str]) -> list[str]:
    """A sentence on files that are no pictures, by suffix; none where there are none."""
    were = "other file was" if others.total() == 1 else "other files were"
    return [f"{others.total()} {were} passed over ({_suffixes(others)})."] if others else []


def _junk_note(junk: Mapping[str, int]) -> list[str]:
    where = Counter[str]()
    for name, count in junk.items():
        where[name.rpartition("/")[2]] += count
    return (
        [f"{_pictures(where)} in hidden and system folders passed over: {_counted(dict(where.most_common()))}."]
        if where
        else []
    )


def _unreadable_note(folders: Mapping[str, str]) -> list[str]:
    reasons = [f"{name} ({reason})" for name, reason in folders.items()]
    left = f"{_folders(reasons)} could not be read, left out with all that is in them: {_some(reasons)}."
    return [left] if reasons else []


def _link_note(links: Mapping[str, str]) -> list[str]:
    shown = [printable(f"{link} -> {target}") for link, target in links.items()]
    return [f"Links to folders that are in the set anyway, passed over: {_some(shown)}."] if shown else []


def _no_pictures(root: str, walk: Walk) -> str:
    passed = " ".join(note for note in _passed_by(walk) if "other file" not in note)
    also = f" {passed}" if passed else ""
    tables = sorted(printable(path.name) for path in Path(walk.top).iterdir() if path.suffix.lower() in TABLES)
    if tables:
        return f"{root} holds no pictures, but {', '.join(tables[:5])}: open one of these files.{also}"
    found = f"only other files ({_suffixes(walk.others)})" if walk.others else "no files"
    return f"{root} holds no pictures, {found}. Known suffixes: {' '.join(sorted(SUFFIXES))}.{also}"


def _fixed_part(pattern: str) -> Path:
    """The folder in which a pattern starts to match."""
    fixed = []
    for part in Path(pattern).parts[:-1]:
        if glob.has_magic(part):
            break
        fixed.append(part)
    return Path(*fixed)


def _suffixes(others: Counter[str]) -> str:
    return ", ".join(f"{count} {printable(suffix) or 'without suffix'}" for suffix, count in others.most_common(5))


def _pictures(where: Mapping[str, int]) -> str:
    total = sum(where.values())
    return f"{total:,} {'picture' if total == 1 else 'pictures'}"


def _folders(names: Sequence[str]) -> str:
    return f"{len(names):,} {'folder' if len(names) == 1 else 'folders'}"


def _counted(where: Mapping[str, int]) -> str:
    return _some([f"{name} ({count:,})" for name, count in where.items()])


def _some(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
    return ", ".join(found[:NAMED]) + more
