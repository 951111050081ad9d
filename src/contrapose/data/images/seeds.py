"""Seeds of ascents that are made of pictures: their parts mixed up; and any pictures in the form of others."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from contrapose.data.images.images import Images
from contrapose.data.samples import evenly_spaced
from contrapose.errors import ArgumentError

GRID = 4
"""Patches along each side of a picture that are mixed up. [design] four."""
MOST = 10_000
"""Seeds that are kept in memory. [design] as many as seeds of their own that runs of minutes see."""


def patch_shuffled(images: Images, *, seed: int = 0, grid: int = GRID, most: int = MOST) -> Images:
    """Pictures whose patches, `grid` x `grid` of them, lie in random order: their texture without their shape.

    What the patches leave over at the right and lower edge, where the side is no multiple, stays in place.

    Arguments:
        images: whose pictures are mixed up, evenly spaced ones where there are more than `most`.
        seed: draws the orders.

    Errors:
        ArgumentError: a grid of less than 2, or finer than the pictures.
    """
    patch = images.image_size // max(1, grid)
    if grid < 2 or patch < 1:
        raise ArgumentError(
            f"grid must be from 2 to the {images.image_size} pixels of a side, the patches along it; got {grid}."
        )
    rows = evenly_spaced(len(images), min(most, len(images)))
    pixels = images.batch(rows).numpy()  # (N, C, H, W)
    edge, (count, channels) = grid * patch, pixels.shape[:2]
    parts = pixels[:, :, :edge, :edge].reshape(count, channels, grid, patch, grid, patch)
    parts = parts.transpose(0, 2, 4, 1, 3, 5).reshape(count, grid * grid, channels, patch, patch)
    order = np.random.default_rng(seed).random((count, grid * grid)).argsort(axis=1)  # (N, g²)
    mixed = np.take_along_axis(parts, order[:, :, None, None, None], axis=1)
    mixed = mixed.reshape(count, grid, grid, channels, patch, patch).transpose(0, 3, 1, 4, 2, 5)
    pixels[:, :, :edge, :edge] = mixed.reshape(count, channels, edge, edge)
    return Images(pixels, origin=f"{images.origin}, patches mixed up", preparation=images.preparation)


def in_form_of(images: Images, like: Images) -> Images:
    """Pictures as large as others, and of as many channels: grey is repeated, or is the mean of colours."""
    if images.shape == like.shape:
        return images
    x = images.batch(np.arange(len(images))).float()  # (N, C, H, W)
    if images.channels != like.channels:
        x = x.mean(dim=1, keepdim=True).expand(-1, like.channels, -1, -1)
    side = like.image_size
    if images.image_size != side:
        x = functional.interpolate(x, size=(side, side), mode="bilinear", antialias=True)
    pixels = x.round().clamp(0, 255).to(torch.uint8).numpy()
    return Images(pixels, origin=images.origin, preparation=images.preparation)
