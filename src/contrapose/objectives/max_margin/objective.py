"""`mmcl`: each sample is the positive of a machine whose support vectors push its other view away."""

from __future__ import annotations

import math
from functools import partial
from typing import Literal, TypedDict, Unpack, overload

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from contrapose.errors import ArgumentError, NonFiniteError, did_you_mean
from contrapose.objectives.engine.inputs import prepare_rows
from contrapose.objectives.max_margin.kernels import KERNELS, Kernel
from contrapose.objectives.max_margin.statistics import MaxMarginStatistics, merge, statistics
from contrapose.objectives.max_margin.weights import max_margin_weights
from contrapose.tracing import is_readable

REDUCTIONS = ("mean", "none")

Loss = Float[Tensor, ""] | Float[Tensor, " anchors"]


class Options(TypedDict, total=False):
    """The keyword arguments of `mmcl` but `return_statistics`, on which alone the result type hangs."""

    kernel: str | Kernel
    sigma: float
    C: float | None
    ridge: float
    solver: str
    normalize: bool
    unit_diagonal: bool
    generator: torch.Generator | None
    iterations: int
    step: str | float
    momentum: str
    restart: bool
    tolerance: float | None
    start: str
    symmetric: bool
    rows: Tensor | None
    reduction: str


@overload
def mmcl(z: Tensor, *, return_statistics: Literal[False] = False, **options: Unpack[Options]) -> Tensor: ...


@overload
def mmcl(
    z: Tensor, *, return_statistics: Literal[True], **options: Unpack[Options]
) -> tuple[Tensor, MaxMarginStatistics]: ...


def mmcl(
    z: Shaped[Tensor, "*V_B_D"],
    *,
    kernel: str | Kernel = "rbf",
    sigma: float = 1.0,
    C: float | None = None,
    ridge: float = 0.1,
    solver: str = "inverse",
    normalize: bool = True,
    unit_diagonal: bool = False,
    generator: torch.Generator | None = None,
    iterations: int = 1000,
    step: str | float = "frobenius",
    momentum: str = "nesterov",
    restart: bool = True,
    tolerance: float | None = 1e-3,
    start: str = "inverse",
    symmetric: bool = False,
    rows: Shaped[Tensor, "*R"] | None = None,
    reduction: str = "mean",
    return_statistics: bool = False,
) -> Loss | tuple[Loss, MaxMarginStatistics]:
    """Max-margin contrastive loss: what the machine of an anchor, built on view 0, says of its view 1.

        L_t = sum_{j != t} alpha_t[j] (k(x_j, z_t) - k(x_t, z_t)),     x = z[0], z = z[1]
        alpha_t = argmin over 0 <= a <= C of  1/2 a' Delta_t a - 2 1'a
        Delta_t[i, j] = k(x_t, x_t) + k(x_i, x_j) - k(x_t, x_i) - k(x_t, x_j) + ridge [i = j],     i, j != t

    The weights are constants: the gradient flows through k(x, z) only, into both views. (A numerical
    derivative with respect to z[0] therefore differs, as it moves the weights too; with respect to z[1] it
    agrees.) The weights of all anchors come from (B, B) matrices, in float64. Nothing bounds the loss from
    below; its scale is that of alpha.

    Shapes:
        z: `(2, B, D)`, B >= 2; rows: `(R,)` integers in [0, B).
        returns a scalar, or `(R,)` (all anchors: `(B,)`) for reduction="none".

    Arguments:
        kernel: a name in `KERNELS` or a function `(u (B, D), v (M, D), sigma) -> (B, M)`; "rbf" in all the
            authors' settings.
        sigma: divides the squared distance in "rbf", multiplies the inner product in "tanh". The authors: 10
            (ImageNet), 0.07 (default of their class), 50 falling to 0.5 in two steps (CIFAR-100); the default
            here, 1, lies between.
        C: the largest weight; None or -1 = no bound (ImageNet). The authors' class: 1; CIFAR-100: 100.
        ridge: added to the diagonal of Delta_t; 0.1 in all the authors' settings.
        solver: "inverse" = the unconstrained solution, clipped to the box, which is NOT the optimum where it
            clips; "pgd" = projected gradient, which is, once it has converged.
        normalize: scale each row to unit length first. False takes the rows as they are.
        unit_diagonal: put 1 for k(x_t, x_t) in Delta_t, as the authors' code does: right for "rbf" (and
            "linear" on unit rows).
        generator: for start="random" only.
        iterations, step, momentum, restart, tolerance: see `solve_projected_gradient`; not used by "inverse".
            1000 and "nesterov" are the authors'. "frobenius" is their normalised step, as a fixed one
            diverges for large B. Their tolerance 1e-2 is meant for a random start: from the clipped solution
            the first moves are small already, and 1e-3 is what brings the weights within about 1 %. `restart`
            halves the steps to a tight tolerance.
        start: "inverse" = the clipped unconstrained solution, or "random" = ReLU(N(0, 1)), clipped: the
            authors'.
        symmetric: average with the loss that has the roles of the views exchanged; False as in the paper.
        rows: samples whose anchors this process answers for; the machines are always built on all B.
        reduction: "mean" over the anchors asked for, or "none".
        return_statistics: also return a `MaxMarginStatistics` (synchronises with the device).

    Errors:
        ArgumentError: an option out of its range, a wrong shape, B < 2, non-finite embeddings; a singular
            problem.

    Closed forms: B = 2, any kernel with k(u, u) = 1, c = k(x_0, x_1): alpha = min(C, 2 / (2 - 2c + ridge)).
    Orthonormal x and "linear", or sigma -> 0: alpha = 2 / (B + ridge). If the views agree and every row is
    the same (collapse), the loss is 0.

    Paper: Shah, Sra, Chellappa, Cherian, "Max-Margin Contrastive Learning", AAAI 2022,
    https://arxiv.org/abs/2112.11450
    """
    _check_options(sigma, reduction)
    if return_statistics and not is_readable(z):
        raise ArgumentError(
            "return_statistics=True reads numbers, which neither torch.compile nor vmap can do; leave it out."
        )
    function = KERNELS[kernel] if isinstance(kernel, str) else kernel
    solve = partial(
        max_margin_weights,
        C=C,
        ridge=ridge,
        solver=solver,
        unit_diagonal=unit_diagonal,
        generator=generator,
        iterations=iterations,
        step=step,
        momentum=momentum,
        restart=restart,
        tolerance=tolerance,
        start=start,
    )
    with torch.autocast(device_type=z.device.type, enabled=False):
        x, y = _views(z, normalize)  # (B, D) each
        anchors = _anchors(rows, x)  # (R,)
        roles = [(x, y), (y, x)] if symmetric else [(x, y)]
        losses, details = [], []
        for builds, scored in roles:
            with torch.no_grad():
                wide = _wide(builds.detach())  # (B, D)
                machines = solve(function(wide, wide, sigma))
            # kernels of rows of any length may be huge and nearly equal: their differences want the digits of float64
            one, other = (builds, scored) if normalize else (_wide(builds), _wide(scored))
            cross = function(one, other[anchors.to(one.device)], sigma)  # (B, R)
            loss = _loss(machines.alpha[anchors.to(wide.device)].to(cross), cross, anchors.to(cross.device))
            losses.append(loss.to(builds))
            if return_statistics:
                details.append(statistics(machines, cross.detach().to(wide.device), anchors.to(wide.device)))
        loss = torch.stack(losses).mean(0)  # (R,)
        loss = loss.mean() if reduction == "mean" else loss
    return (loss, merge(details)) if return_statistics else loss


