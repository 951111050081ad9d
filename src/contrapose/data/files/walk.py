"""A walk through folders that finds the photographs of a set, and counts all that it passes by."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field

from contrapose.data.files.names import printable
from contrapose.data.files.part_names import MOST_PARTS, Layout, OnlyHeldOutError, is_junk, layout
from contrapose.errors import DataError

JPEG = {".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".j2k"}
PIXMAPS = {".bmp", ".dib", ".ppm", ".pgm", ".pbm", ".pnm", ".tga"}
SUFFIXES = frozenset({*JPEG, *PIXMAPS, ".png", ".gif", ".webp", ".avif", ".tif", ".tiff"})


@dataclass
class Walk:
    """What was found below a folder, and what was passed by; folders are called by their paths below `top`.

    Arguments:
        top: the folder as the user gave it.
        files: paths of the pictures.
        inner: the same paths, from the part of the set (`train`) that each is in: the first folder is the class.
        others: how many files are no pictures, by suffix.
        junk: pictures in system folders and hidden ones, by folder.
        aside: pictures in other parts of the set and in folders of masks, by what these are and by folder.
        empty: folders without pictures where classes are looked for.
        links: links to folders that are in the set anyway, and these.
        unreadable: folders that the system refuses, each with its reason.
    """

    top: str
    files: list[str] = field(default_factory=list)
    inner: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    junk: dict[str, int] = field(default_factory=dict)
    aside: dict[str, dict[str, int]] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    _seen: dict[str, str] = field(default_factory=dict)  # folders without links in their paths: as they were met

    def roots(self, folder: str) -> list[str]:
        """Where the pictures begin: a folder of one folder stands for that, and one of parts for those to train on.

        Errors:
            DataError: held-out parts and nothing to train on.
        """
        real = os.path.realpath(folder)
        if real in self._seen:  # its only content is a link to a folder above it
            return []
        names, loose = self._content(folder)
        try:
            found = layout(names)
        except OnlyHeldOutError:
            if not loose:
                raise DataError(
                    f"{folder} holds {', '.join(names)} and no train: name the one to open, e.g. "
                    f"{os.path.join(folder, names[0])}."  # noqa: PTH118 - a text
                ) from None
            found = None
        if found is None and len(names) == 1 and not loose:
            found = Layout((names[0],), ())
        if found is None or found.classes or (loose and not found.aside):
            return [folder]
        self._seen[real] = folder
        self._set_aside(folder, found)
        if loose:
            self.aside.setdefault(found.why, {})[self.name(folder)] = loose
        used = [os.path.join(folder, name) for name in found.used]  # noqa: PTH118
        return self.roots(used[0]) if len(used) == 1 else used

    def scan(self, root: str) -> None:
        """Take all pictures below a part of the set. Links to folders come last: what they point to may be met without
        them, and is then called by its own name.
        """
        waiting, linked = [root], list[str]()
        start = len(os.path.join(root, ""))  # noqa: PTH118 - paths as text, for a million files
        top_level: list[str] = []
        first = len(self.inner)
        while waiting or linked:
            folder = waiting.pop() if waiting else linked.pop(0)
            real = os.path.realpath(folder)
            if real in self._seen:
                self.links[self.name(folder)] = self.name(self._seen[real])
                continue
            self._seen[real] = folder
            folders = self._take(folder, start)
            waiting += [entry.path for entry in folders if not entry.is_symlink()]
            linked += sorted(entry.path for entry in folders if entry.is_symlink())
            if folder == root:
                top_level = [entry.path for entry in folders]
        classes = {os.path.join(root, inner.partition(os.sep)[0]) for inner in self.inner[first:]}  # noqa: PTH118
        self.empty |= {self.name(path) for path in top_level if path not in classes}

    def name(self, path: str) -> str:
        """What a folder or file is called: its path below the folder that was given."""
        return printable(os.path.relpath(path, self.top).replace(os.sep, "/"))

    def _take(self, folder: str, start: int) -> list[os.DirEntry[str]]:
        """Take the pictures that lie in a folder itself; its folders that are to be walked through, too."""
        folders, hidden = [], 0
        for entry in self._entries(folder):
            if _is_folder(entry):
                folders.append(entry)
            elif entry.name.startswith("."):
                hidden += _has_picture_suffix(entry.name)
            elif _has_picture_suffix(entry.name):
                self.files.append(entry.path)
                self.inner.append(entry.path[start:])
            else:
                self.others[os.path.splitext(entry.name)[1].lower()] += 1  # noqa: PTH122 - fast
        if hidden:
            self.junk[self.name(os.path.join(folder, ".*"))] = hidden  # noqa: PTH118
        kept = self._without_junk(folders)
        found = _inner_layout([entry.name for entry in kept])
        if found is not None:  # rare, and only then worth a look at what is in the folders
            found = _inner_layout([entry.name for entry in kept if self._has_pictures(entry.path)])
        if found is None:
            return kept
        self._set_aside(folder, found)
        return [entry for entry in kept if entry.name not in found.aside]

    def _content(self, folder: str) -> tuple[list[str], int]:
        """Names of the folders in which there are pictures, and how many pictures lie beside them."""
        entries = self._entries(folder)
        folders = self._without_junk([entry for entry in entries if _is_folder(entry)])
        if len(folders) <= MOST_PARTS:
            full = [entry for entry in folders if self._has_pictures(entry.path)]
            self.empty |= {self.name(entry.path) for entry in folders if entry not in full}
            folders = full
        return sorted(entry.name for entry in folders), sum(is_picture(entry) for entry in entries)

    def _without_junk(self, folders: list[os.DirEntry[str]]) -> list[os.DirEntry[str]]:
        folders.sort(key=lambda entry: entry.name)
        for entry in folders:
            if is_junk(entry.name) and (pictures := count_pictures(entry.path)):
                self.junk[self.name(entry.path)] = pictures
        return [entry for entry in folders if not is_junk(entry.name)]

    def _set_aside(self, folder: str, found: Layout) -> None:
        for name in found.aside:
            path = os.path.join(folder, name)  # noqa: PTH118
            self.aside.setdefault(found.why, {})[self.name(path)] = count_pictures(path)

    def _has_pictures(self, folder: str) -> bool:
        waiting, seen = [folder], set[str]()
        while waiting:
            folder = waiting.pop()
            real = os.path.realpath(folder)
            if real not in seen:
                seen.add(real)
                entries = self._entries(folder)
                if any(is_picture(entry) for entry in entries):
                    return True
                waiting += [entry.path for entry in entries if _is_folder(entry) and not is_junk(entry.name)]
        return False

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return list(entries)
        except OSError as error:
            if folder == self.top:
                raise DataError(f"{folder} cannot be read ({error.strerror or error}).") from error
            self.unreadable[self.name(folder)] = error.strerror or str(error)
            return []


def is_picture(entry: os.DirEntry[str]) -> bool:
    """Whether a visible entry is a file with the suffix of a picture (or a link that leads nowhere, to be told of)."""
    return not entry.name.startswith(".") and _has_picture_suffix(entry.name) and not _is_folder(entry)


def count_pictures(folder: str) -> int:
    """How many files below a folder, hidden ones too, have the suffix of a picture."""
    return sum(_has_picture_suffix(name) for _, _, names in os.walk(folder) for name in names)


def _inner_layout(names: list[str]) -> Layout | None:
    """Parts inside a class folder or beside class folders: what is held out there stays so."""
    try:
        return layout(names)
    except OnlyHeldOutError:
        return None


def _has_picture_suffix(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122 - fast


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
