"""What one did with more than two views before: a two-view loss for every pair of views, or against their mean."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.objectives.engine.view_similarities import (
    attraction_of_views,
    between_views,
    compare_views,
    prepare_views,
    repulsion_within_views,
)
from contrapose.objectives.softmax.nt_xent import nt_xent


def pairwise_nt_xent(
    z: Float[Tensor, "V B D"],
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " R"]:
    """The mean of two-view NT-Xent over all pairs of views.

        L = (2 / (V (V - 1))) sum_{l < m} NT-Xent(z[l], z[m])

    Each pair has a softmax of its own over its 2B - 1 rows, so a sample has V (V - 1) terms. Similarities are computed
    once, not once a pair.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(R,)`, each sample's mean over pairs, with reduction "none".

    Arguments:
        temperature, normalize, rows, reduction, tile_rows, tile_columns: as in `mv_info_nce`.

    Errors:
        ArgumentError: as in `mv_info_nce`.

    All embeddings equal: log(2B - 1). Two views: `nt_xent`.

    The usual baseline, e.g. Tian, Krishnan, Isola, "Contrastive Multiview Coding" (its full graph), ECCV 2020,
    https://arxiv.org/abs/1906.05849
    """
    x = prepare_views(z, temperature=temperature, normalize=normalize, reduction=reduction)
    found = compare_views(x, temperature=temperature, rows=rows, tile_rows=tile_rows, tile_columns=tile_columns)
    own = found.repulsion.diagonal().T.unsqueeze(1)  # (V, V, R) -> (R, V) -> (V, 1, R)
    terms = torch.stack([own.expand_as(found.repulsion), found.repulsion, found.attraction])  # (3, V, V, R)
    losses = between_views(terms.logsumexp(0) - found.attraction).mean(0)  # (V·(V-1), R) -> (R,)
    return losses.mean() if reduction == "mean" else losses


def pairwise_dhel(
    z: Float[Tensor, "V B D"],
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " R"]:
    """The mean of two-view DHEL over all pairs of views.

        DHEL_i(l, m) = -s(l,i; m,i) + log sum_{j != i} exp s(l,i; l,j) + log sum_{j != i} exp s(m,i; m,j)

    As every view is in V - 1 pairs: twice the mean log energy of a view, less the mean similarity of two views.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(R,)`, each sample's mean over pairs, with reduction "none".

    Arguments:
        temperature, normalize, rows, reduction, tile_rows, tile_columns: as in `mv_info_nce`.

    Errors:
        ArgumentError: as in `mv_info_nce`.

    All embeddings equal: 1 / temperature + 2 log(B - 1). Two views: `mv_dhel`.

    Koromilas et al., "Bridging Mini-Batch and Asymptotic Analysis in Contrastive Learning", ICML 2024,
    https://arxiv.org/abs/2405.18045
    """
    x = prepare_views(z, temperature=temperature, normalize=normalize, reduction=reduction)
    energies = repulsion_within_views(
        x, temperature=temperature, rows=rows, tile_rows=tile_rows, tile_columns=tile_columns
    )  # (V, R)
    attraction = between_views(attraction_of_views(x, temperature=temperature, rows=rows))  # (V·(V-1), R)
    losses = 2 * energies.mean(0) - attraction.mean(0)  # (R,)
    return losses.mean() if reduction == "mean" else losses


def average_nt_xent(
    z: Float[Tensor, "V B D"],
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " R"]:
    """NT-Xent of each view with the mean of the others, averaged over views.

        L = (1/V) sum_l NT-Xent(u[l], (1/(V-1)) sum_{m != l} u[m]),     u = z with rows of length 1

    The mean of unit rows is not scaled to length 1 again, as in the authors' code: the more the other views disagree,
    the less it counts.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(R,)`, each sample's mean over views, with reduction "none".

    Arguments:
        temperature, normalize, rows, reduction, tile_rows, tile_columns: as in `mv_info_nce`.

    Errors:
        ArgumentError: as in `mv_info_nce`.

    All embeddings equal: log(2B - 1). Two views: `nt_xent`.

    A baseline of Koromilas et al. 2025, https://arxiv.org/abs/2507.06979
    """
    x = prepare_views(z, temperature=temperature, normalize=normalize, reduction=reduction)
    total = x.sum(0)  # (B, D)
    each = [
        nt_xent(
            torch.stack([view, (total - view) / (len(x) - 1)]),  # (2, B, D)
            temperature=temperature,
            normalize=False,
            rows=rows,
            reduction="none",
            tile_rows=tile_rows,
            tile_columns=tile_columns,
        )
        for view in x
    ]  # V times (2·R,)
    losses = torch.stack(each).unflatten(1, (2, -1)).mean((0, 1))  # (V, 2, R) -> (R,)
    return losses.mean() if reduction == "mean" else losses
