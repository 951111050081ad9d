"""One orientation for all views of a picture: every way to turn and mirror it stands for a picture of its own."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from contrapose.errors import ArgumentError

ORIENTATIONS = 8  # the symmetries of the square: four quarter turns, each with and without a mirror


def draw_orientations(
    batch: int, probability: float, *, generator: torch.Generator | None = None
) -> Int64[Tensor, "B"]:
    """For each sample an orientation 0..7, uniform with this probability, else 0 (as it is); `(B,)`."""
    device = torch.device("cpu") if generator is None else generator.device
    chance, place = torch.rand(2, batch, generator=generator, device=device)  # (B,), (B,)
    return torch.where(chance < probability, (place * ORIENTATIONS).long(), 0)


def orient(pictures: Float[Tensor, "B C S S"], orientations: Int64[Tensor, "B"]) -> Float[Tensor, "B C S S"]:
    """Each picture mirrored left to right where its number is 4 or more, then turned by (number mod 4) quarter turns.

    Exact: pixels are moved, none is interpolated. Turns are counter-clockwise, as `torch.rot90`'s.

    Errors:
        ArgumentError: pictures that are not square.
    """
    if pictures.shape[-1] != pictures.shape[-2]:
        raise ArgumentError(
            f"Only square pictures can share a quarter turn, not {pictures.shape[-2]} x {pictures.shape[-1]}. "
            "Set shared_orientation_probability to 0."
        )
    turned = pictures.clone()
    for number in range(1, ORIENTATIONS):
        rows = (orientations == number).nonzero()[:, 0].to(pictures.device)  # (b,)
        if len(rows):
            some = pictures[rows]  # (b, C, S, S)
            some = some.flip(-1) if number >= 4 else some
            turned[rows] = some.rot90(number % 4, dims=(-2, -1))
    return turned
