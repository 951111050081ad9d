"""`contrapose apply` on a generator: pictures of every class that it can translate to, and a sheet of some of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from contrapose.atomic import whole_folder
from contrapose.data import Images
from contrapose.errors import ArgumentError
from contrapose.generator import load_generator
from contrapose.shell import shell_command
from contrapose.training.pictures import in_grid, scale_of
from contrapose.training.translation import COLUMNS, ROWS

SHEET = "sheet.png"
NO_FOLDER = {".csv", ".parquet", ".jsonl", ".npz", ".npy", ".png", ".jpg"}
"""Endings of `--out` that mean a file."""


def apply_generator(
    run: str | Path,
    data: Any,
    *,
    out: str | Path,
    classes: Sequence[str] | None = None,
    limit: int | None = None,
    white: float | None = None,
    image_column: str | None = None,
    device: str = "cpu",
    quiet: bool = False,
) -> Images:
    """Translate `data` to every class, or to some, and write one picture each: `out/CLASS/NUMBER.png`, numbers in the
    order of the data, and `out/sheet.png`, some of them side by side. Class folders are what `--data` reads.

    Arguments:
        run: run folder, stage folder or generator's folder.
        data: what `--data` takes, or arrays; labels in it are not looked at.
        out: a folder that is not there yet.
        classes: those to translate to. None: all.

    Returns the data as read.

    Errors:
        ArgumentError: an `out` that is there, or names a file; no such class; pictures that PNG cannot hold.
        RunError: no generator in `run`.
    """
    folder = folder_to_write(out, run)
    generator = load_generator(run, device=device)
    wanted = generator.classes if classes is None else [generator.classes[generator.number_of(one)] for one in classes]
    options = {"limit": limit, "white": white, "image_column": image_column, "labels": False, "progress": not quiet}
    images = generator.open(data, **options)
    if images.channels not in (1, 3):
        raise ArgumentError(
            f"Pictures of {images.channels} channels cannot be written as PNG: take load_generator(...).translate(...)."
        )
    if generator.verdict:
        images.notes = (
            *images.notes,
            f"Its training ended with a verdict: {generator.verdict}",
        )
    shown = [images.batch(np.arange(min(ROWS, len(images))))]  # (R, C, H, W) each
    with whole_folder(folder) as place:
        for name, folder_name in zip(wanted, folder_names(wanted), strict=True):
            made = generator.translate(images, to=name)  # (N, C, H, W)
            shown.append(torch.from_numpy(made[: len(shown[0])]))
            (place / folder_name).mkdir()
            digits = len(str(len(made) - 1))
            for row, picture in enumerate(made):
                (place / folder_name / f"{row:0{digits}}.png").write_bytes(png(picture.transpose(1, 2, 0)))
        tiles = torch.stack(shown[: 1 + COLUMNS], dim=1)  # (R, 1 + K, C, H, W)
        (place / SHEET).write_bytes(png(in_grid(tiles, scale=scale_of(tiles))))
    return images


def folder_to_write(out: str | Path, run: str | Path, *, what: str = "A generator") -> Path:
    """The folder that pictures are to be written into.

    Arguments:
        what: makes them, for people.

    Errors:
        ArgumentError: it is there, or is the name of a file.
    """
    folder = Path(out).expanduser()
    if folder.suffix.lower() in NO_FOLDER:
        command = shell_command("apply", str(run), "PICTURES", "--out", folder.stem)
        raise ArgumentError(f"{what} writes pictures into a folder, and {out} names a file. Name one: {command}")
    if folder.exists():
        raise ArgumentError(f"{out} is there already; name a folder that is not, for --out.")
    return folder


def folder_names(classes: Sequence[str]) -> list[str]:
    """Names of classes as folders can be called, all different."""
    found: list[str] = []
    for number, name in enumerate(classes):
        plain = "".join(letter if letter.isalnum() or letter in " -_." else "-" for letter in name).strip(" .")
        found.append(plain if plain and plain not in found else f"{plain or 'class'}-{number}")
    return found


def png(pixels: np.ndarray) -> bytes:
    """A picture `(H, W, C)` as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()