def _loss(alpha: Tensor, cross: Tensor, anchors: Tensor) -> Tensor:
    """Each anchor's loss, `(R,)`, from its weights `(R, B)` and its second view's kernels with all, `(B, R)`.

    The positive's kernel is subtracted before weighting: with wide kernels both sums are large and nearly
    equal.
    """
    own = cross.gather(0, anchors[None, :])  # (1, R)
    return (alpha.T * (cross - own)).sum(0)  # (R,)


def _wide(x: Tensor) -> Tensor:
    """`x` in float64, on the CPU where its own device has none (Apple's GPU)."""
    return (x.cpu() if x.device.type == "mps" else x).double()


def _views(z: Tensor, normalize: bool) -> tuple[Tensor, Tensor]:
    """Both views `(B, D)`, checked, in float32 (float64 stays) and, on request, with unit rows."""
    shape = tuple(z.shape)
    if z.ndim != 3 or shape[0] != 2:
        raise ArgumentError(
            f"mmcl takes two views of the same samples, z of shape (2, B, D); got {shape}. "
            "Stack them with torch.stack([view_0, view_1])."
        )
    if shape[1] < 2:
        raise ArgumentError(f"mmcl needs at least two samples, the others being the negatives; got z of shape {shape}.")
    if not z.is_floating_point():
        raise ArgumentError(f"mmcl takes floating point embeddings; got {z.dtype}. Convert them with z.float().")
    for view, finite in enumerate(z.detach().isfinite().all(-1)):  # (B,)
        if is_readable(z) and not bool(finite.all()):
            raise NonFiniteError(
                f"View {view} has {int((~finite).sum())} of {shape[1]} embeddings that are not finite. "
                "Look for an exploding encoder (lower the learning rate, clip gradients) or broken inputs."
            )
    x, y = prepare_rows(z, normalize)  # (B, D) each
    return x, y


def _anchors(rows: Tensor | None, x: Tensor) -> Tensor:
    """The samples whose anchors are asked for, `(R,)`."""
    B = x.shape[0]
    if rows is None:
        return torch.arange(B, device=x.device)  # (B,)
    if rows.ndim != 1 or rows.dtype != torch.long or rows.numel() == 0:
        raise ArgumentError(
            "rows must be a 1-d tensor of at least one sample index (int64); "
            f"got shape {tuple(rows.shape)}, {rows.dtype}."
        )
    if is_readable(rows) and (int(rows.min()) < 0 or int(rows.max()) >= B):
        raise ArgumentError(f"rows must lie in [0, {B}), the samples of z; got {int(rows.min())} to {int(rows.max())}.")
    return rows.to(x.device)  # (R,)


def _check_options(sigma: float, reduction: str) -> None:
    if not (math.isfinite(sigma) and sigma > 0):
        raise ArgumentError(f"sigma, the kernel's width, must be a positive number; got {sigma!r}.")
    if reduction not in REDUCTIONS:
        raise ArgumentError(f"Unknown reduction {reduction!r}.{did_you_mean(str(reduction), REDUCTIONS)}")
