"""`contrapose apply` on a perturbation: pictures with it, in folders as they came, and a sheet of some of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from contrapose.atomic import whole_folder
from contrapose.commands.apply_generator import SHEET, folder_names, folder_to_write, png
from contrapose.commands.apply_word import apply_word, captions_of, writes_texts
from contrapose.data import Images, Samples
from contrapose.data.files.walk import SUFFIXES
from contrapose.data.kinds import kind_of
from contrapose.data.pairs import Pairs
from contrapose.errors import ArgumentError
from contrapose.modalities import MODALITIES
from contrapose.perturber import Perturber, load_perturber
from contrapose.training.pictures import in_grid, scale_of

ROWS, WITHOUT_CLASSES = 8, "perturbed"
MOST_LETTERS = 80  # of the name of a picture file
SHOWN_TIMES = 8
"""How much stronger the change is shown on the sheet, around grey."""


def apply_perturbation(
    run: str | Path,
    data: Any,
    *,
    out: str | Path,
    limit: int | None = None,
    white: float | None = None,
    image_column: str | None = None,
    text_column: str | None = None,
    device: str = "cpu",
    quiet: bool = False,
) -> Samples:
    """Write every picture of `data` with a run's perturbation: `out/CLASS/NUMBER.png`, so that data with labels keep
    them, `out/perturbed/NUMBER.png` without; numbers in the order of the data, and behind them what a picture file is
    called (`NUMBER-cat.png`). Besides, `out/sheet.png` has some of them before and after, and the change itself eight
    times as strong.

    A perturbation of pairs changes texts, too: with a table as `out` the texts of `data`, see `apply_word`; of data
    that are pairs `NUMBER.txt` beside each picture has its captions with the word.

    Arguments:
        run: run folder of `attack`, or a perturbation's folder.
        data: what `--data` takes, or arrays.
        out: a folder that is not there yet.

    Returns the data as read; its last note says whose perturbation it is, and how much it may change.

    Errors:
        ArgumentError: an `out` that is there, or names a file; pictures that PNG cannot hold.
        RunError: no perturbation in `run`.
    """
    perturber = load_perturber(run, device=device)
    if writes_texts(out) and perturber.word is not None:
        return apply_word(run, perturber.saved, data, out=out, limit=limit, text_column=text_column, device=device)
    folder = folder_to_write(out, run, what="A perturbation")
    options = {"limit": limit, "white": white, "image_column": image_column, "progress": not quiet}
    reading = {"limit": limit, "white": white, "image_column": image_column, "text_column": text_column}
    pairs = _pairs(perturber, data, **reading)
    images = perturber.open(data, **options) if pairs is None else pairs.pictures
    captions = None if pairs is None else captions_of(run, perturber.saved, pairs.captions, device)
    if images.channels not in (1, 3):
        raise ArgumentError(
            f"Pictures of {images.channels} channels cannot be written as PNG: take load_perturber(...).perturb(...)."
        )
    made = perturber.perturb(images)  # (N, C, H, W)
    images.notes = (*images.notes, f"{perturber.in_words()[0].upper()}{perturber.in_words()[1:]}.")
    places = _folders_of(images)
    names = _names_of(images)
    with whole_folder(folder) as place:
        for row, picture in enumerate(made):
            target = place / places[row]
            target.mkdir(exist_ok=True)
            (target / f"{names[row]}.png").write_bytes(png(picture.transpose(1, 2, 0)))
            if captions is not None:
                (target / f"{names[row]}.txt").write_text("\n".join(captions[row]) + "\n", encoding="utf-8")
        shown = np.arange(min(ROWS, len(images)))
        tiles = before_and_after(images.batch(shown), torch.from_numpy(made[shown]))  # (R, 3, C, H, W)
        (place / SHEET).write_bytes(png(in_grid(tiles, scale=scale_of(tiles))))
    return images


def before_and_after(before: Tensor, after: Tensor) -> Tensor:
    """Pictures, what became of them, and the change around grey, stronger: `(R, 3, C, H, W)` uint8."""
    change = 127.5 + SHOWN_TIMES * (after.float() - before.float())  # (R, C, H, W)
    return torch.stack([before, after, change.round().clamp(0, 255).to(torch.uint8)], dim=1)


def _pairs(perturber: Perturber, data: Any, **reading: Any) -> Pairs | None:
    """The data, where a perturbation of pairs is put on pairs; None elsewhere."""
    if perturber.word is None or kind_of(data) != "pairs":
        return None
    if isinstance(data, Pairs):
        limit = reading["limit"]
        return data if limit is None else data.subset(np.arange(min(limit, len(data))))
    saved = perturber.saved
    form = {"image_size": saved.image_size, "channels": saved.channels, "preparation": saved.preparation}
    own = {name: value for name, value in reading.items() if value is not None}
    return cast("Pairs", MODALITIES["pairs"].open(data, **form, **own))


def _folders_of(images: Images) -> Sequence[str]:
    """A folder for each picture, called like its class; none where there are no labels."""
    labels = images.labels
    if labels is None or not (labels >= 0).any():
        return [WITHOUT_CLASSES] * len(images)
    names = images.class_names or [str(number) for number in range(int(labels.max()) + 1)]
    folders = folder_names([*names, "unlabelled"])
    return [folders[label] for label in labels]  # -1 is the last


def _names_of(images: Images) -> list[str]:
    """What each picture is called as a file, without its suffix: its number, and the name that it has as one."""
    digits = len(str(len(images) - 1))
    called = [PurePath(str(one)) for one in images.identifiers]
    named = [one.stem if one.suffix.lower() in SUFFIXES else "" for one in called]
    stems = [re.sub(r"[^\w.-]", "_", name)[:MOST_LETTERS] for name in named]
    return [f"{row:0{digits}}{'-' if stem else ''}{stem}" for row, stem in enumerate(stems)]
