"""A picture of pictures: some samples, each beside views of it as training would make them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageDraw
from torch import Tensor

from contrapose.data import Images, derived_generator
from contrapose.views import ImageViews, ViewGenerator

TILE = 112  # pixels a side at least: smaller pictures are enlarged by a whole factor, so that pixels stay visible
GAP = 8
CAPTION = 16
PAPER, INK = (255, 255, 255), (60, 60, 60)
_SHEET = 3  # names the random stream


def view_sheet(images: Images, rows: Sequence[int], *, options: ImageViews, seed: int = 0) -> Image.Image:
    """One line a sample: the picture at working resolution, then its views, under its identifier and the recipe.

    Shapes:
        returns an RGB picture of `len(rows)` lines and 1 + `options.count` tiles a line.

    Arguments:
        rows: which samples.
        options: of the views; `recipe="auto"` is resolved for these pictures as training does.
        seed: of the random views.
    """
    make = ViewGenerator(options, channels=images.channels, image_size=images.image_size)
    pictures = images.batch(np.asarray(rows))  # (B, C, H, W)
    views = make(pictures, generator=derived_generator(seed, _SHEET))[: options.count]  # V of (B, C, S, S)
    columns = [_tiles(picture) for picture in (pictures / 255, *views)]
    side = max(tile.width for column in columns for tile in column)
    width, height = GAP + len(columns) * (side + GAP), GAP + len(rows) * (CAPTION + side + GAP)
    sheet = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(sheet)
    for line, row in enumerate(rows):
        top = GAP + line * (CAPTION + side + GAP)
        pen.text((GAP, top), _printable(images.identifiers[row], (width - GAP) // 7), fill=INK)
        for number, column in enumerate(columns):
            sheet.paste(column[line], (GAP + number * (side + GAP), top + CAPTION))
    return sheet


def _tiles(pictures: Float[Tensor, "B C H W"]) -> list[Image.Image]:
    """Each picture as an RGB tile: three channels as they are, of any other number the first as grey."""
    shown = pictures if pictures.shape[1] == 3 else pictures[:, :1].expand(-1, 3, -1, -1)  # (B, 3, H, W)
    pixels = (shown * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()  # (B, H, W, 3)
    factor = -(-TILE // pixels.shape[1])
    size = pixels.shape[1] * factor
    return [Image.fromarray(picture).resize((size, size), Image.Resampling.NEAREST) for picture in pixels]


def _printable(text: str, length: int) -> str:
    """The end of a name, which tells files apart, in the characters that Pillow's own font has."""
    plain = text.encode("latin-1", "replace").decode("latin-1")
    return plain if len(plain) <= length else "..." + plain[3 - length :]
