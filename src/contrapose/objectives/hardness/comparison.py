"""What a reference encoder says of each candidate, brought along by the tiles of a pairing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.objectives.engine.inputs import prepare_rows
from contrapose.objectives.engine.tiles import LogSum, Sums, row_reduce
from contrapose.pairing import Pairing, Tile, by_views

SMALLEST = 1e-6  # added to the sum of both difficulties: the authors' code


def relative_difficulty(own: Tensor, reference: Tensor) -> Tensor:
    """The weights w of `difficulty_weighted`, 1 to 2, from the logarithms of both difficulties e; any shape."""
    hard, easy = own.exp(), reference.exp()
    return 1 + hard / (easy + hard + SMALLEST)


@dataclass(frozen=True)
class ComparedTile(Tile):
    """A tile that knows its candidates' weights, but for the anchor's own similarities.

    Shapes:
        own_norm: `(r, 1)` log of the root of the sum of squares of exp(s); reference: `(r, c)` log of e'.
    """

    own_norm: Tensor
    reference: Tensor


@dataclass(frozen=True)
class Compared(Pairing):
    """A pairing whose tiles bring along how difficult the reference finds each candidate.

    Shapes:
        y: `(N, D2)` the reference's rows; own_norm, norm: `(N,)` log norms of difficulties, of anchors in use.
    """

    pairing: Pairing
    y: Tensor
    scale: float | Tensor
    own_norm: Tensor
    norm: Tensor

    @property
    def anchors(self) -> int:  # type: ignore[override]
        return self.pairing.anchors

    @property
    def candidates(self) -> int:  # type: ignore[override]
        return self.pairing.candidates

    def tile(self, rows: Int[Tensor, " r"], columns: slice) -> ComparedTile:
        tile = self.pairing.tile(rows, columns)
        similarity = self.scale * self.y[rows] @ self.y[columns].T  # (r, c)
        reference = similarity - self.norm[rows].unsqueeze(1)  # (r, c)
        return ComparedTile(tile.weight, tile.valid, self.own_norm[rows].unsqueeze(1), reference)

    def to(self, device: torch.device | str) -> Compared:
        pairing, y = self.pairing.to(device), self.y.to(device)
        scale = self.scale.to(device) if isinstance(self.scale, Tensor) else self.scale
        return Compared(pairing, y, scale, self.own_norm.to(device), self.norm.to(device))


@torch.no_grad()
def compare(
    x: Tensor,
    y: Tensor,
    pairing: Pairing,
    numbers: Tensor,
    *,
    scale: float | Tensor,
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Compared:
    """`pairing` of rows `x` `(N, D)` with the reference's rows `y` `(N, D2)`, for the anchors `numbers` `(R,)`."""

    def norms(of: Tensor) -> Tensor:
        (squares,) = row_reduce(
            of[numbers],
            of,
            squared_difficulties,
            pairing,
            row_indices=numbers,
            scale=scale,
            tile_rows=tile_rows,
            tile_columns=tile_columns,
        )  # (R,) log of sums of squares
        return torch.zeros(len(of), dtype=squares.dtype, device=of.device).index_copy(0, numbers, squares / 2)  # (N,)

    return Compared(pairing, y, scale, norms(x), norms(y))


@torch.no_grad()
def difficulty_weights(
    z: Float[Tensor, "V B D"], reference: Float[Tensor, "V B D2"], *, temperature: float = 0.5
) -> Float[Tensor, "N N"]:
    """The weights w of a small batch, to be looked at; 0 where the column is no negative of the row.

    Shapes:
        z: `(V, B, D)`, reference: `(V, B, D2)`, as in `difficulty_weighted`; returns `(V·B, V·B)`, view-major.
    """
    x, y = prepare_rows(z, True).flatten(0, 1), prepare_rows(reference, True).flatten(0, 1)  # (N, D), (N, D2)
    numbers = torch.arange(len(x), device=x.device)
    pairing = by_views(*z.shape[:2], device=x.device)
    tile = compare(x, y, pairing, numbers, scale=1 / temperature).tile(numbers, slice(0, len(x)))
    weights = relative_difficulty(x @ x.T / temperature - tile.own_norm, tile.reference)  # (N, N)
    return weights.where(tile.negative, 0.0)


squared_difficulties = Sums(log=(LogSum("negative", factor=2.0),))
"""exp(2 s), of negatives alone, to be summed."""
