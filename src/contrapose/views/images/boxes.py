"""Where in its picture a view lies, read off the map by which its pixels were read."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import OptionError
from contrapose.views.images.options import ImageViews

TURNING = ("rotation_degrees", "shear_degrees", "elastic_strength", "quarter_turn_probability")
"""Options by which a view stops being an upright rectangle of its picture."""


def boxes_of(matrix: Float[Tensor, "B 2 3"] | None, batch: int) -> Float[Tensor, "B 4"]:
    """Left, top, right and bottom edge of each view, as shares of the picture's width and height.

        left, right = (1 + q_x(-1)) / 2, (1 + q_x(1)) / 2,    q_x(p) = A_xx p + A_x;    top and bottom likewise

    The matrix is the whole geometry of a view, so nothing that moves pixels can be forgotten; resizing moves none. Of
    a mirrored view A_xx is negative, and left is the larger. What lies beyond the picture is below 0 or above 1.

    Shapes:
        matrix: reading matrices whose off-diagonal terms are 0; None: all pictures are read whole.
    """
    if matrix is None:
        return torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(batch, 4)  # (B, 4)
    half = matrix.diagonal(dim1=1, dim2=2)  # (B, 2), half of the signed width and height, normalised
    centre = matrix[:, :, 2]  # (B, 2)
    return (torch.cat([centre - half, centre + half], dim=1) + 1) / 2  # (B, 4)


def check_upright(options: ImageViews) -> None:
    """Pass resolved options whose views are upright rectangles of their pictures.

    Errors:
        OptionError: they turn, slant or bend them.
    """
    on = [name for name in TURNING if options.number(name) > 0]
    if on:
        listed = ", ".join(f"{name} ({options.number(name):g})" for name in on)
        raise OptionError(
            f"This method must know where in its picture each part of a view lies. Views that are turned, slanted or "
            f"bent cannot be told so: {listed}. Set them to 0, or take recipe natural.",
            *(*on, "recipe"),
        )
