"""Next-item prediction: what a person takes next, among all that there is."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import check_embeddings
from contrapose.objectives.softmax.info_nce import info_nce
from contrapose.pairing import by_groups
from contrapose.tracing import is_readable


def next_item(
    hidden: Float[Tensor, "B D"],
    items: Float[Tensor, "M D"],
    following: Int[Tensor, " B"],
    *,
    temperature: float | Float[Tensor, ""] = 1.0,
    normalize: bool = False,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " B"]:
    """Cross-entropy of what follows each history over all M items: a full softmax, nothing sampled.

        l_i = -log [ exp(h_i·e_t) / sum over all items j of exp(h_i·e_j) ],   t = following_i

    It is `info_nce` with the items as everybody's candidates. Runs in tiles: B × M scores are never kept unless they
    are few, so that memory stays that of the table however many items there are.

    Shapes:
        hidden: `(B, D)`, of histories; items: `(M, D)`, a row an item (of a table whose row 0 is padding: `table[1:]`);
            following: `(B,)` rows of `items`. Returns `()`, or `(B,)` with reduction "none".

    Arguments:
        temperature: a number, or a learned 0-d tensor. 1: inner products as they are, SASRec's.
        normalize: scale rows to length 1 first. Off: SASRec's.
        reduction, tile_rows, tile_columns: as in `nt_xent`.

    Errors:
        ArgumentError: sizes that do not fit, NaN, temperature <= 0, a number that is no row of `items`.

    All scores equal: log M. One item: 0.

    Kang, McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018, https://arxiv.org/abs/1808.09781, which
    samples one negative an item; over all of them as RecBole has it, the house of MCLRec.
    """
    check_embeddings(hidden, "hidden", "B D")
    check_embeddings(items, "items", "M D")
    if following.shape != hidden.shape[:1] or following.is_floating_point():
        raise ArgumentError(
            f"following must be ({len(hidden)},) integers, the item that follows each history; got "
            f"{tuple(following.shape)} of {str(following.dtype).removeprefix('torch.')}."
        )
    if is_readable(following):
        low, high = (int(number) for number in following.aminmax())
        if low < 0 or high >= len(items):
            raise ArgumentError(
                f"following names {low if low < 0 else high}, and there are {len(items)} items (0 to "
                f"{len(items) - 1}). Numbers of a table whose row 0 is padding are one less without it."
            )
    everybody = torch.arange(len(items), device=items.device)  # (M,)
    return info_nce(
        hidden,
        items,
        by_groups(following.to(items.device), everybody),
        temperature=temperature,
        normalize=normalize,
        reduction=reduction,
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )
