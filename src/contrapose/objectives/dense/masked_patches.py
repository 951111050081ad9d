"""Masked patches: how far the pixels that were made for hidden patches are from those that were there."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.tracing import is_readable

FLATNESS = 1e-6
"""Added to the variance of a patch that is divided by, as in the authors' code: a patch of one colour becomes 0."""


def masked_patches(
    made: Float[Tensor, "B n P"],
    patches: Float[Tensor, "B n P"],
    hidden: Bool[Tensor, "B n"],
    *,
    normalized: bool = True,
) -> Float[Tensor, ""]:
    """The mean squared difference of pixels, over hidden patches alone.

        loss = sum_bi hidden_bi mean_k (made_bik - target_bik)^2 / sum_bi hidden_bi
        target_i = (x_i - mean(x_i)) / sqrt(var(x_i) + 1e-6),   or x_i as it is

    Shapes:
        made: what a decoder made of each patch. patches: what was there. hidden: which of them were not seen.
        Everything is computed in float32 (float64 stays).

    Arguments:
        normalized: compare with patches of mean 0 and variance 1 (over their P values, divided by P): what is in a
            patch counts, its brightness does not. The paper's finding is that such targets make better embeddings.

    Errors:
        ArgumentError: shapes that do not fit each other, or nothing hidden.

    Closed form: with made = 0 and normalized, 1 where no patch is of one colour, and the share of hidden patches that
    are not where some are. What stands at patches that were seen plays no part.

    Paper: He et al. 2022, https://arxiv.org/abs/2111.06377
    """
    if made.shape != patches.shape or made.ndim != 3 or hidden.shape != made.shape[:2]:
        raise ArgumentError(
            f"made and patches must both be (B, n, P) and hidden (B, n); they are {tuple(made.shape)}, "
            f"{tuple(patches.shape)} and {tuple(hidden.shape)}."
        )
    if hidden.numel() == 0 or (is_readable(hidden) and not bool(hidden.any())):
        raise ArgumentError("No patch is hidden, so there is nothing to compare: hide one at least.")
    kind = torch.promote_types(torch.promote_types(made.dtype, patches.dtype), torch.float32)
    made, patches = made.to(kind), patches.to(kind)
    if normalized:
        centred = patches - patches.mean(dim=2, keepdim=True)  # (B, n, P)
        patches = centred / (centred.square().mean(dim=2, keepdim=True) + FLATNESS).sqrt()  # (B, n, P)
    error = (made - patches).square().mean(dim=2)  # (B, n)
    return (error * hidden).sum() / hidden.sum()
