"""Maps of classes as people look at them: the picture, what it shows, and what was answered, side by side."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

from contrapose.data.samples import evenly_spaced
from contrapose.tasks.mask_parts import MaskParts
from contrapose.training.pictures import in_grid

ROWS = 6
LEAST_SIDE = 96  # pixels that a picture is drawn with at least
MOST_NAMED = 24


@dataclass(frozen=True)
class Shown:
    """What was answered, `(T, H, W)`, for the test part."""

    parts: MaskParts
    answers: np.ndarray


def beside_each_other(shown: Shown) -> tuple[np.ndarray, str, str]:
    """Some test pictures, a row each: as they are, their true maps, the predicted ones; with a title and a caption."""
    parts = shown.parts
    rows = evenly_spaced(len(parts.test), ROWS)
    pixels = cast(Any, parts.test.subset(rows)).pixels  # (n, C, H, W)
    colours = palette(len(parts.classes))
    lines = []
    for line, row in enumerate(rows.tolist()):
        picture = pixels[line] if pixels.shape[1] == 3 else pixels[line, :1].repeat(3, axis=0)  # (3, H, W)
        maps = [_drawn(one, colours) for one in (parts.wanted[row], shown.answers[row])]  # (3, H, W) each
        lines.append(torch.from_numpy(np.stack([picture, *maps])))  # (3, 3, H, W)
    names = [f"{name} {_named(colour)}" for name, colour in zip(parts.classes, colours, strict=True)][:MOST_NAMED]
    more = ", ..." if len(parts.classes) > MOST_NAMED else ""
    caption = (
        f"{len(rows)} test pictures, a row each: the picture, its true map, and what a linear probe reads off the map "
        f"of the trained encoder. Black has no class. Colours: {', '.join(names)}{more}."
    )
    return in_grid(lines, scale=-(-LEAST_SIDE // pixels.shape[2])), "Predicted maps beside the true ones", caption


def palette(classes: int) -> np.ndarray:
    """Colours that are told apart, `(K, 3)` uint8: hues by the golden ratio, of three lightnesses in turn."""
    made = [colorsys.hls_to_rgb(k * 0.618034 % 1, (0.55, 0.72, 0.38)[k % 3], 0.75) for k in range(classes)]
    return np.rint(255 * np.array(made)).astype(np.uint8)


def _drawn(classes: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """A map of classes as a picture, `(3, H, W)`; what has no class is black."""
    with_void = np.concatenate([colours, np.zeros((1, 3), np.uint8)])
    return with_void[np.where(classes < 0, len(colours), classes)].transpose(2, 0, 1)


def _named(colour: np.ndarray) -> str:
    return "#" + "".join(f"{value:02x}" for value in colour.tolist())
