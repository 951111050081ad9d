"""LiDAR: how many dimensions tell samples apart rather than views of one sample."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.gram import ROWS_AT_A_TIME, entropy_rank
from contrapose.evaluation.inputs import Array, as_rows, positive_number


def lidar(views: Array, *, delta: float = 1e-4) -> float:
    """Effective rank of the scatter between samples, measured in units of the scatter between views of a sample.

    Equation: with mu_b the mean over the V views of sample b, S_b the covariance of the mu_b (divisor B - 1) and
    S_w the mean covariance of the views around their mu_b (divisor B (V - 1)) plus delta I, the exponential of the
    entropy of p = lambda / sum lambda + 1e-7, lambda the eigenvalues of S_w^-1/2 S_b S_w^-1/2.

    Shapes:
        views: `(V, B, D)`, V >= 2 views of B >= 2 samples; the value is at most min(D, B - 1).

    Arguments:
        delta: keeps S_w invertible, in squared units of the embedding; 1e-4, with 1,000 samples of 50 views, is
            the setting that accounts of the paper name.

    Errors:
        ArgumentError: one view only (no scatter within a sample), fewer than 2 samples, NaN or infinite rows.

    Closed form: identical views of 2 r samples at +e_k and -e_k (k <= r) give r.
    It compares runs of one method. Paper: Thilak et al. 2023, arXiv 2312.04000.
    """
    rows = as_rows(views, "views", letters="V B D")
    if rows.shape[0] < 2 or rows.shape[1] < 2:
        raise ArgumentError(
            f"lidar needs 2 views of 2 samples at least, (V, B, D); got {tuple(rows.shape)}: without a second view "
            "there is no scatter within a sample. Draw more views of each sample."
        )
    between, within = _scatter(rows)
    within.diagonal().add_(positive_number(delta, "delta"))
    values, vectors = torch.linalg.eigh(within)  # (D,), (D, D)
    whitening = vectors * values.clamp(min=delta).rsqrt()  # (D, D)
    # a rotation of S_w^-1/2 S_b S_w^-1/2, with the same eigenvalues
    eigenvalues = torch.linalg.eigvalsh(whitening.T @ between @ whitening).clamp(min=0)  # (D,)
    return entropy_rank(eigenvalues)


def _scatter(rows: Tensor) -> tuple[Float64[Tensor, "D D"], Float64[Tensor, "D D"]]:
    """Covariance between and within samples of `(V, B, D)`, in blocks of samples."""
    count, samples, width = rows.shape
    rows = rows.cpu()
    means = rows.mean(dim=0, dtype=torch.float64)  # (B, D)
    centred = means - means.mean(dim=0)  # (B, D)
    within = torch.zeros(width, width, dtype=torch.float64)
    step = max(1, ROWS_AT_A_TIME // count)
    for block, middle in zip(rows.split(step, dim=1), means.split(step), strict=True):
        around = (block.double() - middle).reshape(-1, width)  # (V, b, D) -> (V b, D)
        within += around.T @ around
    return centred.T @ centred / (samples - 1), within / (samples * (count - 1))
