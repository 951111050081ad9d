"""Losses beside CLIP's that need no negatives: sides that agree dimension by dimension, predict, or share codes."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import check_embeddings, check_temperature, prepare_rows
from contrapose.objectives.prototypes.sinkhorn import sinkhorn


def cross_correlation(
    first: Float[Tensor, "B D"],
    second: Float[Tensor, "B D"],
    *,
    off_diagonal: float = 5e-3,
    scale: float = 0.025,
) -> Float[Tensor, ""]:
    """Barlow Twins' loss between two sides whose dimensions are standardised already (BarLIP).

        C = first^T second / B,   loss = scale [ sum_d (C_dd - 1)^2 + off_diagonal sum_{d != e} C_de^2 ]

    Shapes:
        first, second: `(B, D)`, of mean 0 and variance 1 in each dimension, as batch normalisation leaves them; returns
            `()`. Give the rows of all processes.

    Arguments:
        off_diagonal: weight of the redundancy. 5e-3; scale: 0.025 (both arXiv 2305.08675).

    Errors:
        ArgumentError: sides of different sizes, NaN.

    first = second with first^T first = B I: 0. second = -first: 4 D scale.

    Zbontar et al. 2021, https://arxiv.org/abs/2103.03230
    """
    _check_alike(first, second)
    x, y = prepare_rows(first, False), prepare_rows(second, False)  # (B, D) each
    with torch.autocast(x.device.type, enabled=False):
        correlation = x.T @ y / len(x)  # (D, D)
    diagonal = correlation.diagonal()  # (D,)
    redundancy = correlation.square().sum() - diagonal.square().sum()  # ()
    return scale * ((diagonal - 1).square().sum() + off_diagonal * redundancy)


def cross_prediction(predictions: Float[Tensor, "B D"], targets: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
    """What one side predicts of the other, which gets no gradient (SiamLIP; BYOLIP with targets of a slow copy).

        loss = 2 - 2 mean_i cos(prediction_i, target_i)

    Shapes:
        predictions, targets: `(B, D)`; returns `()`.

    Errors:
        ArgumentError: sides of different sizes, NaN.

    Equal sides: 0; opposite ones: 4.

    Chen and He 2020, https://arxiv.org/abs/2011.10566; Grill et al. 2020, https://arxiv.org/abs/2006.07733
    """
    _check_alike(predictions, targets)
    p, v = prepare_rows(predictions, True), prepare_rows(targets.detach(), True)  # (B, D) each
    return 2 - 2 * (p * v).sum(dim=1).mean()


def swapped_assignment(
    first: Float[Tensor, "2 B D"],
    second: Float[Tensor, "2 B D"],
    *,
    temperature: float | Float[Tensor, ""] = 0.1,
    epsilon: float = 0.05,
    iterations: int = 3,
    scale: float = 0.2,
) -> Float[Tensor, ""]:
    """Which pictures go with which words, balanced over the batch, predicted from other views of both (SwALIP).

        S_vu = first_v second_u^T,   A_vu = sinkhorn(S_vu) without gradient,   one row a sample
        loss = scale / 4 sum over v, u of the mean over both directions of
               -mean_i sum_j A_{1-v, 1-u, ij} log softmax_j(S_vu,ij / temperature)

    The samples of the other side stand where SwAV has prototypes, and targets come from the views that are not asked.

    Shapes:
        first, second: `(2, B, D)`, two views of each side; returns `()`. Give the rows of all processes.

    Arguments:
        temperature: a number, or a learned 0-d tensor. 0.1: what that of strong views begins with.
        epsilon, iterations: of the balanced assignment. 0.05 and 3; scale: 0.2 (all arXiv 2305.08675).

    Errors:
        ArgumentError: another number of views than 2, sides of different sizes, NaN.

    All embeddings equal: scale log B.

    Caron et al. 2020, https://arxiv.org/abs/2006.09882; Fini et al. 2023, https://arxiv.org/abs/2305.08675
    """
    for name, side in (("first", first), ("second", second)):
        check_embeddings(side, name, "V B D")
    if len(first) != 2 or len(second) != 2:
        raise ArgumentError(
            f"The assignment is predicted from the other view, so there are 2 strong views of each side, got "
            f"{len(first)} and {len(second)}: --views.count 3, of which the first is weak."
        )
    _check_alike(first.flatten(0, 1), second.flatten(0, 1))
    check_temperature(temperature)
    x, y = prepare_rows(first, True), prepare_rows(second, True)  # (2, B, D) each
    with torch.autocast(x.device.type, enabled=False):
        scores = torch.einsum("vid,ujd->vuij", x, y)  # (2, 2, B, B)
    parts = []
    for v in range(2):
        for u in range(2):
            for own, other in ((scores[v, u], scores[1 - v, 1 - u]), (scores[v, u].T, scores[1 - v, 1 - u].T)):
                target = sinkhorn(other.detach(), epsilon=epsilon, iterations=iterations)  # (B, B)
                parts.append(-(target * functional.log_softmax(own / temperature, dim=1)).sum(dim=1).mean())
    return scale * torch.stack(parts).mean()


def _check_alike(first: Tensor, second: Tensor) -> None:
    check_embeddings(first, "first", "B D")
    check_embeddings(second, "second", "B D")
    if first.shape != second.shape:
        raise ArgumentError(
            f"The sides are {tuple(first.shape)} and {tuple(second.shape)}: row b of both belongs together."
        )
