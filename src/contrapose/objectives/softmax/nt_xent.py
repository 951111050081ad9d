"""NT-Xent, the loss of SimCLR: find the other view of yourself among everybody."""

from __future__ import annotations

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
from contrapose.pairing import Pairing, by_views


def nt_xent(
    z: Float[Tensor, "V B D"],
    pairing: Pairing | None = None,
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Normalised, temperature-scaled cross-entropy of each row against all rows of all views.

        l_i = -(1/|P(i)|) sum_{p in P(i)} log [ exp(s_ip) / sum_{a != i} exp(s_ia) ]
        s_ij = cos(z_i, z_j) / temperature

    P(i) are the other views of the same sample, so with two views there are 2B - 1 terms in the denominator,
    the positive among them; with more views every positive stays in the denominator of the others. Runs in
    tiles: no N × N matrix, forward or backward, unless it is small or a second derivative is asked for.

    Shapes:
        z: `(V, B, D)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        pairing: who is whose positive; None = `by_views(V, B)`. An anchor that a given pairing leaves without
            positives is not in the mean (0 with reduction "none").
        temperature: a number, or a learned 0-d tensor. 0.5 is SimCLR's for CIFAR-10 (their appendix B.9); 0.1
            for ImageNet.
        normalize: scale rows to length 1 first; false takes them as they are.
        rows: the samples (0 to B-1) whose anchors this call answers for; the mean is over their anchors, and
            its average over ranks that share the samples equally is the loss of one process. None = all.
        reduction: "mean", or "none" for each anchor's loss.
        tile_rows, tile_columns: see `row_reduce`.

    Errors:
        ArgumentError: not `(V, B, D)`, fewer than two views without a pairing, NaN, temperature <= 0, a
            pairing of another size, rows out of range.

    One sample with two views: 0. All embeddings equal: log(V·B - 1), which is also the limit of a high
    temperature.

    Chen, Kornblith, Norouzi, Hinton, "A Simple Framework for Contrastive Learning of Visual Representations",
    ICML 2020, https://arxiv.org/abs/2002.05709
    """
    check_views(z, paired=pairing is not None)
    check_temperature(temperature)
    check_choice(reduction, REDUCTIONS, "reduction")
    views, batch, _ = z.shape
    if pairing is None and views < 2:
        raise ArgumentError(f"z has {views} view, so no row has a positive; give two views or a pairing.")
    # with the views as pairing nobody lacks a positive, and the positives need not be counted
    empty = "zero" if pairing is None else "drop"
    pairing = pairing or by_views(views, batch)
    check_pairing(pairing, views * batch, views * batch)
    flat = prepare_rows(z, normalize).flatten(0, 1)  # (V, B, D) -> (N, D)
    return softmax_loss(
        flat,
        as_candidates(flat, normalize),
        pairing,
        choose_anchors(views, batch, rows, z.device),
        temperature=temperature,
        empty=empty,
        reduction=reduction,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )
