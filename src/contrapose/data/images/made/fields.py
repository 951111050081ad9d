"""Pictures of nothing: fields of colour that change slowly, in which ascents begin."""

from __future__ import annotations

import torch
from torch.nn import functional

from contrapose.data.images.images import Images
from contrapose.data.randomness import derived_generator
from contrapose.errors import ArgumentError


def fields(count: int = 2000, *, channels: int = 3, image_size: int = 32, cells: int = 4, seed: int = 0) -> Images:
    """Smooth random fields: `cells` x `cells` values of each channel, even in [0, 1], enlarged by bilinear reading.

    Shapes:
        the result: `(count, channels, image_size, image_size)` uint8, without targets.

    Arguments:
        count: pictures.
        channels: 1 or 3.
        image_size: pixels a side.
        cells: random values along each side. [design] four: blots as large as the objects of small pictures.
        seed: of everything drawn.

    Errors:
        ArgumentError: no picture, another number of channels, fewer than two cells, or a side of fewer pixels.

    Closed form: a value in a corner of a field is even in [0, 1], so that their mean is 127.5.
    """
    if count < 1 or channels not in (1, 3) or cells < 2 or image_size < cells:
        raise ArgumentError(
            f"Fields have a count of 1 or more, 1 or 3 channels, 2 cells or more, and as many pixels a side at least; "
            f"got {count}, {channels}, {cells} and {image_size}."
        )
    generator = derived_generator(seed, "fields")
    coarse = torch.rand(count, channels, cells, cells, generator=generator)  # (N, C, c, c)
    size = (image_size, image_size)
    enlarged = functional.interpolate(coarse, size=size, mode="bilinear", align_corners=True)  # (N, C, H, W)
    pixels = enlarged.mul(255).round().to(torch.uint8).numpy()
    return Images(pixels, origin=f"{count:,} smooth random fields")
