"""The problems of `mmcl`, one anchor after the other with its matrix written out: slow and plain."""

from __future__ import annotations

import numpy as np


def others(t: int, B: int) -> np.ndarray:
    """The samples that are not t, `(B - 1,)`."""
    return np.array([j for j in range(B) if j != t])


def delta(K: np.ndarray, t: int, ridge: float, own: float | None = None) -> np.ndarray:
    """Delta_t, `(B - 1, B - 1)`, term by term; `own` stands for k(x_t, x_t) when given."""
    rest = others(t, len(K))
    own = K[t, t] if own is None else own
    k = K[t, rest]
    return own + K[np.ix_(rest, rest)] - k[:, None] - k[None, :] + ridge * np.eye(len(rest))


def solve(K: np.ndarray, ridge: float, upper: float, own: float | None = None) -> np.ndarray:
    """Every anchor's Delta_t^-1 2, clipped to [0, upper]; `(B, B)` with a zero diagonal."""
    alpha = np.zeros_like(K)
    for t in range(len(K)):
        raw = np.linalg.solve(delta(K, t, ridge, own), np.full(len(K) - 1, 2.0))
        alpha[t, others(t, len(K))] = np.minimum(np.maximum(raw, 0.0), upper)
    return alpha


def descend(
    K: np.ndarray,
    start: np.ndarray,
    ridge: float,
    upper: float,
    *,
    step,
    momentum,
    iterations,
    tolerance=None,
) -> tuple[np.ndarray, int]:
    """Projected gradient, anchor by anchor inside each iteration, as the paper's authors run it."""
    B = len(K)
    rest = [others(t, B) for t in range(B)]
    D = [delta(K, t, ridge) for t in range(B)]
    eta = [1 / np.linalg.norm(d) if step == "frobenius" else step for d in D]
    alpha = [start[t, rest[t]] for t in range(B)]
    y = list(alpha)
    theta, taken = 0.5, 0
    while taken < iterations:
        taken += 1
        new = [np.clip(y[t] - eta[t] * (D[t] @ y[t] - 2.0), 0.0, upper) for t in range(B)]
        theta_next = 0.5 * (np.sqrt(theta**4 + 4 * theta**2) - theta**2)
        beta = theta * (1 - theta) / (theta**2 + theta_next) if momentum == "nesterov" else 0.0
        y = [new[t] + beta * (new[t] - alpha[t]) for t in range(B)]
        change = np.mean([np.abs(new[t] - alpha[t]) / (alpha[t] + 1e-7) for t in range(B)])
        theta, alpha = theta_next, new
        if tolerance is not None and change < tolerance:
            break
    out = np.zeros_like(K)
    for t in range(B):
        out[t, rest[t]] = alpha[t]
    return out, taken


def loss(K_cross: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Each anchor's loss `(B,)` from K_cross[j, t] = k(x_j, z_t)."""
    B = len(alpha)
    return np.array(
        [sum(alpha[t, j] * K_cross[j, t] for j in others(t, B)) - alpha[t].sum() * K_cross[t, t] for t in range(B)]
    )
