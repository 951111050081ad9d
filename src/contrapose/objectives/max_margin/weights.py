"""From a kernel matrix to the dual weights of every anchor's machine: options checked, solver chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.objectives.max_margin.inverse import solve_inverse
from contrapose.objectives.max_margin.problem import TARGET, Problem
from contrapose.objectives.max_margin.projected_gradient import solve_projected_gradient
from contrapose.tracing import is_readable

SOLVERS = ("inverse", "pgd")
STARTS = ("inverse", "random")


@dataclass(frozen=True)
class Machines:
    """The solved machines of a batch: `alpha[t, j]` is the weight of sample j in the machine of anchor t.

    The weight of anchor t itself is the sum of its row. `iterations` is 0 for the inverse solver.
    """

    problem: Problem
    alpha: Float[Tensor, "B B"]
    iterations: int


@torch.no_grad()
def max_margin_weights(
    kernel_matrix: Shaped[Tensor, "*B_B"],
    *,
    C: float | None = None,
    ridge: float = 0.1,
    solver: str = "inverse",
    unit_diagonal: bool = False,
    generator: torch.Generator | None = None,
    iterations: int = 1000,
    step: str | float = "frobenius",
    momentum: str = "nesterov",
    restart: bool = True,
    tolerance: float | None = 1e-3,
    start: str = "inverse",
) -> Machines:
    """One support vector machine an anchor (itself against all the others), all solved together, in float64.

        minimise over 0 <= alpha <= C:  1/2 alpha' Delta_t alpha - 2 1'alpha,
        Delta_t[i, j] = k_tt + k_ij - k_ti - k_tj + ridge [i = j],   i, j != t

    Never differentiated: the weights are constants of the loss.

    Shapes:
        kernel_matrix: `(B, B)`, symmetric, B >= 2; `alpha` of the result is `(B, B)` with zero diagonal.

    Arguments: as in `mmcl`.

    Errors:
        ArgumentError: an option out of its range; a kernel matrix with non-finite entries, or singular
            without a ridge.
    """
    _check(C, ridge, solver, iterations, tolerance, start)
    shape = tuple(kernel_matrix.shape)
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 2:
        raise ArgumentError(f"A kernel matrix is (B, B) with B at least 2; got shape {shape}.")
    kernel_matrix = kernel_matrix.detach().double()
    readable = is_readable(kernel_matrix)
    if solver == "pgd" and not readable:
        raise ArgumentError(
            "solver='pgd' stops when its weights have settled, which neither torch.compile nor vmap can follow. Take "
            "solver='inverse', or keep mmcl outside: torch.compiler.disable(mmcl), a loop in place of vmap."
        )
    if readable and not bool(kernel_matrix.sum().isfinite()):  # one pass and no mask: a bad entry spoils the sum
        raise ArgumentError(
            "The kernel matrix has entries that are not finite: the embeddings are too large "
            "for this kernel. Use normalize=True, or scale them down."
        )
    upper = math.inf if C is None or C == -1 else float(C)
    problem = Problem.of(kernel_matrix, ridge=ridge, upper=upper, unit_diagonal=unit_diagonal)
    if solver == "inverse":
        return Machines(problem, solve_inverse(problem).clamp_(min=0.0, max=upper), 0)
    first = solve_inverse(problem) if start == "inverse" else _random_start(problem.gram, generator)  # (B, B)
    alpha, taken = solve_projected_gradient(
        problem,
        problem.project(first),
        step=step,
        momentum=momentum,
        restart=restart,
        iterations=iterations,
        tolerance=tolerance,
    )
    _refuse_unbounded(problem, alpha)
    return Machines(problem, alpha, taken)


def _random_start(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard normal numbers, drawn where the generator lives; the projection that follows is their ReLU."""
    device = like.device if generator is None else generator.device
    start = torch.randn(like.shape, generator=generator, dtype=like.dtype, device=device)  # (B, B)
    return start.to(like.device)


def _refuse_unbounded(problem: Problem, alpha: Tensor) -> None:
    """Raise where the weights have no bound and grow for ever, as an indefinite kernel lets them.

    The ridge alone keeps every program above -2 (B - 1) / ridge if the kernel is positive semidefinite.
    """
    if math.isfinite(problem.upper):
        return
    floor = -(TARGET**2) / 2 * (problem.size - 1) / problem.ridge if problem.ridge > 0 else -math.inf
    lowest = problem.objective(alpha).min()  # ()
    if not bool(lowest.isfinite()) or lowest.item() < floor * (1 + 1e-6):
        raise ArgumentError(
            "These max-margin problems have no minimum: the kernel is not positive semidefinite and the "
            "weights have no upper bound. Set C (the authors use 1 and 100), or take another kernel."
        )


def _check(C: float | None, ridge: float, solver: str, iterations: int, tolerance: float | None, start: str) -> None:
    if C is not None and C != -1 and not C > 0:
        raise ArgumentError(f"C, the largest weight, must be positive, or None (or -1) for no bound; got {C!r}.")
    if not (math.isfinite(ridge) and ridge >= 0):
        raise ArgumentError(f"ridge must be a number of at least 0; got {ridge!r}. The usual value is 0.1.")
    if solver not in SOLVERS:
        raise ArgumentError(f"Unknown solver {solver!r}.{did_you_mean(str(solver), SOLVERS)}")
    if start not in STARTS:
        raise ArgumentError(f"Unknown start {start!r}.{did_you_mean(str(start), STARTS)}")
    if iterations < 1:
        raise ArgumentError(f"iterations must be at least 1; got {iterations!r}.")
    if tolerance is not None and not tolerance > 0:
        raise ArgumentError(f"tolerance must be positive, or None to take all iterations; got {tolerance!r}.")
