"""A classifier's logits as an unnormalised log density, learned by telling real samples from made ones."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from contrapose.objectives.discriminative.inputs import as_scores

# (s of real samples (B,), s of made ones (N,)) -> loss
DensityObjective = Callable[[Tensor, Tensor], Tensor]


def log_density(logits: Float[Tensor, "B P"]) -> Float[Tensor, " B"]:
    """The log density that a classifier's logits stand for, up to a constant that nobody knows.

        s(x) = log sum over classes k of exp h_k(x) = -E(x)

    It is no calibrated density: only differences of s between samples of one model mean anything. Cross-entropy does
    not see it, for a constant added to all logits leaves that as it is.

    Shapes:
        logits: `(B, P)`; returns `(B,)`, float32 at least.

    Errors:
        ArgumentError: logits of another shape.
        NonFiniteError: a logit that is NaN or infinite.

    Closed form: of one class s is its logit; of P equal logits h it is h + log P; c added to all logits adds c.

    Paper: Grathwohl et al. (JEM), ICLR 2020, https://arxiv.org/abs/1912.03263
    """
    return as_scores(logits, "logits", "B P").logsumexp(dim=1)  # (B,)


def real_or_made(real: Float[Tensor, " B"], made: Float[Tensor, " N"]) -> Float[Tensor, ""]:
    """Cross-entropy of the question "is it real?", with s as the logit of yes.

        L = 1/2 mean over real x of -log sigma(s(x))  +  1/2 mean over made x of -log sigma(-s(x))

    Where both are as many, as in the paper, that is the mean over all of them. It saturates, where a difference of
    energies does not: it does not push what it tells apart already.

    Shapes:
        real: `(B,)`, made: `(N,)` log densities; returns `()`.

    Errors:
        ArgumentError: of another shape.
        NonFiniteError: one that is NaN or infinite.

    Chance, all s = 0: log 2. s = a of the real and -a of the made ones: log(1 + exp(-a)).

    Paper: Yin et al. (DAT), https://arxiv.org/abs/2510.13872
    """
    own, other = as_scores(real, "real", "B"), as_scores(made, "made", "N")  # (B,), (N,)
    return 0.5 * functional.softplus(-own).mean() + 0.5 * functional.softplus(other).mean()


def energy_difference(real: Float[Tensor, " B"], made: Float[Tensor, " N"]) -> Float[Tensor, ""]:
    """Maximum likelihood with samples in the place of the model's own, as of JEM: what DAT is compared with.

        L = mean over made x of s(x) - mean over real x of s(x)

    It has no lower bound: where ascents are too short to reach what the model holds likely, s falls and rises without
    end.

    Shapes:
        real: `(B,)`, made: `(N,)` log densities; returns `()`.

    Errors:
        ArgumentError: of another shape.
        NonFiniteError: one that is NaN or infinite.

    Equal s: 0.

    Paper: Grathwohl et al. (JEM), ICLR 2020, https://arxiv.org/abs/1912.03263
    """
    return as_scores(made, "made", "N").mean() - as_scores(real, "real", "B").mean()


def slope_penalty(s: Float[Tensor, " B"], x: Float[Tensor, "B *D"]) -> Float[Tensor, ""]:
    """How steep the log density is where the real samples are (R1).

        R1 = 1/2 mean over samples i of |d s_i / d x_i|^2

    Shapes:
        s: `(B,)`, computed from x with a graph; x: `(B, ...)` that requires a gradient. Returns `()`, which can be
            differentiated once more.

    Closed form: of s = w x it is |w|^2 / 2.

    Paper: Mescheder et al., ICML 2018, https://arxiv.org/abs/1801.04406
    """
    (slope,) = torch.autograd.grad(s.float().sum(), x, create_graph=True)
    return 0.5 * slope.float().flatten(1).square().sum(dim=1).mean()
