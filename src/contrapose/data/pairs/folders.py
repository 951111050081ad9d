"""Pictures with captions in files: `x.jpg` beside `x.txt`, or COCO's JSON beside a folder of pictures."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from contrapose.data.files.captioned import caption_files, decoded, text_beside
from contrapose.data.files.names import printable
from contrapose.data.images.folders import others_note
from contrapose.data.images.listing import Listing, stamp
from contrapose.data.pairs.captions import LOST, captions_of, lines_of
from contrapose.errors import DataError
from contrapose.words import counted

SUFFIX = ".txt"
SHOWN = 3  # files that a note names


def beside_pictures(listing: Listing) -> tuple[Listing, list[tuple[str, ...]]]:
    """The captions of each picture file, those of the text file of the same name: one a line.

    Text files without a picture, and those that are not UTF-8, are counted in notes.

    Errors:
        DataError: no picture has a text file.
    """
    captions: list[tuple[str, ...]] = []
    garbled: list[str] = []
    folders: Counter[str] = Counter()
    for picture in listing.pictures:
        folders[os.path.dirname(str(picture))] += 1  # noqa: PTH120 - text, for a million files
        beside = text_beside(str(picture))
        text = "" if beside is None else _read(beside)
        if beside is not None and LOST in text:
            garbled.append(beside)
        captions.append(lines_of(text))
    if not any(captions):
        raise DataError(
            f"None of the {counted(len(captions), 'picture')} of {listing.origin} has its captions in a text file of "
            "the same name (x.jpg beside x.txt, a caption a line). Give such files, a table with a column of pictures "
            "and one of texts, or a COCO JSON file"
            f"{_json_beside(listing)}; to learn from the pictures alone: --modality image."
        )
    known = {os.path.splitext(str(picture))[0] for picture in listing.pictures}  # noqa: PTH122
    texts = [name for folder in folders for name in _texts_in(folder)]
    lonely = [name for name in texts if os.path.splitext(name)[0] not in known]  # noqa: PTH122
    read = Counter(os.path.splitext(name)[1].lower() for name in texts)  # noqa: PTH122
    passed = others_note(listing.others)
    notes = [note for note in listing.notes if note not in passed] + others_note(listing.others - read)
    if lonely:
        notes.append(
            f"{counted(len(lonely), 'text file')} without a picture of the same name left out: {_some(lonely)}."
        )
    if garbled:
        notes.append(
            f"{counted(len(garbled), 'text file')} not in UTF-8, with letters lost: {_some(garbled)}. Convert, for "
            "example: iconv -f WINDOWS-1252 -t UTF-8 OLD.txt > NEW.txt"
        )
    return replace(listing, notes=tuple(notes)), captions


def list_coco(path: Path) -> tuple[Listing, list[tuple[str, ...]]]:
    """The pictures that a COCO caption file names, and all captions of each.

    Pictures lie beside the file, in a folder beside it, in one beside its folder, as COCO itself has them, or beside
    its folder.

    Errors:
        DataError: not such a file, or none of its pictures is there.
    """
    try:
        found = json.loads(path.read_bytes())
        images = [(one["id"], str(one["file_name"])) for one in found["images"]]
        said: dict[Any, list[Any]] = {}
        for one in found["annotations"]:
            said.setdefault(one["image_id"], []).append(one["caption"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        lacking = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(
            f"{path} is no COCO caption file ({lacking}): that is an object with images (id, file_name) and "
            "annotations (image_id, caption). Other JSON: write an object a line, as .jsonl."
        ) from None
    if not images:
        raise DataError(f"{path} lists no images: there is nothing to learn from.")
    folder = _folder_of([name for _, name in images], path)
    files = [os.path.join(folder, name) for _, name in images]  # noqa: PTH118 - text
    names = [printable(name) for _, name in images]
    strangers = len(said.keys() - {number for number, _ in images})
    note = f"Captions of {counted(strangers, 'picture')} that the file does not list left out."
    listing = Listing(
        pictures=files,
        identifiers=names,
        origin=f"captions {path}",
        place=str(path.resolve()),
        stamps=[stamp(file, name) for file, name in zip(files, names, strict=True)],
        notes=(note,) if strangers else (),
    )
    return listing, [captions_of(said.get(number, [])) for number, _ in images]


def _folder_of(names: Sequence[str], path: Path) -> str:
    near = path.parent.resolve()
    beside = [*sorted(one for one in near.iterdir() if one.is_dir())]
    around = [*sorted(one for one in near.parent.iterdir() if one.is_dir())] if near.parent != near else []
    some = names[:: max(1, len(names) // 20)][:20]
    for folder in (near, *beside, *around, near.parent):
        if any((folder / name).is_file() for name in some):
            return str(folder)
    raise DataError(
        f"None of the pictures that {path} names lies beside it or its folder, or in a folder beside these "
        f"(first: {printable(names[0])}). Move the file to the pictures."
    )


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - text, for a million files
            return decoded(file.read())
    except OSError:
        return ""


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(printable(os.path.basename(name)) for name in names[:SHOWN])  # noqa: PTH119
    return shown + (", ..." if len(names) > SHOWN else "")


def _json_beside(listing: Listing) -> str:
    """Names the JSON file of captions in the folder that was given, or else the first, which may be the one to open."""
    place = Path(listing.place or os.devnull)
    found = [*caption_files(place), *sorted(place.glob("*.json"))] if place.is_dir() else []
    name = printable(os.path.relpath(found[0], place)) if found else ""
    return f" (is it {name}, which lies there? --data takes its path)" if found else ""


def _texts_in(folder: str) -> list[str]:
    found = (entry for entry in os.scandir(folder or ".") if entry.name.lower().endswith(SUFFIX))
    return sorted(os.path.join(folder, entry.name) for entry in found if not entry.name.startswith("."))  # noqa: PTH118
