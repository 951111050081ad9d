"""Logistic regression of many rows: L-BFGS that begins with the curvature of the rows themselves."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

ROWS_AT_A_TIME = 1024
"""Of logits and their errors: they stay in the cache, and memory does not grow with rows times classes."""

WIDEST = 4096
"""Columns above which the curvature is not formed (67 MB in float32)."""

ENOUGH = 8
"""Rows a column by which the curvature is known well enough for a first guess."""

PAIRS = 10
"""Steps that L-BFGS remembers; 10 is scipy's number."""

TOLERANCE = 1e-4
"""Largest entry of the gradient at the end: scikit-learn's default. Its noise in float32 is 1e-7."""

NOISE = 1e-7
"""How far the loss of float32 rows can be off, of its size: it may rise by so much in a step that goes down."""


@dataclass(frozen=True)
class LogisticModel:
    """Weights of classes, as scikit-learn's `LogisticRegression` has them: of two classes the second one's alone.

    Shapes:
        coef_: `(C, D)`, or `(1, D)` of two classes; intercept_: `(C,)` or `(1,)`.

    Arguments:
        converged: whether the gradient is small; if not, the number of steps was used up.
        steps: that were taken.
    """

    coef_: np.ndarray
    intercept_: np.ndarray
    converged: bool
    steps: int

    def decision_function(self, rows: np.ndarray) -> np.ndarray:
        """Logits of `(N, D)` rows: `(N, C)`, or `(N,)` of two classes."""
        logits = rows @ self.coef_.T + self.intercept_  # (N, C)
        return logits[:, 0] if len(self.coef_) == 1 else logits

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Class numbers `(N,)`."""
        logits = self.decision_function(rows)
        return (logits > 0).astype(np.int64) if logits.ndim == 1 else logits.argmax(axis=1)


class LogisticFit:
    """Fits of the same rows under several penalties, each from where the last one ended.

    Equation: mean_i -log softmax(W x_i + b)[y_i] + strength / 2 * ||W||^2; of two classes, W and b are of the second
    alone and the first has logit 0.

    The Hessian at the start, where all classes are as likely, is h X^T X / N for each class with h = 1 / C (1 / 4 of
    two classes). L-BFGS takes its inverse, with the penalty, for its first guess in the place of a multiple of the
    identity: it then needs a tenth of the steps where columns go together.

    Shapes:
        rows: `(N, D)` float32 or float64, with means near 0; codes: `(N,)`.
    """

    def __init__(self, rows: np.ndarray, codes: np.ndarray, classes: int, *, most: int) -> None:
        self.rows, self.codes, self.most = rows, codes, most
        self.logits = 1 if classes == 2 else classes
        self.weights = np.zeros((self.logits, rows.shape[1] + 1))  # (C, D + 1), the intercept last
        self.curvature = 0.25 if classes == 2 else 1 / classes
        some = rows[:: max(1, len(rows) // (ENOUGH * rows.shape[1]))]  # (n, D)
        self._gram = some.T @ some / len(some) if rows.shape[1] <= WIDEST else None  # (D, D)

    def __call__(self, strength: float) -> LogisticModel:
        """The minimum under this penalty."""
        first = self._first_guess(strength)
        steps, converged = self._descend(strength, first)
        dtype = self.rows.dtype
        weights = self.weights.astype(dtype)
        return LogisticModel(weights[:, :-1], weights[:, -1], converged, steps)

    def _descend(self, strength: float, first: Any) -> tuple[int, bool]:
        pairs: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=PAIRS)
        loss, slope = self._loss(self.weights, strength)
        for step in range(self.most):
            if np.abs(slope).max() <= TOLERANCE:
                return step, True
            way = -_two_loops(slope, pairs, first)  # (C, D + 1)
            steep = float((way * slope).sum())
            length = 1.0
            while True:
                weights = self.weights + length * way
                found, after = self._loss(weights, strength)
                lower = found <= loss + 1e-4 * length * steep
                # next to the minimum the loss of float32 rows is noise, and the slope still tells
                level = found <= loss + NOISE * max(1.0, loss) and abs(float((way * after).sum())) <= 0.9 * abs(steep)
                if lower or level:
                    break
                length /= 2
                if length < 1e-6:
                    return step, bool(np.abs(slope).max() <= 10 * TOLERANCE)
            pair = weights - self.weights, after - slope
            if float((pair[0] * pair[1]).sum()) > 1e-12 * float((pair[0] ** 2).sum()):
                pairs.append(pair)
            self.weights, loss, slope = weights, found, after
        return self.most, bool(np.abs(slope).max() <= TOLERANCE)

    def _loss(self, weights: np.ndarray, strength: float) -> tuple[float, np.ndarray]:
        """The loss and its gradient `(C, D + 1)`."""
        rows, codes = self.rows, self.codes
        own = weights.astype(rows.dtype)
        slope, total = np.zeros_like(weights), 0.0
        for start in range(0, len(rows), ROWS_AT_A_TIME):
            part, truths = rows[start : start + ROWS_AT_A_TIME], codes[start : start + ROWS_AT_A_TIME]  # (n, D), (n,)
            logits = np.ascontiguousarray((part @ own[:, :-1].T).T) + own[:, -1:]  # (C, n)
            loss, errors = _softmax(logits, truths) if self.logits > 1 else _sigmoid(logits, truths)
            total += loss
            slope[:, :-1] += errors @ part
            slope[:, -1] += errors.sum(axis=1, dtype=np.float64)
        slope /= len(rows)
        slope[:, :-1] += strength * weights[:, :-1]
        return total / len(rows) + strength / 2 * float((weights[:, :-1] ** 2).sum()), slope

    def _first_guess(self, strength: float) -> Any:
        """The inverse of the Hessian at the start, applied to a gradient."""
        if self._gram is None:
            scale = self.curvature * float(np.square(self.rows, dtype=np.float64).mean()) + strength  # as of white rows
            return lambda slope: slope / scale
        from scipy.linalg import cho_factor, cho_solve

        hessian = self.curvature * self._gram  # (D, D)
        # a little more than the penalty, for columns that depend on each other
        hessian[np.diag_indices_from(hessian)] += strength + 1e-6 * self.curvature
        factor = cho_factor(hessian, overwrite_a=True, check_finite=False)

        def solved(slope: np.ndarray) -> np.ndarray:
            inner = cho_solve(factor, slope[:, :-1].T.astype(hessian.dtype), check_finite=False).T  # (C, D)
            return np.concatenate([inner, slope[:, -1:] / self.curvature], axis=1)

        return solved


def _softmax(logits: np.ndarray, codes: np.ndarray) -> tuple[float, np.ndarray]:
    """Summed loss of `(C, n)` logits, and in their place what each class is too likely by."""
    rows = np.arange(len(codes))
    logits -= logits.max(axis=0)
    right = float(logits[codes, rows].sum(dtype=np.float64))
    np.exp(logits, out=logits)
    sums = logits.sum(axis=0)  # (n,)
    logits /= sums
    logits[codes, rows] -= 1
    return float(np.log(sums).sum(dtype=np.float64)) - right, logits


def _sigmoid(logits: np.ndarray, codes: np.ndarray) -> tuple[float, np.ndarray]:
    """The same of two classes, of which the second one's logit is given, `(1, n)`."""
    loss = float((np.logaddexp(0, logits[0]) - codes * logits[0]).sum(dtype=np.float64))
    likely = np.exp(np.minimum(logits, 0)) / (1 + np.exp(-np.abs(logits)))  # (1, n)
    return loss, (likely - codes).astype(logits.dtype)


def _two_loops(slope: np.ndarray, pairs: deque[tuple[np.ndarray, np.ndarray]], first: Any) -> np.ndarray:
    """The inverse Hessian of the last steps, over the first guess, applied to a gradient."""
    found, factors = slope.copy(), []
    for moved, turned in reversed(pairs):
        share = float((moved * found).sum()) / float((moved * turned).sum())
        found -= share * turned
        factors.append(share)
    found = first(found)
    if pairs:  # the curvature has changed since the start
        moved, turned = pairs[-1]
        found *= float((moved * turned).sum()) / float((turned * first(turned)).sum())
    for (moved, turned), share in zip(pairs, reversed(factors), strict=True):
        found += (share - float((turned * found).sum()) / float((moved * turned).sum())) * moved
    return found
