"""The nearest other samples of the same view, found in tiles."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.tiles import ACCELERATOR_TILE, CPU_TILE
from contrapose.tracing import is_transformed


@torch.no_grad()
def hardest(
    x: Float[Tensor, "V B D"],
    count: int,
    anchors: Int[Tensor, " R"],
    *,
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Int[Tensor, "R count"]:
    """For each anchor the `count` rows of its own view with the largest inner product, itself left out.

    Tiles are merged by keeping the largest of what was kept and what is new, so that memory is that of one tile.

    Shapes:
        x: `(V, B, D)`; anchors: `(R,)` row numbers v·B + b; returns `(R, count)` row numbers, the nearest first.

    Arguments:
        count: at least 1 and below B.
        tile_rows, tile_columns: see `row_reduce`.

    Errors:
        ArgumentError: tile sizes below 1.
    """
    usual = CPU_TILE if x.device.type == "cpu" else ACCELERATOR_TILE
    tile_rows = usual[0] if tile_rows is None else tile_rows
    tile_columns = usual[1] if tile_columns is None else tile_columns
    if tile_rows < 1 or tile_columns < 1:
        raise ArgumentError(f"tile_rows and tile_columns must be at least 1, got {tile_rows} and {tile_columns}.")
    batch, flat = x.shape[1], x.flatten(0, 1)  # (N, D)
    if is_transformed():
        return _hardest_of_all(flat, batch, count, anchors)
    found = torch.empty(len(anchors), count, dtype=torch.long, device=x.device)
    for view in range(len(x)):
        places = torch.nonzero(anchors // batch == view).flatten()  # (R_v,)
        for block in places.split(tile_rows):
            own = anchors[block]  # (r,)
            kept_score = flat.new_full((len(own), count), -math.inf)
            kept_row = own.unsqueeze(1).expand(-1, count)
            for start in range(view * batch, (view + 1) * batch, tile_columns):
                columns = torch.arange(start, min(start + tile_columns, (view + 1) * batch), device=x.device)  # (c,)
                score = flat[own] @ flat[columns].T  # (r, c)
                score.masked_fill_(own.unsqueeze(1) == columns, -math.inf)
                score = torch.cat([kept_score, score], dim=1)  # (r, count + c)
                row = torch.cat([kept_row, columns.expand(len(own), -1)], dim=1)  # (r, count + c)
                kept_score, best = score.topk(count, dim=1)  # (r, count) each
                kept_row = row.gather(1, best)
            found[block] = kept_row
    return found


def _hardest_of_all(flat: Tensor, batch: int, count: int, anchors: Tensor) -> Tensor:
    """The same from the whole matrix, for whoever transforms the call: `(N, D)` -> `(R, count)`."""
    columns = torch.arange(len(flat), device=flat.device)  # (N,)
    own = anchors.unsqueeze(1)  # (R, 1)
    left_out = (columns // batch != own // batch) | (columns == own)  # (R, N)
    return (flat[anchors] @ flat.T).masked_fill(left_out, -math.inf).topk(count, dim=1).indices
