"""The controllability Gramian of followers: how much work it takes to steer them, in every direction."""

from __future__ import annotations

from typing import Any

import numpy as np

from contrapose.controllability.dynamics import followers
from contrapose.errors import ArgumentError


def gramian(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """The Gramian of infinite time, which solves A W + W A^T + B B^T = 0.

        A = V diag(a) V^T:   W = V C V^T,   C_ij = (V^T B B^T V)_ij / -(a_i + a_j)

    Its rank tells nothing in floating point, for its eigenvalues decay geometrically: ask `controllable_dimension`.

    Shapes:
        A: `(n, n)` symmetric with all eigenvalues below 0; B: `(n, m)`; returns `(n, n)`, symmetric.

    Errors:
        ArgumentError: A is not symmetric, or has an eigenvalue of 0 or above, so that the integral does not exist.
    """
    if not np.allclose(A, A.T):
        raise ArgumentError("The Gramian is solved here for a symmetric A: a graph that is not directed.")
    values, vectors = np.linalg.eigh(A)
    if values[-1] > -1e-10 * max(1.0, float(np.abs(values).max())):
        raise ArgumentError(
            "A has an eigenvalue that is not below 0, so that there is no Gramian: name a leader in each connected "
            "component."
        )
    W = vectors @ gramian_core(values, vectors.T @ B) @ vectors.T  # (n, n)
    return (W + W.T) / 2


def gramian_core(values: np.ndarray, projected: np.ndarray) -> np.ndarray:
    """C, which has the eigenvalues of W: of one system or of R.

    Shapes:
        values: `(..., n)`, all below 0; projected: `(..., n, m)`, V^T B; returns `(..., n, n)`.
    """
    sums = values[..., :, None] + values[..., None, :]  # (..., n, n)
    return projected @ projected.swapaxes(-1, -2) / -sums


def gramian_traces(values: np.ndarray, projected: np.ndarray) -> np.ndarray:
    """trace(W) = tr(B^T (-A)^-1 B) / 2 without W: `(...,)`, from what `gramian_core` takes."""
    return ((projected**2).sum(axis=-1) / -values).sum(axis=-1) / 2


def follower_gramian(edges: Any, nodes: int, leaders: Any) -> np.ndarray:
    """The Gramian of the followers of some leaders, the followers in ascending order: `(n - m, n - m)`.

    Errors:
        ArgumentError: what `followers` refuses.

    With one leader in a connected graph its trace is half of the leader's degree.
    >>> round(float(np.trace(follower_gramian([[0, 1, 1, 2], [1, 0, 2, 1]], 3, [1]))), 12)
    1.0
    """
    return gramian(*followers(edges, nodes, leaders))
