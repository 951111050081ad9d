"""The critic's game: real scores high and made ones low, by a critic whose slope is held at 1."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.discriminative.inputs import as_scores


def critic_loss(real: Float[Tensor, "B"], made: Float[Tensor, "M"]) -> Float[Tensor, ""]:
    """How little better the critic finds what is real than what was made.

        L = (1 / M) sum over made of D(x^)  -  (1 / B) sum over real of D(x)

    Of a critic of slope 1 the negative of it is at most the distance between the two distributions (Wasserstein's), and
    equals it for the best of them.

    Shapes:
        real: `(B,)`, made: `(M,)` scores; returns `()`, in float32 at least.

    Errors:
        ArgumentError: scores of another shape, or none.
        NonFiniteError: a score that is NaN or infinite.

    Closed form: scores that are all alike give 0, which is also its chance value.

    Arjovsky et al., ICML 2017, https://arxiv.org/abs/1701.07875
    """
    return as_scores(made, "made", "M").mean() - as_scores(real, "real", "B").mean()


def maker_loss(made: Float[Tensor, "M"]) -> Float[Tensor, ""]:
    """What the maker is asked for: that the critic finds what it made real.

        L = -(1 / M) sum over made of D(x^)

    Shapes:
        made: `(M,)` scores; returns `()`, in float32 at least.

    Errors:
        ArgumentError, NonFiniteError: as `critic_loss`.

    Arjovsky et al., ICML 2017, https://arxiv.org/abs/1701.07875
    """
    return -as_scores(made, "made", "M").mean()


def mixed(real: Tensor, made: Tensor, share: Float[Tensor, "B"]) -> Tensor:
    """A place between each real sample and the one beside it that was made, where the critic's slope is looked at.

        m_i = u_i x_i + (1 - u_i) x^_i

    Shapes:
        real, made: `(B, ...)`; share: u, `(B,)`, drawn uniformly from [0, 1] by the caller; returns `(B, ...)`, without
            a gradient to either.

    Errors:
        ArgumentError: shapes that differ, or another number of shares.
    """
    if real.shape != made.shape or share.shape != real.shape[:1]:
        shapes = f"{tuple(real.shape)}, {tuple(made.shape)} and {tuple(share.shape)}"
        raise ArgumentError(f"real, made and share must be of shapes (B, ...), (B, ...) and (B,), got {shapes}.")
    u = share.to(real).view(-1, *(1,) * (real.ndim - 1))  # (B, 1, ...)
    return (u * real + (1 - u) * made).detach()  # (B, ...)


def slopes(critic: Callable[[Tensor], Float[Tensor, "B"]], where: Tensor) -> Float[Tensor, "B"]:
    """How steeply the critic's score rises at each sample: the length of its gradient with respect to that sample.

    Derivatives of the slopes themselves can be taken, as a penalty needs.

    Shapes:
        where: `(B, ...)`; returns `(B,)`, in float32 at least.

    Arguments:
        critic: `(B, ...)` -> `(B,)`, where no sample's score depends on another sample (so no batch normalisation in
            training mode).

    Errors:
        ArgumentError: a critic that does not give a score a sample.
    """
    where = where.detach().to(torch.promote_types(where.dtype, torch.float32)).requires_grad_(True)
    with torch.enable_grad():
        scores = critic(where)
        if scores.shape != where.shape[:1]:
            raise ArgumentError(
                f"The critic must give one score a sample, ({len(where)},), and gave {tuple(scores.shape)}: take the "
                "mean over patches."
            )
        (gradient,) = torch.autograd.grad(scores.sum(), where, create_graph=True)  # (B, ...)
    square = gradient.flatten(1).square().sum(dim=1)  # (B,)
    # The root of 0 has no derivative: a critic that is flat somewhere gets none there, and not NaN.
    flat = square == 0
    return torch.where(flat, square, square.masked_fill(flat, 1.0).sqrt())  # (B,)


def gradient_penalty(
    critic: Callable[[Tensor], Float[Tensor, "B"]], where: Tensor, *, slope: float = 1.0
) -> Float[Tensor, ""]:
    """How far the critic's slope is from 1, on both sides of it.

        P = (1 / B) sum over i of (||grad D(m_i)|| - slope)²

    Shapes:
        where: `(B, ...)`, places between real and made samples (`mixed`); returns `()`, in float32 at least.

    Arguments:
        critic: as in `slopes`.
        slope: that is wanted. 1: the paper's, with which the critic measures Wasserstein's distance.

    Errors:
        ArgumentError: a slope that is not above 0; as `slopes`.

    Closed form: a linear critic whose weights have the length s gives (s - 1)²; one that is the same everywhere gives
    1.

    Gulrajani et al., NeurIPS 2017, https://arxiv.org/abs/1704.00028 (weight 10 there)
    """
    if not slope > 0:
        raise ArgumentError(f"slope must be above 0, got {slope}; 1 is usual.")
    return (slopes(critic, where) - slope).square().mean()
