"""Pictures of one object with three independent features: colour, shape and texture."""

from __future__ import annotations

import math

import numpy as np
import torch

from contrapose.data.images.images import Images
from contrapose.data.images.made.whole import check_whole
from contrapose.data.randomness import derived_generator

SIDE = 24  # pixels
DARK = 0.35  # what the dark phase of a texture is times the colour
COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "magenta": (255, 0, 255),
    "cyan": (0, 255, 255),
}
SHAPES = ("disc", "square", "triangle", "plus", "ring", "diamond")
TEXTURES = ("solid", "vertical", "horizontal", "diagonal", "checkerboard", "blobs")


def trifeature(count: int = 2000, *, seed: int = 0) -> Images:
    """One object a picture, 24 x 24 RGB on black: its colour, shape and texture, drawn independently, six of each.

        pixel (x, y) = colour · phase_texture(x, y) · share of it that the shape covers

    Stripes (vertical, horizontal, diagonal) and the checkerboard have a period of 4 pixels and a dark phase of 0.35
    times the colour; blobs are a product of sines of period 8 between these. Radius 7 to 9 pixels, centre within 2
    pixels of the middle, phases at random. Zooms of 0.85 to 1.15, shifts of 0.15 of the side and noise of 0.1 change no
    feature: all three are the same in two views, and any contrastive loss is free to use any of them. Which it leaves
    unused is what the pictures are for.

    Shapes:
        the result: `(count, 3, 24, 24)` uint8. Targets "colour", "shape" and "texture", classes 0 to 5 each; the labels
        are the shapes.

    Arguments:
        count: pictures.
        seed: of everything drawn; with another one these are other pictures, to test on.

    Errors:
        ArgumentError: no picture, or numbers that are not whole.

    Chance: 1/6 for each feature. After the idea of Hermann and Lampinen, NeurIPS 2020,
    https://arxiv.org/abs/2006.12433, with smaller pictures and fewer values [design].
    """
    check_whole(count=(count, 1), seed=(seed, 0))
    generator = derived_generator(seed, "trifeature")
    colour, shape, texture = torch.randint(6, (3, count), generator=generator).numpy()  # (N,) each
    uniform = torch.rand(5, count, 1, 1, generator=generator, dtype=torch.float64).numpy()  # (5, N, 1, 1)
    radius = 7 + 2 * uniform[0]  # (N, 1, 1)
    middle = (SIDE - 1) / 2 + 4 * uniform[1:3] - 2  # (2, N, 1, 1)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float64)  # (H, W) each
    covered = _covered(shape, x - middle[0], y - middle[1], radius)  # (N, H, W)
    value = covered * _phase(texture, x, y, uniform[3], uniform[4])  # (N, H, W)
    rgb = np.array(list(COLOURS.values()))[colour]  # (N, 3)
    pixels = np.rint(rgb[:, :, None, None] * value[:, None]).astype(np.uint8)  # (N, 3, H, W)
    images = Images(pixels, shape, class_names=SHAPES, origin="trifeature")
    for name, numbers, names in (
        ("colour", colour, tuple(COLOURS)),
        ("shape", shape, SHAPES),
        ("texture", texture, TEXTURES),
    ):
        images = images.with_classes(name, numbers, names)
    return images


def _covered(shape: np.ndarray, x: np.ndarray, y: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """How much of each pixel its object covers, `(N, H, W)`; x and y are seen from its middle, and y points down.

    By the distance of the pixel's centre from the outline: soft edges, so that hardly two pictures are the same.
    """
    away, across, along = np.hypot(x, y), np.maximum(abs(x), abs(y)), np.minimum(abs(x), abs(y))  # (N, H, W) each
    outside = {  # distance from the outline in pixels, negative inside
        "disc": away - radius,
        "square": across - 0.85 * radius,
        "triangle": np.maximum(y - radius / 2, (math.sqrt(3) * abs(x) - y - radius) / 2),  # equilateral, corners at r
        "plus": np.maximum(across - radius, along - 0.3 * radius),
        "ring": np.maximum(away - radius, 0.55 * radius - away),
        "diamond": (across + along - radius) / math.sqrt(2),
    }
    chosen = np.select([(shape == number)[:, None, None] for number in range(6)], [outside[name] for name in SHAPES])
    return np.clip(0.5 - chosen, 0, 1)


def _phase(texture: np.ndarray, x: np.ndarray, y: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How bright each pixel of a texture is, `(N, H, W)` in [0.35, 1]; `first` and `second` are phases in [0, 1)."""
    right, down = (x + 4 * first) % 4 < 2, (y + 4 * second) % 4 < 2  # (N, H, W): the bright half of a period
    waves = np.sin(2 * math.pi * (x / 8 + first)) * np.sin(2 * math.pi * (y / 8 + second))  # in [-1, 1]
    bright = {
        "solid": np.ones(waves.shape),
        "vertical": right,
        "horizontal": down,
        "diagonal": (x + y + 4 * first) % 4 < 2,
        "checkerboard": right == down,
        "blobs": (1 + waves) / 2,
    }
    chosen = np.select([(texture == number)[:, None, None] for number in range(6)], [bright[name] for name in TEXTURES])
    return DARK + (1 - DARK) * chosen
