"""`contrapose apply` on a painter: pictures for captions, and a sheet of some of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from contrapose.atomic import whole_folder
from contrapose.commands.apply_generator import SHEET, folder_to_write, png
from contrapose.data import Samples
from contrapose.errors import ArgumentError
from contrapose.painter import load_painter
from contrapose.training.pictures import in_grid, scale_of

ROWS, COLUMNS = 12, 8
"""Of the sheet."""
CAPTIONS = "captions.txt"


def apply_painter(
    run: str | Path,
    data: Any = None,
    *,
    texts: Sequence[str] | None = None,
    out: str | Path,
    count: int = 4,
    seed: int = 0,
    limit: int | None = None,
    text_column: str | None = None,
    device: str = "cpu",
) -> Samples:
    """Draw pictures for captions, `out/NUMBER-PICTURE.png`, numbers in the order of the captions; `out/captions.txt`,
    a caption a line, and `out/sheet.png`, some of them side by side.

    Arguments:
        run: run folder, or generator's folder.
        data: captions, as `--data` of texts takes them: a `.txt` file, a line a caption; a table; a list.
        texts: captions themselves, in the place of data.
        out: a folder that is not there yet.
        count: pictures a caption.
        seed: of the noise that they are drawn from.

    Returns the captions as read.

    Errors:
        ArgumentError: an `out` that is there, or names a file; both data and texts, or neither; pictures that PNG
            cannot hold.
        RunError: no painter in `run`.
    """
    if (data is None) == (texts is None):
        raise ArgumentError(
            f"{run} draws pictures for captions: name a file of captions, or give some with "
            '--texts "a red three" "a green one" (texts=), one of the two.'
        )
    folder = folder_to_write(out, run, what="A painter")
    painter = load_painter(run, device=device)
    captions = painter.open(list(texts) if texts is not None else data, limit=limit, text_column=text_column)
    made = painter.draw(captions, times=count, seed=seed)  # (N, K, C, S, S)
    if made.shape[2] not in (1, 3):
        raise ArgumentError(
            f"Pictures of {made.shape[2]} channels cannot be written as PNG: take load_painter(...).draw(...)."
        )
    captions.notes = (*captions.notes, *painter.notes(captions))
    digits, places = len(str(len(made) - 1)), len(str(count - 1))
    with whole_folder(folder) as place:
        for row, pictures in enumerate(made):
            for number, picture in enumerate(pictures):
                name = f"{row:0{digits}}-{number:0{places}}.png"
                (place / name).write_bytes(png(picture.transpose(1, 2, 0)))
        lines = [" ".join(text.split()) for text in captions.texts]
        (place / CAPTIONS).write_text("\n".join(lines) + "\n", encoding="utf-8")
        tiles = torch.from_numpy(made[:ROWS, :COLUMNS])  # (R, K, C, S, S)
        (place / SHEET).write_bytes(png(in_grid(tiles, scale=scale_of(tiles))))
    return captions
