"""DCL, the decoupled contrastive loss: the positive does not stand in the denominator that pushes negatives away."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import (
    REDUCTIONS,
    as_candidates,
    check_choice,
    check_temperature,
    check_views,
    prepare_rows,
)
from contrapose.objectives.engine.softmax import check_pairing, softmax_loss
from contrapose.objectives.engine.view_similarities import attraction_of_views
from contrapose.pairing import Pairing, by_views


def dcl(
    z: Float[Tensor, "V B D"],
    pairing: Pairing | None = None,
    *,
    temperature: float | Float[Tensor, ""] = 0.1,
    sigma: float | None = None,
    detach_weight: bool = True,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Decoupled contrastive loss: NT-Xent with negatives alone in the denominator.

        l_i = -(1/|P(i)|) sum_{p in P(i)} w_ip s_ip + log sum_{n in N(i)} exp(s_in)
        s_ij = cos(z_i, z_j) / temperature
        w_ip = 1  (DCL),  or  2 - exp(cos_ip / sigma) / mean_k exp(cos_kp(k) / sigma)  (DCLW, with `sigma`)

    N(i) are all views of all other samples. For one positive, exp(l_NT-Xent) = 1 + exp(l_DCL), and the gradient of
    NT-Xent is that of DCL times the share of its softmax that lies on negatives (see `coupling`): where the positive is
    easy or negatives are few, that share is small and NT-Xent hardly learns, which DCL mends. In DCLW easy
    positives pull less (even push), hard ones up to twice; the mean in w goes over the batch k, for each pair of views
    by itself, so that the weights average to 1. No probability is behind it: values below 0 are normal.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        pairing: who is whose positive, and who is negative; None = `by_views(V, B)`. An anchor that a given pairing
            leaves without positives is not in the mean (0 with reduction "none").
        temperature: a number, or a learned 0-d tensor. 0.1: the paper's for small pictures.
        sigma: width of DCLW's weights; None = DCL. 0.5 in the paper. Not with a pairing.
        detach_weight: take DCLW's weights as constants, since they are there to weigh. The independent
            implementation github.com/raminnakhli/Decoupled-Contrastive-Learning sends gradients through them: False.
        normalize, rows, tile_rows, tile_columns: as in `nt_xent`.
        reduction: "mean"; "none"; or "sum_views", the sum over views of their means, V times "mean", as that
            implementation adds its two directions: SGD's learning rate scales with it, the balance of LARS with
            weight decay shifts, and Adam's step does not change.

    Errors:
        ArgumentError: not `(V, B, D)`, one view or one sample without a pairing, an anchor without negatives, NaN,
            temperature or sigma <= 0, sigma and a pairing.

    All embeddings equal: log(V (B - 1)), also with sigma, and the limit of a high temperature. The least value, with
    the views of a sample equal and samples on a regular simplex, is log(V (B - 1)) - (1 + 1 / (B - 1)) / temperature.

    Yeh, Hong, Hsu, Liu, Chen, LeCun, "Decoupled Contrastive Learning", ECCV 2022, https://arxiv.org/abs/2110.06848
    """
    _check_arguments(z, pairing, temperature, sigma, reduction)
    views, batch, _ = z.shape
    empty = "zero" if pairing is None else "drop"
    pairing = pairing or by_views(views, batch)
    check_pairing(pairing, views * batch, views * batch)
    x = prepare_rows(z, normalize)
    flat = x.flatten(0, 1)  # (V, B, D) -> (N, D)
    anchors = choose_anchors(views, batch, rows, z.device)
    loss = softmax_loss(
        flat,
        as_candidates(flat, normalize),
        pairing,
        anchors,
        temperature=temperature,
        empty=empty,
        reduction="mean" if reduction != "none" and sigma is None else "none",
        decoupled=True,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )  # () or (V·R,)
    if sigma is not None:
        change = _change_by_weights(x, temperature, sigma, detach_weight)  # (V·B,)
        loss = loss + anchors.take(change)  # (V·R,)
        loss = loss if reduction == "none" else loss.mean()
    return views * loss if reduction == "sum_views" else loss


def positive_weights(
    cosines: Float[Tensor, "*pairs B"], sigma: float, *, detach: bool = True
) -> Float[Tensor, "*pairs B"]:
    """DCLW's weight of each positive of a batch, 2 - exp(c_i / sigma) / mean_k exp(c_k / sigma); their mean is 1."""
    weights = 2 - cosines.shape[-1] * torch.softmax(cosines / sigma, dim=-1)
    return weights.detach() if detach else weights


def _change_by_weights(x: Tensor, temperature: float | Tensor, sigma: float, detach: bool) -> Tensor:
    """What DCLW adds to each anchor's DCL, the mean over its positives of (1 - w) s: `(V, B, D)` -> `(V·B,)`."""
    cosines = attraction_of_views(x, temperature=1.0)  # (V, V, B)
    change = (1 - positive_weights(cosines, sigma, detach=detach)) * cosines / temperature  # (V, V, B)
    itself = torch.eye(len(x), dtype=torch.bool, device=x.device).unsqueeze(2)  # (V, V, 1)
    return (change.masked_fill(itself, 0.0).sum(1) / (len(x) - 1)).flatten()  # (V, V, B) -> (V·B,)


def _check_arguments(
    z: Tensor, pairing: Pairing | None, temperature: float | Tensor, sigma: float | None, reduction: str
) -> None:
    check_views(z, paired=pairing is not None)
    check_temperature(temperature)
    check_choice(reduction, (*REDUCTIONS, "sum_views"), "reduction")
    if sigma is not None:
        check_temperature(sigma, "sigma")
        if pairing is not None:
            raise ArgumentError("sigma weighs the views of a sample over the batch; leave the pairing out, or sigma.")
    views, batch, _ = z.shape
    if pairing is None and (views < 2 or batch < 2):
        raise ArgumentError(
            f"z holds {views} view(s) of {batch} sample(s); without a pairing a positive is another view and a "
            "negative another sample, so give at least two of each."
        )
