"""Cosines that can be compared: unit rows, and similarities rounded so that a tie is a tie.

Two equal rows have the cosine 1 on paper, but a matrix product adds its terms in another order at the edge of a tile
and gives 1 or 0.9999999. A collapsed encoder lives on exactly such differences: whoever sorts them reads noise as
signal. So similarities are computed in float64, whatever the embeddings are, and compared as whole *levels*, as coarse
as the embeddings' own arithmetic.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from contrapose.errors import ArgumentError

LEVELS = {torch.float32: 2.0**20, torch.float64: 2.0**36}
"""Levels between 0 and 1, by the type of the embeddings. Float32 unit rows err by about 1e-7, a level is 1e-6 wide."""


BLOCK = 4096
"""Rows that are looked at together."""


def directions(rows: Float[Tensor, "*N D"]) -> tuple[Float[Tensor, "*N D"], Bool[Tensor, "*N"]]:
    """Rows divided by their L2 norm, and which of them have none (those stay zero)."""
    largest = rows.abs().amax(dim=-1, keepdim=True)  # (*N, 1)
    zero = largest.squeeze(-1) == 0  # (*N,)
    # dividing by the largest entry first keeps the squares of tiny and huge rows inside the float range
    scaled = rows / torch.where(largest == 0, 1.0, largest)  # (*N, D)
    norms = scaled.norm(dim=-1, keepdim=True)  # (*N, 1)
    return scaled / torch.where(norms == 0, 1.0, norms), zero


def unit_rows(rows: Float[Tensor, "*N D"], name: str) -> Float[Tensor, "*N D"]:
    """Rows divided by their L2 norm.

    Errors:
        ArgumentError: some rows are all zeros and have no direction (it says how many).
    """
    unit, zero = directions(rows)
    _refuse(int(zero.sum()), zero.numel(), name)
    return unit


def refuse_zeros(rows: Float[Tensor, "N D"], name: str) -> None:
    """What `unit_rows` refuses, without the unit rows.

    Errors:
        ArgumentError: some rows are all zeros.
    """
    _refuse(sum(int((~part.any(dim=1)).sum()) for part in rows.split(BLOCK)), len(rows), name)


def _refuse(count: int, rows: int, name: str) -> None:
    if count:
        raise ArgumentError(
            f"{name}: {count} of {rows} rows are all zeros and have no cosine with anything. "
            "Remove them, or look for dead units at the end of the encoder; knn can take metric='euclidean'."
        )


def beside_zeros(rows: Float[np.ndarray, "N D"], side: int = 0) -> Float[np.ndarray, "N D2"]:
    """Rows that may be all zeros (texts of which no word is known, dead units), as rows that all have a direction.

    Those of zeros get one of their side's own, so that nothing of the other side is near them.

    Shapes:
        rows: `(N, D)`; returns `(N, D + 2)`, with the same cosines.

    Arguments:
        side: 0 or 1: of which of two sets that are compared with each other the rows are.
    """
    more = np.zeros((len(rows), 2), rows.dtype)
    more[:, side] = ~rows.any(axis=1)
    return np.concatenate([rows, more], axis=1)


def levels(similarity: Float[Tensor, "*N M"], embeddings: torch.dtype) -> Int64[Tensor, "*N M"]:
    """Float64 similarities in [-1, 1] as whole levels of the embeddings' type; equal up to rounding means equal.

    Overwrites its input.
    """
    return similarity.mul_(LEVELS[embeddings]).round_().to(torch.int64)
