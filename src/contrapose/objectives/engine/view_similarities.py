"""What multi-view losses are made of: how alike the views of a sample are, and those of different samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_temperature, check_views, prepare_rows
from contrapose.objectives.engine.tiles import LogSum, Sums, reduce_both_ways, row_reduce
from contrapose.pairing import by_towers, by_views

_REPULSION = Sums(log=(LogSum("negative"),))


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
    how: dict[str, Any] = {"scale": 1 / temperature, "tile_rows": tile_rows, "tile_columns": tile_columns}
    towers = by_towers(batch, device=x.device)
    own = choose_anchors(views, batch, rows, x.device).own  # (V·R,)
    found: list[list[Tensor]] = [[] for _ in range(views)]  # V times V times (R,)
    if own is None:
        for first in range(views):
            for second in range(first):
                (there,), (back,) = reduce_both_ways(x[first], x[second], _REPULSION, towers, **how)  # (B,) each
                found[first].insert(second, there)
                found[second].append(back)
            found[first].insert(first, _among_each_other(x[first], **how))
        repulsion = torch.stack([torch.stack(of_view) for of_view in found])  # (V, V, B)
    else:
        flat = x.flatten(0, 1)[own]  # (V·R, D)
        against = [row_reduce(flat, view, _REPULSION, towers, row_indices=own % batch, **how)[0] for view in x]
        repulsion = torch.stack(against).unflatten(1, (views, -1)).transpose(0, 1)  # (V, V·R) -> (V, V, R), l first
    return ViewSimilarities(attraction_of_views(x, temperature=temperature, rows=rows), repulsion)


def repulsion_within_views(
    x: Float[Tensor, "V B D"],
    *,
    temperature: float | Tensor,
    rows: Tensor | None = None,
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, "V R"]:
    """The diagonal of `compare_views(...).repulsion` alone, at O(V B² D)."""
    how: dict[str, Any] = {"scale": 1 / temperature, "tile_rows": tile_rows, "tile_columns": tile_columns}
    batch = x.shape[1]
    own = choose_anchors(1, batch, rows, x.device).own  # (R,)
    if own is None:
        return torch.stack([_among_each_other(view, **how) for view in x])  # (V, B)
    towers = by_towers(batch, device=x.device)
    return torch.stack([row_reduce(view[own], view, _REPULSION, towers, row_indices=own, **how)[0] for view in x])


def _among_each_other(view: Tensor, **how: Any) -> Tensor:
    """Each row against all others of its view: `(B, D)` -> `(B,)`."""
    (repulsion,) = row_reduce(view, view, _REPULSION, by_views(1, len(view), device=view.device), **how)
    return repulsion


def attraction_of_views(
    x: Float[Tensor, "V B D"], *, temperature: float | Tensor, rows: Tensor | None = None
) -> Float[Tensor, "V V R"]:
    """`compare_views(...).attraction` alone, at O(V² B D)."""
    own = choose_anchors(1, x.shape[1], rows, x.device).own
    x = x if own is None else x[:, own]  # (V, R, D)
    with torch.autocast(x.device.type, enabled=False):
        return torch.einsum("lbd,mbd->lmb", x, x) / temperature  # (V, V, R)
