"""Poly-view contrast (PVC): the other views of a sample each find it among the other samples, then average."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.objectives.engine.view_similarities import between_views, compare_views, prepare_views


def pvc_geometric(
    z: Float[Tensor, "V B D"],
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " R"]:
    """Poly-view contrast with the geometric mean of the views' probabilities: the mean of their cross-entropies.

        p(l,m,i) = exp s(l,i; m,i) / [ exp s(l,i; m,i) + sum_n sum_{j != i} exp s(l,i; n,j) ]
        L = -(1 / (B V (V - 1))) sum_i sum_l sum_{m != l} log p(l,m,i)

    Negatives are all views of all other samples; views of the sample that are neither l nor m stand nowhere, so that
    positives do not compete with each other (in `nt_xent` with more than two views they do).

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(R,)`, each sample's mean, with reduction "none".

    Arguments:
        temperature, normalize, rows, reduction, tile_rows, tile_columns: as in `mv_info_nce`.

    Errors:
        ArgumentError: as in `mv_info_nce`.

    All embeddings equal: log(1 + V (B - 1)). Two views: `nt_xent`.

    Shidani, Hjelm, Ramapuram, Webb, Dhekane, Busbridge, "Poly-View Contrastive Learning", ICLR 2024,
    https://arxiv.org/abs/2403.05490
    """
    x = prepare_views(z, temperature=temperature, normalize=normalize, reduction=reduction)
    losses = -between_views(_log_probabilities(x, temperature, rows, tile_rows, tile_columns)).mean(0)  # (R,)
    return losses.mean() if reduction == "mean" else losses


def pvc_arithmetic(
    z: Float[Tensor, "V B D"],
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " R"]:
    """Poly-view contrast with the arithmetic mean of the views' probabilities, inside the logarithm.

        L = -(1 / (B V)) sum_i sum_l log [ (1 / (V - 1)) sum_{m != l} p(l,m,i) ],     p as in `pvc_geometric`

    It suffices that one view recognises the sample. At most `pvc_geometric` (a mean is at least a geometric mean).
    The code of Koromilas et al. 2025 for this baseline averages over the batch before the logarithm; this is the
    formula of the poly-view paper.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(R,)`, each sample's mean over views, with reduction "none".

    Arguments:
        temperature, normalize, rows, reduction, tile_rows, tile_columns: as in `mv_info_nce`.

    Errors:
        ArgumentError: as in `mv_info_nce`.

    All embeddings equal: log(1 + V (B - 1)). Two views: `nt_xent`.

    Shidani et al., "Poly-View Contrastive Learning", ICLR 2024, https://arxiv.org/abs/2403.05490
    """
    x = prepare_views(z, temperature=temperature, normalize=normalize, reduction=reduction)
    views = len(x)
    probabilities = between_views(_log_probabilities(x, temperature, rows, tile_rows, tile_columns))
    of_anchor = probabilities.unflatten(0, (views, views - 1))  # (V·(V-1), R) -> (V, V-1, R), rows by the first view
    losses = (math.log(views - 1) - of_anchor.logsumexp(1)).mean(0)  # (V, R) -> (R,)
    return losses.mean() if reduction == "mean" else losses


def _log_probabilities(
    x: Tensor, temperature: float | Tensor, rows: Tensor | None, tile_rows: int | None, tile_columns: int | None
) -> Tensor:
    """log p(l, m, i), `(V, B, D)` -> `(V, V, R)`; its diagonal means nothing."""
    found = compare_views(x, temperature=temperature, rows=rows, tile_rows=tile_rows, tile_columns=tile_columns)
    negatives = found.repulsion.logsumexp(1, keepdim=True)  # (V, V, R) -> (V, 1, R), all views of other samples
    return found.attraction - torch.logaddexp(found.attraction, negatives)
