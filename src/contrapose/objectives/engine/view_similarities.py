"""What multi-view losses are made of: how alike the views of a sample are, and those of different samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_temperature, check_views, prepare_rows
from contrapose.objectives.engine.tiles import Terms, row_reduce
from contrapose.pairing import Tile, by_groups


@dataclass(frozen=True)
class ViewSimilarities:
    """The similarities s(l,i; m,j) of view l of sample i with view m of sample j, reduced to what losses ask for.

    Shapes:
        attraction: `(V, V, R)`, s(l,i; m,i); its diagonal l = m is a row with itself, and nobody's business.
        repulsion: `(V, V, R)`, log of the sum over j != i of exp s(l,i; m,j).
    """

    attraction: Float[Tensor, "V V R"]
    repulsion: Float[Tensor, "V V R"]


def prepare_views(z: Tensor, *, temperature: float | Tensor, normalize: bool, reduction: str) -> Float[Tensor, "V B D"]:
    """What every multi-view loss asks of its arguments, and its rows as `prepare_rows` leaves them.

    Errors:
        ArgumentError: not `(V, B, D)`, fewer than two views or samples, NaN, temperature <= 0, another reduction.
    """
    check_views(z)
    check_temperature(temperature)
    check_choice(reduction, REDUCTIONS, "reduction")
    views, batch, _ = z.shape
    if views < 2 or batch < 2:
        raise ArgumentError(
            f"z holds {views} view(s) of {batch} sample(s), and at least two of each are needed: other views attract, "
            "other samples repel. Views come first, (V, B, D); stack them with torch.stack([view_0, view_1, ...])."
        )
    return prepare_rows(z, normalize)


def between_views(x: Float[Tensor, "V V R"]) -> Float[Tensor, "pairs R"]:
    """The entries of two different views: `(V, V, R)` -> `(V·(V-1), R)`."""
    views = len(x)
    # without the first entry, each row of the matrix ends with a diagonal one
    without_first = x.flatten(0, 1)[1:].unflatten(0, (views - 1, views + 1))  # (V-1, V+1, R)
    return without_first[:, :-1].flatten(0, 1)


def compare_views(
    x: Float[Tensor, "V B D"],
    *,
    temperature: float | Tensor,
    rows: Tensor | None = None,
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> ViewSimilarities:
    """Every view against every view, in tiles: `(V, B, D)`, as `prepare_rows` leaves it, to `(V, V, R)` twice.

    Costs O(V² B² D), and memory linear in V² B.
    """
    views, batch, _ = x.shape
    samples = torch.arange(batch, device=x.device)
    pairing = by_groups(samples.repeat(views), samples)  # all rows against one view
    anchors = choose_anchors(views, batch, rows, x.device)
    flat = anchors.take(x.flatten(0, 1))  # (V·R, D)
    indices = torch.arange(len(flat), device=x.device) if anchors.own is None else anchors.own
    reduced = [
        row_reduce(
            flat,
            view,
            _repulsion_and_attraction,
            pairing,
            row_indices=indices,
            scale=1 / temperature,
            tile_rows=tile_rows,
            tile_columns=tile_columns,
        )
        for view in x
    ]  # V times two (V·R,)
    repulsion, attraction = (torch.stack(parts) for parts in zip(*reduced, strict=True))  # (V, V·R) each, m first
    return ViewSimilarities(
        attraction.unflatten(1, (views, -1)).transpose(0, 1),  # (V, V·R) -> (V, V, R), l first
        repulsion.unflatten(1, (views, -1)).transpose(0, 1),
    )


def repulsion_within_views(
    x: Float[Tensor, "V B D"],
    *,
    temperature: float | Tensor,
    rows: Tensor | None = None,
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, "V R"]:
    """The diagonal of `compare_views(...).repulsion` alone, at O(V B² D)."""
    samples = torch.arange(x.shape[1], device=x.device)
    indices = choose_anchors(1, len(samples), rows, x.device).take(samples)  # (R,)
    reduced = [
        row_reduce(
            view[indices],
            view,
            _repulsion_and_attraction,
            by_groups(samples, samples),
            row_indices=indices,
            scale=1 / temperature,
            tile_rows=tile_rows,
            tile_columns=tile_columns,
        )[0]
        for view in x
    ]  # V times (R,)
    return torch.stack(reduced)  # (V, R)


def attraction_of_views(
    x: Float[Tensor, "V B D"], *, temperature: float | Tensor, rows: Tensor | None = None
) -> Float[Tensor, "V V R"]:
    """`compare_views(...).attraction` alone, at O(V² B D)."""
    own = choose_anchors(1, x.shape[1], rows, x.device).own
    x = x if own is None else x[:, own]  # (V, R, D)
    with torch.autocast(x.device.type, enabled=False):
        return torch.einsum("lbd,mbd->lmb", x, x) / temperature  # (V, V, R)


def _repulsion_and_attraction(similarity: Tensor, tile: Tile) -> Terms:
    negatives = similarity.masked_fill(~tile.negative, -math.inf)  # (r, c)
    return Terms(log=[negatives], linear=[tile.weight * similarity])
