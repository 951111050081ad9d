"""Pictures that a job leaves for people: translations, ascents, examples of clusters, maps beside the true ones.

They lie in `pictures/` of whatever folder the job exports into (the run, or one of its stages), and the report shows
them there, each with its title and caption.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from contrapose.atomic import write_atomically
from contrapose.errors import ArgumentError, DataError

FOLDER, LIST = "pictures", "pictures.json"
TILE = 48  # pixels a side at least, so that small pictures can be seen
LONGEST_NAME = 60  # letters of a title that its file is called by


@dataclass(frozen=True)
class Picture:
    """A picture that lies in a folder, and what is said of it.

    Arguments:
        file: where.
        title: a few words.
        caption: a sentence or two: what is in the rows and columns, how it was made, what to look for.
    """

    file: Path
    title: str
    caption: str


def write_pictures(
    folder: Path, pictures: Sequence[tuple[np.ndarray | Tensor, str, str]], *, add: bool = False
) -> None:
    """Write pictures into `pictures/` of a folder, and take away those of an earlier call.

    Every file is whole or absent, and the list, which is written last, never names one that is absent. So it may be
    called in `Job.export`, again at every checkpoint.

    Arguments:
        folder: what `export` was given.
        pictures: of each the pixels, uint8 `(H, W)`, `(H, W, 1)` or `(H, W, 3)`, a title, and a caption. Several
            pictures are made one by `in_grid`.
        add: keep pictures of other titles that are there.

    Errors:
        ArgumentError: pixels of another type or shape, a title without letters, or two pictures of one title.
        DataError: the list that is there and to be added to cannot be read.
        RunError: the disk is full or cannot be written.
    """
    titles = [title for _, title, _ in pictures]
    if twice := sorted({title for title in titles if titles.count(title) > 1}):
        raise ArgumentError(f"Two pictures are called {twice[0]!r}; give each its own title.")
    encoded = [(_png(pixels, title), title, caption) for pixels, title, caption in pictures]
    kept = [picture for picture in read_pictures(folder) if picture.title not in titles] if add else []
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    listed = [_entry(picture.file.name, picture.title, picture.caption) for picture in kept]
    for content, title, caption in encoded:
        name = _name(title, {entry["file"] for entry in listed})
        write_atomically(place / name, content)
        listed.append(_entry(name, title, caption))
    write_atomically(place / LIST, (json.dumps(listed, indent=2, ensure_ascii=False) + "\n").encode())
    for left in set(place.glob("*.png")) - {place / entry["file"] for entry in listed}:
        left.unlink(missing_ok=True)


def read_pictures(folder: Path) -> list[Picture]:
    """The pictures that lie in a folder, in the order in which they were given; none where nothing was written.

    Errors:
        DataError: the list is damaged, or names what is no picture beside it.
    """
    place = folder / FOLDER
    if not (place / LIST).is_file():
        return []
    try:
        listed = json.loads((place / LIST).read_bytes())
        found = [Picture(place / entry["file"], str(entry["title"]), str(entry["caption"])) for entry in listed]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{place / LIST} cannot be read ({type(error).__name__}: {error}).") from error
    for picture in found:
        if picture.file.parent != place or not picture.file.is_file():
            raise DataError(f"{place / LIST} names {picture.file.name!r}, and there is no such picture beside it.")
    return found


def open_picture(picture: Picture) -> UInt8[np.ndarray, "H W 3"]:
    """The pixels of a picture.

    Errors:
        DataError: the file is damaged.
    """
    try:
        with Image.open(picture.file) as opened:
            return np.asarray(opened.convert("RGB"))  # (H, W, 3)
    except (OSError, UnidentifiedImageError) as error:
        raise DataError(f"{picture.file} is no picture that can be read ({error}).") from error


def in_grid(
    tiles: UInt8[Tensor, "R K C H W"] | Sequence[UInt8[Tensor, "K C H W"]], *, gap: int = 2, scale: int = 1
) -> UInt8[np.ndarray, "H2 W2 3"]:
    """Rows of pictures as one picture, white between them and where a row is shorter.

    Arguments:
        tiles: pictures of one size, of 1 or 3 channels: what the house holds pictures as.
        gap: pixels between two.
        scale: how often a pixel is repeated each way, for pictures too small to be seen.

    Errors:
        ArgumentError: no picture, pictures of different sizes, or not of uint8.
    """
    rows = [torch.as_tensor(row) for row in tiles]
    sizes = {tuple(row.shape[1:]) for row in rows if row.ndim == 4 and len(row)}
    if len(sizes) != 1 or any(row.ndim != 4 or row.dtype != torch.uint8 for row in rows):
        given = ", ".join(f"{str(row.dtype).removeprefix('torch.')} {tuple(row.shape)}" for row in rows) or "nothing"
        raise ArgumentError(f"A grid takes rows of uint8 pictures (K, C, H, W) of one size; it was given {given}.")
    channels, height, width = (int(side) for side in sizes.pop())
    height, width = height * scale, width * scale
    longest = max(len(row) for row in rows)
    shape = (len(rows) * (height + gap) - gap, longest * (width + gap) - gap, 3 if channels == 3 else 1)
    grid = np.full(shape, 255, dtype=np.uint8)  # (H2, W2, C)
    for line, row in enumerate(rows):
        for column, tile in enumerate(row.cpu().numpy()):
            big = tile.transpose(1, 2, 0).repeat(scale, axis=0).repeat(scale, axis=1)  # (H, W, C)
            top, left = line * (height + gap), column * (width + gap)
            grid[top : top + height, left : left + width] = big
    return np.broadcast_to(grid, (*shape[:2], 3)).copy()  # (H2, W2, 3)


def scale_of(tiles: Tensor) -> int:
    """How often a pixel is to be repeated each way, so that pictures can be seen: `TILE` pixels a side at least."""
    return -(-TILE // tiles.shape[-1])


def _png(pixels: np.ndarray | Tensor, title: str) -> bytes:
    array = pixels.detach().cpu().numpy() if isinstance(pixels, Tensor) else np.asarray(pixels)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (1,), (3,)) or not array.size:
        raise ArgumentError(
            f"The picture {title!r} is {array.dtype} of shape {array.shape}; a picture is uint8 of shape (H, W), "
            "(H, W, 1) or (H, W, 3). Of floats in [0, 1] take (255 * pixels).round().astype('uint8')."
        )
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array[..., 0] if array.shape[2:] == (1,) else array)).save(buffer, "PNG")
    return buffer.getvalue()


def _name(title: str, taken: set[str]) -> str:
    """`Translations, to green` -> `translations-to-green.png`; with a number where another title is so called too."""
    stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:LONGEST_NAME].strip("-")
    if not title.strip():
        raise ArgumentError("A picture has a title: a few words.")
    stem, number = stem or "picture", 1
    while (name := f"{stem}{f'-{number}' if number > 1 else ''}.png") in taken:
        number += 1
    return name


def _entry(file: str, title: str, caption: str) -> dict[str, Any]:
    return {"file": file, "title": title, "caption": caption}
