"""How strongly positives and negatives are coupled in a softmax loss: the factor that DCL takes out."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import check_temperature, check_views, prepare_rows
from contrapose.objectives.engine.softmax import check_pairing
from contrapose.objectives.engine.tiles import LogSum, Sums, row_reduce
from contrapose.pairing import Pairing, by_views


@torch.no_grad()
def coupling(
    z: Float[Tensor, "V B D"],
    pairing: Pairing | None = None,
    *,
    temperature: float | Float[Tensor, ""] = 0.1,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, " anchors"]:
    """The share of each anchor's softmax that lies on its negatives: by how much NT-Xent shrinks its gradient.

        q_i = sum_{n in N(i)} exp(s_in) / [ sum_{p in P(i)} exp(s_ip) + sum_{n in N(i)} exp(s_in) ]

    With one positive, the gradient of NT-Xent's l_i is q_i times that of DCL's, attraction and repulsion alike. It is
    near 0 with few negatives or an easy positive, near 1 with many: where it is near 1 anyway, DCL changes nothing.
    A measurement: no gradient flows. `q.mean()` and `torch.histc(q, 10, 0.0, 1.0)` say it of a batch.

    Shapes:
        z: `(V, B, D)`; returns `(N,)`, or `(V·R,)` with `rows`; view-major, in [0, 1]. An anchor without any
            candidate has no gradient to shrink: 0.

    Arguments:
        pairing: None = `by_views(V, B)`.
        temperature: that of the loss in question. 0.1: the paper's for small pictures.
        normalize, rows, tile_rows, tile_columns: as in `nt_xent`.

    Errors:
        ArgumentError: not `(V, B, D)`, one view without a pairing, NaN, temperature <= 0, a pairing of another size,
            rows out of range.

    All embeddings equal: V (B - 1) / (V B - 1).

    Yeh, Hong, Hsu, Liu, Chen, LeCun, "Decoupled Contrastive Learning", ECCV 2022, https://arxiv.org/abs/2110.06848
    """
    check_views(z, paired=pairing is not None)
    check_temperature(temperature)
    views, batch, _ = z.shape
    if pairing is None and views < 2:
        raise ArgumentError(f"z has {views} view, so no row has a positive; give two views or a pairing.")
    pairing = pairing or by_views(views, batch)
    check_pairing(pairing, views * batch, views * batch)
    x = prepare_rows(z, normalize).flatten(0, 1)  # (V, B, D) -> (N, D)
    anchors = choose_anchors(views, batch, rows, z.device)
    negatives, everyone = row_reduce(
        anchors.take(x),
        x,
        Sums(log=(LogSum("negative"), LogSum("valid"))),
        pairing,
        row_indices=anchors.own,
        scale=1 / temperature,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )  # (V·R,) each
    # of an anchor without candidates both are -inf, whose difference is NaN
    return (negatives - everyone.masked_fill(everyone == -math.inf, 0.0)).exp()
