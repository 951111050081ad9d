"""What the terms of a separation are made of: distances between all rows, and means of a Gaussian kernel of them.

Everything is a squared distance: the length of a difference has no derivative where two rows are equal, its square has
the derivative 0. A mean of kernels is a log-sum-exp, so that far rows do not vanish from it.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.objectives.engine.inputs import about_mean


def squared_distances(x: Float[Tensor, "B D"]) -> Float[Tensor, "B B"]:
    """|x_i - x_j|² of all rows, exactly 0 on the diagonal; memory for B × B numbers, never for B × B × D.

    The rows' mean is taken off first, for a shared offset would cost the digits that tell them apart.
    """
    x = about_mean(x)  # (B, D)
    square = x.square().sum(dim=1)  # (B,)
    found = square.unsqueeze(1) + square - 2 * (x @ x.T)  # (B, B)
    itself = torch.eye(len(x), dtype=torch.bool, device=x.device)
    return found.clamp(min=0.0).masked_fill(itself, 0.0)  # of equal rows, rounding may leave less than 0


def alignment(x: Float[Tensor, "B D"], y: Float[Tensor, "B D"], *, temperature: float = 0.5) -> Float[Tensor, ""]:
    """mean over i of |x_i - y_i|² / (2 t): 0 for equal rows, 4 for antipodes of length 1 at t = 0.5."""
    return (x - y).square().sum(dim=1).mean() / (2 * temperature)


def uniformity(distances: Float[Tensor, "B B"], *, temperature: float = 0.5) -> Float[Tensor, ""]:
    """log of the mean over pairs i < j of exp(-d_ij / (2 t)); lower is more even.

    Rows that are all equal have 0, two orthonormal ones -2 and two antipodes -4 at t = 0.5. A row makes no pair with
    itself.

    Arguments:
        distances: squared ones, symmetric.
    """
    count = len(distances)
    itself = torch.eye(count, dtype=torch.bool, device=distances.device)
    pairs = (distances / (-2 * temperature)).masked_fill(itself, -math.inf)  # (B, B) each pair twice
    return pairs.flatten().logsumexp(dim=0) - math.log(count * (count - 1))


def joint_entropy(*distances: Float[Tensor, "B B"], temperature: float = 0.5) -> Float[Tensor, ""]:
    """mean over i of log mean over j of exp(-(sum of d_ij) / (2 t)): minus the joint entropy of what is i's, estimated.

    The density at a sample is estimated by Gaussian kernels around all samples, its own among them (without it there
    might be none, and the log of 0). In [-log B, 0]: 0 where no sample differs from another, -log B where all are far
    apart in one of the spaces at least.

    Arguments:
        distances: squared ones of the same samples in one space or more; the kernel of several is their product.
    """
    total = torch.stack(distances).sum(dim=0)  # (B, B)
    return (total / (-2 * temperature)).logsumexp(dim=1).mean() - math.log(len(total))
