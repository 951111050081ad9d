"""The unconstrained weights of all anchors from one matrix inverse.

Setting the gradient of each program to zero asks for alpha_t = 2 Delta_t^-1 1, with B different matrices.
They share all but a rank-two part, and with

    Q = the inverse of (K + ridge I), both centred, on the vectors that sum to zero

block inversion and Woodbury's formula collapse to

    alpha_t[j] = -2 Q[t, j] / (1 - ridge_t Q[t, t]),      sum_j alpha_t[j] = 2 Q[t, t] / (1 - ridge_t Q[t, t])

where ridge_t is the ridge (less `excess`, with `unit_diagonal`). For a positive semidefinite kernel no
eigenvalue of Q is above 1 / ridge and no denominator below 1 / B: nothing in it is delicate.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.max_margin.problem import TARGET, Problem
from contrapose.tracing import is_readable


def solve_inverse(problem: Problem) -> Float[Tensor, "B B"]:
    """The unconstrained stationary point of every anchor's program, 2 Delta_t^-1 1; it may be negative.

    Exact, with one factorisation of a (B, B) matrix and O(B^2) besides. What `mmcl` calls its "inverse"
    weights is this, clipped to the box: the constrained optimum only where clipping changes nothing, else an
    approximation of it.

    Shapes:
        returns `(B, B)`, row t = anchor t, diagonal 0.

    Errors:
        ArgumentError: a program has no unique solution (duplicate or linearly dependent rows and no ridge).
    """
    B = problem.size
    # The programs do not see the constant vector. Giving it an eigenvalue of the size of the others keeps the
    # condition number that of the problem; its part is taken out again below.
    level = problem.gram.diagonal().abs().mean()  # ()
    matrix = problem.gram + level / B  # (B, B)
    matrix.diagonal().add_(problem.ridge)
    Q = _inverse(matrix).sub_(1 / (B * (level + problem.ridge)))  # (B, B)
    scale = 1 - (problem.ridge - problem.excess) * Q.diagonal()  # (B,)
    if is_readable(scale) and not bool((scale.abs() > B * torch.finfo(Q.dtype).eps).all()):
        raise _singular()
    return Q.mul_(-TARGET / scale[:, None]).fill_diagonal_(0.0)  # (B, B)


def _inverse(matrix: Tensor) -> Tensor:
    """By Cholesky where the kernel is positive definite, else by LU; singular up to rounding is an error.

    Where no number can be looked at (compiled, or under vmap) it is by LU, and a singular matrix goes unnoticed.
    """
    if not is_readable(matrix):
        inverse: Tensor = torch.linalg.inv_ex(matrix).inverse
        return inverse  # (B, B)
    smallest = matrix.shape[0] * torch.finfo(matrix.dtype).eps * matrix.diagonal().abs().amax()  # ()
    factor, failed = torch.linalg.cholesky_ex(matrix)
    if not bool(failed):
        if not bool((factor.diagonal().square() > smallest).all()):
            raise _singular()
        return torch.cholesky_inverse(factor)  # (B, B)
    lu, pivots, _ = torch.linalg.lu_factor_ex(matrix)
    if not bool((lu.diagonal().abs() > smallest).all()):
        raise _singular()
    identity = torch.eye(matrix.shape[0], dtype=matrix.dtype, device=matrix.device)  # (B, B)
    return torch.linalg.lu_solve(lu, pivots, identity)  # (B, B)


def _singular() -> ArgumentError:
    return ArgumentError(
        "The max-margin weights of this batch are not defined: its kernel matrix is singular "
        "(duplicate or linearly dependent rows, or a kernel that is not positive definite) and the ridge "
        "does not lift it. Raise ridge (0.1 is the usual value); solver='pgd' with start='random' needs no "
        "inverse."
    )
