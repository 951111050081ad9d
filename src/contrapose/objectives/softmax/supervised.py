"""Losses with many positives per anchor: SupCon over labels, SelfCon over the exits of one network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import check_empty, choose_anchors
from contrapose.objectives.engine.inputs import (
    REDUCTIONS,
    as_candidates,
    check_choice,
    check_embeddings,
    check_temperature,
    check_views,
    prepare_rows,
)
from contrapose.objectives.engine.softmax import check_pairing, softmax_loss
from contrapose.pairing import Pairing, by_labels, by_views


def sup_con(
    z: Float[Tensor, "V B D"],
    labels: Int[Tensor, " B"] | None = None,
    pairing: Pairing | None = None,
    *,
    temperature: float | Float[Tensor, ""] = 0.1,
    base_temperature: float | None = None,
    empty: str = "drop",
    anchor_views: Sequence[int] | None = None,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Supervised contrastive loss: every row of the anchor's class is a positive, averaged outside the log.

        l_i = -(temperature / base_temperature) (1/|P(i)|) sum_{p in P(i)} log softmax_i(p)
        softmax_i(p) = exp(s_ip) / sum_{a != i} exp(s_ia),    s_ij = cos(z_i, z_j) / temperature

    P(i) are all other rows with the label of i, its own other views among them. Without labels this is
    `nt_xent`.

    Shapes:
        z: `(V, B, D)`, labels: `(B,)`; returns `()`, or `(V'·R,)` view-major with reduction "none", V' the
            anchor views.

    Arguments:
        labels: class numbers >= 0; -1 = unlabelled (only its own views are positives). None = no labels at
            all.
        pairing: who is whose positive, instead of labels.
        temperature: a number, or a learned 0-d tensor; 0.1 is the paper's.
        base_temperature: the loss is scaled by temperature / base_temperature. None = no scaling; the
            authors' code has 0.07, which multiplies the loss by 1.43 at 0.1, so compare losses (and learning
            rates) with care.
        empty: an anchor without positives (alone in its class, one view) is left out of the mean ("drop"; so
            does the one-view form of SelfCon's code), counted as 0 ("zero"), or an "error".
        anchor_views: views whose rows are anchors; all rows stay candidates. None = all; `(0,)` is the
            authors' mode "one".
        normalize, rows, reduction, tile_rows, tile_columns: as in `nt_xent`. With `rows`, the anchors dropped
            by all ranks are counted, so that the average over ranks is the loss of one process.

    Errors:
        ArgumentError: labels and pairing both given, labels of another number, NaN, temperature <= 0, an
            anchor without positives under empty="error".

    All embeddings equal: log(V·B - 1) temperature / base_temperature.

    Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, https://arxiv.org/abs/2004.11362
    """
    check_views(z, paired=pairing is not None)
    check_temperature(temperature)
    check_choice(reduction, REDUCTIONS, "reduction")
    check_empty(empty)
    views, batch, _ = z.shape
    pairing = _labelled_pairing(labels, pairing, views, batch)
    check_pairing(pairing, views * batch, views * batch)
    flat = prepare_rows(z, normalize).flatten(0, 1)  # (V, B, D) -> (N, D)
    return softmax_loss(
        flat,
        as_candidates(flat, normalize),
        pairing,
        choose_anchors(views, batch, rows, z.device, anchor_views=anchor_views),
        temperature=temperature,
        empty=empty,
        reduction=reduction,
        factor=_base_factor(temperature, base_temperature),
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )


def self_con(
    exits: Float[Tensor, "E B D"],
    labels: Int[Tensor, " B"] | None = None,
    *,
    temperature: float | Float[Tensor, ""] = 0.1,
    sub_networks_weight: float = 0.0,
    base_temperature: float | None = None,
    empty: str = "drop",
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Self-contrastive loss: the exits of one network on one view take the part of several views.

        weight 0:      sup_con over all E·B rows, each an anchor
        weight w > 0:  sup_con over the rows of the last exit alone
                       + w · sup_con with all rows as candidates, those of the sub-networks as anchors

    The sub-networks are all exits but the last. In the second form the last exit is not drawn towards the
    sub-networks by anchors of its own; it still gets a gradient as their candidate, as in the authors' code.
    With two views, concatenate them along B and repeat the labels.

    Shapes:
        exits: `(E, B, D)`, the network's last exit last; returns `()`, or `(E·R,)` exit-major with reduction
            "none" (the losses of the sub-networks' anchors multiplied by the weight).

    Arguments:
        labels: class numbers >= 0, or None: an anchor's positives are then its own other exits.
        temperature: 0.1, as in the authors' scripts.
        sub_networks_weight: w above (the authors' alpha; their default is 0). Above 0 it needs labels: the
            last exit alone has no positives without them.
        base_temperature, empty, normalize, rows, reduction, tile_rows, tile_columns: as in `sup_con`.

    Errors:
        ArgumentError: fewer than two exits, a negative weight, a weight without labels, and as in `sup_con`.

    All embeddings equal: log(E·B - 1); with a weight: log(B - 1) + w log(E·B - 1).

    Bae et al., "Self-Contrastive Learning", AAAI 2023, https://arxiv.org/abs/2106.15499
    """
    check_embeddings(exits, "exits", "E B D")
    if len(exits) < 2:
        raise ArgumentError("exits must hold the outputs of at least one sub-network and of the last exit, got 1 exit.")
    if not sub_networks_weight >= 0:
        raise ArgumentError(f"sub_networks_weight must be 0 or above, got {sub_networks_weight}.")
    if sub_networks_weight > 0 and labels is None:
        raise ArgumentError("sub_networks_weight above 0 needs labels: the last exit alone has no positives without.")

    def over(rows_of: Tensor, anchor_views: Sequence[int] | None) -> Tensor:
        return sup_con(
            rows_of,
            labels,
            temperature=temperature,
            base_temperature=base_temperature,
            empty=empty,
            anchor_views=anchor_views,
            normalize=normalize,
            rows=rows,
            reduction=reduction,
            tile_rows=tile_rows,
            tile_columns=tile_columns,
        )

    if sub_networks_weight == 0:
        return over(exits, None)
    sub_networks = sub_networks_weight * over(exits, range(len(exits) - 1))  # () or ((E-1)·R,)
    last = over(exits[-1:], None)  # () or (R,)
    return torch.cat([sub_networks, last]) if reduction == "none" else last + sub_networks


def _labelled_pairing(labels: Tensor | None, pairing: Pairing | None, views: int, batch: int) -> Pairing:
    if pairing is not None and labels is not None:
        raise ArgumentError("labels and pairing both say who is a positive; give one of them.")
    if pairing is not None:
        return pairing
    if labels is None:
        if views < 2:
            raise ArgumentError(
                "z has 1 view and there are no labels, so no row has a positive; give labels= or two views."
            )
        return by_views(views, batch)
    if len(labels) != batch:
        raise ArgumentError(f"labels has {len(labels)} entries for {batch} samples; give one per sample, not per view.")
    return by_labels(labels, views=views)


def _base_factor(temperature: float | Tensor, base_temperature: float | None) -> float | Tensor:
    if base_temperature is None:
        return 1.0
    check_temperature(base_temperature, "base_temperature")
    return temperature / base_temperature
