"""MV-InfoNCE and MV-DHEL: one term a sample that uses all its views at once, in place of a sum over pairs of views."""

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


def mv_info_nce(
    z: Float[Tensor, "V B D"],
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    same_view_negatives: bool = True,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " R"]:
    """Multi-view InfoNCE: of all that the views of a sample resemble, how much are they themselves?

        L_i = log D_i - log P_i
        P_i = sum_l sum_{m != l} exp s(l,i; m,i)                    all ordered pairs of views of sample i
        D_i = sum_l sum_{(m,j) != (l,i)} exp s(l,i; m,j)            each view against all rows but itself
        s(l,i; m,j) = cos(z[l,i], z[m,j]) / temperature

    The sums stand inside one logarithm a sample, so the views share one softmax; for two views it is at least NT-Xent
    (there the logarithms are averaged), and equals it where both views have the same denominator. Runs in tiles.

    Shapes:
        z: `(V, B, D)`, V views (augmentations, cameras, modalities, each from any encoder) of B samples; returns `()`,
            or `(R,)`, one loss a sample, with reduction "none".

    Arguments:
        temperature: a number, or a learned 0-d tensor. 0.5: the authors' configurations for CIFAR and ImageNet-100
            (0.1 for ImageNet-1k).
        same_view_negatives: count the other samples of the anchor's own view in D_i, as the authors' code does; false
            is the formula of their README, which leaves m = l out.
        normalize: scale rows to length 1 first.
        rows: the samples (0 to B-1) that this call answers for. None = all.
        reduction: "mean" over samples, or "none".
        tile_rows, tile_columns: see `row_reduce`.

    Errors:
        ArgumentError: not `(V, B, D)`, fewer than two views or samples, NaN, temperature <= 0, rows out of range.

    All embeddings equal: log[(V B - 1) / (V - 1)], or log B without same-view negatives; also the limit of a high
    temperature.

    Koromilas, Georgiou, Bouritsas, Giannakopoulos, Nicolaou, Panagakis, "A Principled Framework for Multi-View
    Contrastive Learning", 2025, https://arxiv.org/abs/2507.06979
    """
    x = prepare_views(z, temperature=temperature, normalize=normalize, reduction=reduction)
    found = compare_views(x, temperature=temperature, rows=rows, tile_rows=tile_rows, tile_columns=tile_columns)
    positives = between_views(found.attraction)  # (V·(V-1), R)
    negatives = found.repulsion.flatten(0, 1) if same_view_negatives else between_views(found.repulsion)  # (pairs, R)
    losses = torch.cat([positives, negatives]).logsumexp(0) - positives.logsumexp(0)  # (R,)
    return losses.mean() if reduction == "mean" else losses


def mv_dhel(
    z: Float[Tensor, "V B D"],
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " R"]:
    """Multi-view DHEL: pull the views of a sample together; apart from that, spread the samples within each view.

        L_i = sum_l log E_li - log P_i
        E_li = sum_{j != i} exp s(l,i; l,j)                         own view only
        P_i = sum_{l < m} exp s(l,i; m,i)                           unordered pairs of views
        s(l,i; m,j) = cos(z[l,i], z[m,j]) / temperature

    Attraction and repulsion share no similarity: those of different samples in different views have no gradient. Costs
    O(V B² D), against O(V² B² D) of `mv_info_nce` and of sums over pairs. Runs in tiles; the logarithms are summed (a
    product of the energies overflows in float32 with five views).

    The authors' README has j = i in E and ordered pairs in P; their code leaves j = i out and sums unordered
    pairs. This is the code's form, which for two views is DHEL; ordered pairs would only lower the value by log 2.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(R,)`, one loss a sample, with reduction "none".

    Arguments:
        temperature, normalize, rows, reduction, tile_rows, tile_columns: as in `mv_info_nce`.

    Errors:
        ArgumentError: as in `mv_info_nce` (one sample alone has nobody to keep away from).

    One pull of 1 / temperature is shared by all V (V - 1) / 2 pairs of views, and by a softmax: most goes to the pair
    that is closest already; against it stand V pushes. Where views hold much that they do not share (modalities), a
    higher temperature keeps them together: three synthetic ones with half of their content in common, from linear
    encoders, find each other's samples among 64 in 4 to 6 of 10 cases at temperature 0.1, in 6 to 8 at 0.5 and in 97
    of 100 at 1; `mv_info_nce` and `pairwise_dhel` in 97 of 100 at 0.5.

    All embeddings equal: (V - 1) / temperature + V log(B - 1) - log[V (V - 1) / 2]; without the first term it is the
    limit of a high temperature.

    Koromilas et al., "A Principled Framework for Multi-View Contrastive Learning", 2025,
    https://arxiv.org/abs/2507.06979; for two views: Koromilas et al., "Bridging Mini-Batch and Asymptotic Analysis in
    Contrastive Learning", ICML 2024, https://arxiv.org/abs/2405.18045
    """
    x = prepare_views(z, temperature=temperature, normalize=normalize, reduction=reduction)
    attraction = attraction_of_views(x, temperature=temperature, rows=rows)  # (V, V, R)
    first, second = torch.triu_indices(len(x), len(x), offset=1, device=x.device)  # (pairs,) each
    energies = repulsion_within_views(
        x, temperature=temperature, rows=rows, tile_rows=tile_rows, tile_columns=tile_columns
    )  # (V, R)
    losses = energies.sum(0) - attraction[first, second].logsumexp(0)  # (R,)
    return losses.mean() if reduction == "mean" else losses
