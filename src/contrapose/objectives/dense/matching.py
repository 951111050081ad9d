"""Which cells of two crops show the same place of the picture."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from contrapose.errors import ArgumentError

Boxes = Float[Tensor, "B 4"]


def cell_matches(
    first: Boxes, second: Boxes, size: tuple[int, int], *, threshold: float = 0.7
) -> Bool[Tensor, "B M M"]:
    """Pairs of cells, one of each crop, that lie near each other in the picture, M = H·W cells row by row.

        centre of cell (r, q):  x = left + (q + 1/2) (right - left) / W,   y = top + (r + 1/2) (bottom - top) / H
        A_ij = 1 iff |centre_i - centre_j| / max(D_1, D_2) < T,   D the diagonal of a crop's cells

    Distances are in shares of width and height, so that a picture counts as a square whatever its sides. Of a mirrored
    crop right is less than left, and the cells run backwards. What comes out is a fact and has no gradient.

    Shapes:
        first, second: `(B, 4)` left, top, right, bottom edge of the crops of B pictures (`Batch.boxes`).
        returns: `(B, H·W, H·W)`, cells of the first crop by cells of the second.

    Arguments:
        size: H and W of both maps.
        threshold: T, in diagonals of the larger cell. 0.7: the paper's; just below the 0.7071 at which neighbours of
            square cells begin to count.

    Errors:
        ArgumentError: boxes of another shape or without area, T that is not above 0.

    Closed form: equal square crops give the identity for T = 0.7; for T = 0.75 the four neighbours besides,
    HW + 2 (H (W - 1) + W (H - 1)) pairs in all.

    Paper: PixPro, https://arxiv.org/abs/2011.10043, section 3.1.
    """
    check_threshold(threshold)
    for boxes in (first, second):
        check_boxes(boxes)
    if len(first) != len(second):
        raise ArgumentError(f"Boxes of {len(first)} and of {len(second)} crops are not of the same pictures.")
    # in float32, neighbours at just the threshold would be near in one place and far in another
    exact = torch.float32 if first.device.type == "mps" else torch.float64
    first, second = first.detach().to(exact), second.detach().to(exact)
    apart = torch.cdist(
        _centres(first, size), _centres(second, size), compute_mode="donot_use_mm_for_euclid_dist"
    )  # (B, H·W, H·W)
    diagonal = torch.maximum(_diagonal(first, size), _diagonal(second, size))  # (B,)
    return apart < threshold * diagonal[:, None, None]


def check_boxes(boxes: Tensor) -> None:
    """Pass boxes that cells can be found in.

    Errors:
        ArgumentError: another shape, or a crop without width or height.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ArgumentError(
            f"Boxes of crops are of shape (B, 4), left, top, right and bottom edge; got {tuple(boxes.shape)}."
        )
    sides = boxes[:, 2:] - boxes[:, :2]  # (B, 2), negative where mirrored
    if not bool(boxes.isfinite().all()) or bool((sides == 0).any()):
        raise ArgumentError(
            "A crop has no area (its edges coincide, or are no numbers), so its cells lie nowhere: give boxes of some "
            "width and height, in shares of the picture's sides."
        )


def check_threshold(threshold: float) -> None:
    """Pass a distance within which cells match.

    Errors:
        ArgumentError: it is not above 0.
    """
    if not 0 < threshold < math.inf:
        raise ArgumentError(f"threshold must be above 0, got {threshold}; 0.7 (diagonals of a cell) is usual.")


def _centres(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Where the cells lie, `(B, H·W, 2)`."""
    height, width = size
    left, top, right, bottom = boxes.unbind(-1)  # (B,) each
    across = (torch.arange(width, device=boxes.device, dtype=boxes.dtype) + 0.5) / width  # (W,)
    down = (torch.arange(height, device=boxes.device, dtype=boxes.dtype) + 0.5) / height  # (H,)
    x = left[:, None] + across * (right - left)[:, None]  # (B, W)
    y = top[:, None] + down * (bottom - top)[:, None]  # (B, H)
    grid = torch.stack([x[:, None].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)], dim=-1)
    return grid.flatten(1, 2)  # (B, H·W, 2)


def _diagonal(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Of one cell of each crop, `(B,)`; the sign of a mirrored width goes with its square."""
    height, width = size
    sides = (boxes[:, 2:] - boxes[:, :2]) / boxes.new_tensor([width, height])  # (B, 2)
    return torch.linalg.vector_norm(sides, dim=1)
