"""Projected gradient for all anchors' box-constrained programs at once: one (B, B) product an iteration."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.objectives.max_margin.problem import Problem

MOMENTA = ("nesterov", "vanilla")
STEPS = ("frobenius", "power")

FIRST_THETA = 0.5  # the authors draw it from (0, 1); a constant makes a solve repeatable
MARGIN = 1.1  # the power method stays a few per cent below the largest eigenvalue
LARGEST_STEP = {"vanilla": 2.0, "nesterov": 4 / 3}  # over the largest eigenvalue; beyond, it diverges


def solve_projected_gradient(
    problem: Problem,
    start: Float[Tensor, "B B"],
    *,
    step: str | float = "frobenius",
    momentum: str = "nesterov",
    restart: bool = True,
    iterations: int = 1000,
    tolerance: float | None = 1e-3,
) -> tuple[Float[Tensor, "B B"], int]:
    """The weights after projected (accelerated) gradient steps from `start`, and how many steps were taken.

        alpha' = project(y - eta (Delta y - 2)),   y' = alpha' + beta (alpha' - alpha)

    With momentum "vanilla" beta = 0; with "nesterov" beta = theta (1 - theta) / (theta^2 + theta') and
    theta' = (sqrt(theta^4 + 4 theta^2) - theta^2) / 2. `restart` puts an anchor's theta back to its first
    value when the move and the gradient step disagree (O'Donoghue and Candes,
    https://arxiv.org/abs/1204.3982); without it this is the authors' iteration.

    It stops once the mean over all weights of |alpha' - alpha| / (alpha + 1e-7) is below `tolerance`: one
    decision for the whole batch, as in the authors' code. `tolerance=None` takes all the steps.

    Shapes:
        start: `(B, B)`, inside of the box; returns `(B, B)`, row t = anchor t, diagonal 0.

    Errors:
        ArgumentError: an unknown step or momentum, or a fixed step that made the iteration diverge.
    """
    if momentum not in MOMENTA:
        raise ArgumentError(f"Unknown momentum {momentum!r}.{did_you_mean(str(momentum), MOMENTA)}")
    eta = _step_sizes(problem, step)  # (B, 1)
    weights = problem.size * (problem.size - 1)
    alpha = ahead = start  # (B, B)
    theta = torch.full_like(eta, FIRST_THETA)  # (B, 1)
    taken = 0
    while taken < iterations:
        taken += 1
        previous, alpha = alpha, problem.project(_stepped(ahead, eta, problem))  # (B, B)
        moved = alpha - previous  # (B, B)
        if tolerance is not None and bool((moved.abs() / (previous + 1e-7)).sum() < tolerance * weights):
            break
        if momentum == "vanilla":
            ahead = alpha
            continue
        if restart:
            theta = torch.where(_disagree(ahead, alpha, moved), FIRST_THETA, theta)  # (B, 1)
        beta, theta = _momentum(theta)  # (B, 1)
        ahead = torch.addcmul(alpha, beta, moved)  # (B, B)
    if not isinstance(step, str):
        _refuse_divergence(problem, step, momentum, start, alpha)
    return alpha, taken


def _stepped(ahead: Tensor, eta: Tensor, problem: Problem) -> Tensor:
    return torch.addcmul(ahead, eta, problem.gradient(ahead), value=-1.0)  # (B, B)


def _momentum(theta: Tensor) -> tuple[Tensor, Tensor]:
    """Nesterov's beta and the next theta; the same shape."""
    square = theta.square()
    following = ((square.square() + 4 * square).sqrt() - square) / 2
    return theta * (1 - theta) / (square + following), following


def _disagree(ahead: Tensor, alpha: Tensor, moved: Tensor) -> Tensor:
    """Where the step from `ahead` to `alpha` points against the last move, `(B, 1)`."""
    return torch.linalg.vecdot(ahead - alpha, moved)[:, None] > 0  # (B, 1)


def _step_sizes(problem: Problem, step: str | float) -> Tensor:
    """One step size an anchor, `(B, 1)`: 1 / |Delta_t|_F, 1 / (about) the largest eigenvalue, or constant."""
    if isinstance(step, str):
        if step not in STEPS:
            raise ArgumentError(f"Unknown step {step!r}.{did_you_mean(step, STEPS)} A positive number will do as well.")
        bound = problem.frobenius()  # (B,)
        if step == "power":
            bound = torch.minimum(bound, MARGIN * problem.largest_eigenvalue())  # (B,)
        return 1 / bound.clamp(min=torch.finfo(bound.dtype).eps)[:, None]  # (B, 1)
    if not (math.isfinite(step) and step > 0):
        raise ArgumentError(f"step must be a positive number or one of {', '.join(STEPS)}; got {step!r}.")
    return torch.full_like(problem.excess, float(step))[:, None]  # (B, 1)


def _refuse_divergence(problem: Problem, step: float, momentum: str, start: Tensor, last: Tensor) -> None:
    """Raise where a fixed step is too long for an anchor and made it worse.

    An iteration that bounces between the walls of the box looks good every other time; so two plain steps
    more are taken, of which one then goes uphill.
    """
    largest = problem.largest_eigenvalue()  # (B,)
    too_long = step * largest > LARGEST_STEP[momentum]  # (B,)
    if bool(last.isfinite().all()) and not bool(too_long.any()):
        return
    path = [start, last]
    for _ in range(2):
        path.append(problem.project(path[-1] - step * problem.gradient(path[-1])))  # (B, B)
    values = torch.stack([problem.objective(alpha) for alpha in path])  # (4, B)
    rises = values.diff(dim=0) > 1e-9 * (1 + values[:-1].abs())  # (3, B)
    if bool(values.isfinite().all()) and not bool((rises.any(0) & too_long).any()):
        return
    top = largest.max().item()
    raise ArgumentError(
        f"step={step:g} made the projected gradient diverge: the largest eigenvalue of this batch's "
        f"problems is {top:.4g}, so that a step must stay below {LARGEST_STEP[momentum] / top:.3g}. "
        "Use step='frobenius', which is safe for every batch."
    )
