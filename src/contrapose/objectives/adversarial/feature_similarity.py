"""How alike the features of a picture and of a changed one are: what an attack on features brings down."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError

SMALLEST = 1e-8
"""Of a length that is divided by: features that are 0 throughout have a similarity of 0."""


def feature_similarity(
    clean: Float[Tensor, "B n D"],
    changed: Float[Tensor, "B n D"],
    weights: Float[Tensor, "B n"] | None = None,
) -> Float[Tensor, ""]:
    """One cosine a picture, of all its patches together, each weighed; the mean over pictures.

        loss = mean_b cos(vec(w_b F_b), vec(w_b F'_b))

    The cosine of the whole, not the mean of the patches' cosines: patches of long features count more. No gradient
    reaches the clean features or the weights.

    Shapes:
        clean, changed: features of n patches; weights: of each patch, such as how much attention it gets. Everything is
            computed in float32 (float64 stays).

    Arguments:
        weights: None: all alike. A constant factor in them changes nothing.

    Errors:
        ArgumentError: shapes that do not fit each other.

    Closed form: 1 where nothing was changed, -1 of opposite features, 0 of orthogonal ones. Two patches of lengths 1
    and 10, whose own cosines are 0 and 1, have 100 / 101.

    Paper: Wu et al. 2025, https://arxiv.org/abs/2506.21046
    """
    if clean.ndim != 3 or clean.shape != changed.shape or 0 in clean.shape:
        raise ArgumentError(
            f"Features must be (B, n, D) and of one shape, got {tuple(clean.shape)} and {tuple(changed.shape)}."
        )
    if weights is not None and weights.shape != clean.shape[:2]:
        raise ArgumentError(f"weights must be {tuple(clean.shape[:2])}, one a patch, got {tuple(weights.shape)}.")
    kind = torch.promote_types(torch.promote_types(clean.dtype, changed.dtype), torch.float32)
    clean, changed = clean.detach().to(kind), changed.to(kind)
    if weights is not None:
        w = weights.detach().to(kind)
        w = (w / w.amax(dim=1, keepdim=True).clamp(min=torch.finfo(kind).tiny)).unsqueeze(2)  # (B, n, 1), 1 at most
        clean, changed = w * clean, w * changed  # (B, n, D)
    one, other = clean.flatten(1), changed.flatten(1)  # (B, n·D)
    lengths = one.norm(dim=1).clamp(min=SMALLEST) * other.norm(dim=1).clamp(min=SMALLEST)  # (B,)
    return ((one * other).sum(dim=1) / lengths).mean()
