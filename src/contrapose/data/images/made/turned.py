"""Digits turned by an angle: a picture whose label is a number."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import UInt8
from torch.nn import functional

from contrapose.data.images.images import Images
from contrapose.data.images.made.digit_scans import digit_scans
from contrapose.data.images.made.whole import check_whole
from contrapose.data.randomness import derived_generator
from contrapose.data.samples import NUMBER
from contrapose.errors import ArgumentError

SIDE = 16
"""Pixels of a turned digit, four of them a margin into which corners turn."""
LARGEST = 60.0
"""Degrees by which a picture is turned at most, either way."""
BLOCK = 1_000  # pictures that are turned at once


def turned(count: int = 1797, *, seed: int = 0, largest: float = LARGEST) -> Images:
    """Digits of scikit-learn, each turned by an angle of its own, evenly drawn from `-largest` to `largest`.

    Shapes:
        the result: `(count, 1, 16, 16)` uint8. Target "number": the angle in degrees; the labels are the digits.

    Arguments:
        count: pictures; where these are more than the scans, scans come again, at other angles.
        seed: of the angles.
        largest: degrees, above 0, up to 180.

    Errors:
        ArgumentError: no picture, numbers that are not whole, another angle.

    Chance: always answering the middle is wrong by `largest / 2` degrees in the mean.
    """
    check_whole(count=(count, 1), seed=(seed, 0))
    if not 0 < largest <= 180:
        raise ArgumentError(f"largest is in degrees, above 0 and up to 180; got {largest}.")
    levels, digits = digit_scans()
    rows = np.arange(count) % len(digits)  # (N,)
    framed = in_frame(np.rint(levels * 255).astype(np.uint8)[rows, None])  # (N, 1, SIDE, SIDE)
    names = [str(number) for number in range(10)]
    images = Images(framed, digits[rows], class_names=names, origin="the digits of scikit-learn")
    return turn(images, derived_generator(seed, "turned"), largest=largest)


def in_frame(pixels: UInt8[np.ndarray, "N 1 h w"]) -> UInt8[np.ndarray, "N 1 H W"]:
    """Scans brought to 12 x 12 in the middle of black pictures of 16 x 16."""
    margin = (SIDE - 12) // 2
    small = functional.interpolate(torch.from_numpy(pixels).float(), size=12, mode="bilinear", align_corners=False)
    return functional.pad(small, (margin,) * 4).round().byte().numpy()  # (N, 1, SIDE, SIDE)


def turn(images: Images, generator: torch.Generator, *, largest: float = LARGEST) -> Images:
    """Each picture turned by an angle from `-largest` to `largest` degrees, evenly drawn; what lies outside of its
    circle is black, so that no corner tells the angle, which becomes its number."""
    angles = largest * (2 * torch.rand(len(images), generator=generator) - 1)  # (N,)
    radians, zero = torch.deg2rad(angles), torch.zeros(len(images))
    rows = torch.stack([radians.cos(), -radians.sin(), zero, radians.sin(), radians.cos(), zero], dim=1)  # (N, 6)
    side = images.image_size
    across = (2 * torch.arange(side) + 1) / side - 1  # (H,) centres of the pixels, from -1 to 1
    circle = (across.square() + across.unsqueeze(1).square() <= 1).float()  # (H, W)
    parts = []
    for block in torch.arange(len(images)).split(BLOCK):
        raw = images.batch(block).float()  # (b, C, H, W)
        grid = functional.affine_grid(rows[block].view(-1, 2, 3), list(raw.shape), align_corners=False)  # (b, H, W, 2)
        parts.append((functional.grid_sample(raw, grid, align_corners=False) * circle).round().byte())
    return Images(
        torch.cat(parts).numpy(),  # (N, C, H, W)
        images.labels,
        targets={NUMBER: angles.double().numpy()},
        class_names=images.class_names,
        origin=f"{images.origin}, turned",
    )
