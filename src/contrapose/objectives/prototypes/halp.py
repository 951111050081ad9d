"""HaLP's attraction: queries are drawn to positives that were hallucinated, and pushed from nothing."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import check_embeddings, check_temperature, prepare_rows


def halp(
    queries: Float[Tensor, "B D"],
    positives: Float[Tensor, "B M D"],
    keep: Bool[Tensor, "B M"],
    *,
    temperature: float | Float[Tensor, ""] = 0.07,
    pairs: Float[Tensor, ""] | None = None,
    normalize: bool = True,
) -> Float[Tensor, ""]:
    """Mean over all kept pairs of the batch, not over those of each query, of how far they are apart.

        L = -(1 / n) sum_i sum_{m kept} q_i·g_im / t,        n = the number of pairs kept, of all queries

    It has no denominator, and alone it would let everything collapse: add it, times a weight, to `info_nce` with a
    queue, which pushes. The gradient reaches the queries alone, -(1 / (t n)) sum_{m kept} g_im before normalisation.
    It is no entry of `OBJECTIVES`: it takes positives in the place of keys and a queue, and equal embeddings are its
    minimum, not its chance value.

    Shapes:
        queries: `(B, D)`, positives: `(B, M, D)` unit rows, keep: `(B, M)`, as `hallucinated_positives` gives them.

    Arguments:
        temperature: that of the contrast beside it, a number or a learned 0-d tensor. 0.07 in the authors' code.
        pairs: n, where these queries are those of one process of several: the mean number a process of kept pairs
            (`distributed.mean_count`), with which the losses average to that of the whole batch. None: those kept here.
        normalize: scale the queries to length 1 first.

    Errors:
        ArgumentError: shapes that do not fit, NaN, a temperature <= 0.

    Nothing kept: 0, with a gradient of 0. All embeddings equal: -1 / t. With positives `keys[:, None]`, all kept: the
    mean of -q·k / t, the control of the paper's claim.

    Shah, Roy, Shah, Mishra, Jacobs, Cherian, Chellappa, "HaLP: Hallucinating Latent Positives for Skeleton-based
    Self-Supervised Learning of Actions", CVPR 2023, https://arxiv.org/abs/2304.00387
    """
    check_embeddings(queries, "queries", "B D")
    check_embeddings(positives, "positives", "B M D")
    check_temperature(temperature)
    if len(positives) != len(queries) or positives.shape[2] != queries.shape[1]:
        raise ArgumentError(
            f"positives has shape {tuple(positives.shape)} for queries of {tuple(queries.shape)}; give (B, M, D) for "
            "(B, D)."
        )
    if keep.shape != positives.shape[:2] or keep.dtype != torch.bool:
        raise ArgumentError(
            f"keep must say True or False of each positive, {tuple(positives.shape[:2])}; got {keep.dtype} of "
            f"{tuple(keep.shape)}."
        )
    with torch.autocast(queries.device.type, enabled=False):
        q = prepare_rows(queries, normalize)  # (B, D)
        g, kept = positives.detach().to(q), keep.to(q)  # (B, M, D), (B, M)
        pull = (kept.unsqueeze(1) @ g).squeeze(1)  # (B, D), the sum over kept m
        n = kept.sum() if pairs is None else pairs.to(q)  # ()
        return -(q * pull).sum() / n.where(n > 0, 1.0) / temperature  # where nothing is kept, 0
