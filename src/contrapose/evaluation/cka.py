"""Centred kernel alignment: how alike two encoders arrange the same samples."""

from __future__ import annotations

from jaxtyping import Float64
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows

ROWS_PER_DIMENSION = 10
"""Below so many samples a dimension the plain value says more about N than about the encoders."""


def cka(x: Array, y: Array, *, debiased: bool | None = None) -> float:
    """Linear CKA of two embeddings of the same N samples: 1 when one is a rotated and scaled copy of the other.

    Equation: ||Y^T X||_F^2 / (||X^T X||_F ||Y^T Y||_F), columns centred. Debiased, each of the three is replaced by
    the unbiased estimate of HSIC, which leaves out what a sample shares with itself; from sums of rows, so that no
    N x N matrix appears there either.

    Shapes:
        x: `(N, D)`; y: `(N, E)`; row n of both is the same sample. N >= 2, debiased N >= 4.

    Arguments:
        debiased: None corrects when N is below 10 max(D, E). The plain value of independent Gaussian rows is about
            D / N, and close to 1 when N is small; the corrected one is about 0, and can fall a little below.

    Errors:
        ArgumentError: different numbers of rows, too few rows, NaN or infinite rows, rows that are all equal.

    Closed form: cka(X, X Q) = cka(X, 3 X) = 1 for an orthogonal Q. Papers: Kornblith et al. 2019, arXiv 1905.00414;
    unbiased HSIC: Song et al. 2012, JMLR 13.
    """
    a, b = as_rows(x, "x", minimum=2), as_rows(y, "y", minimum=2)
    if len(a) != len(b):
        raise ArgumentError(f"x and y must embed the same samples in the same order; got {len(a)} and {len(b)} rows.")
    if debiased is None:
        debiased = 4 <= len(a) < ROWS_PER_DIMENSION * max(a.shape[1], b.shape[1])
    if debiased and len(a) < 4:
        raise ArgumentError(f"The debiased estimate needs 4 rows at least; got {len(a)}. Give more, or debiased=False.")
    a, b = _centred(a, "x"), _centred(b.to(a.device), "y")
    measure = _unbiased_hsic if debiased else _hsic
    own = measure(a, a) * measure(b, b)
    if not float(own) > 0:
        raise ArgumentError("Too few rows for the debiased estimate: a norm came out negative. Give more rows.")
    return float(measure(a, b) / own.sqrt())


def _centred(rows: Tensor, name: str) -> Float64[Tensor, "N D"]:
    rows = rows.double()
    centred = rows - rows.mean(dim=0)  # (N, D)
    largest = centred.abs().max()
    # centring equal rows leaves rounding errors, which would be compared as if they were an embedding
    if largest <= 1e-12 * rows.abs().max():
        raise ArgumentError(f"{name}: all rows are equal, so there is no arrangement to compare. Check for collapse.")
    return centred / largest


def _hsic(a: Tensor, b: Tensor) -> Tensor:
    return (a.T @ b).square().sum()  # (D, E) -> number


def _unbiased_hsic(a: Tensor, b: Tensor) -> Tensor:
    """n (n - 3) times the estimate, of kernels whose diagonals k and l are taken out."""
    n = len(a)
    k, l = a.square().sum(dim=1), b.square().sum(dim=1)  # noqa: E741  (N,), (N,)
    k_sums = a @ a.sum(dim=0) - k  # (N,): row sums of the kernel without its diagonal
    l_sums = b @ b.sum(dim=0) - l  # (N,)
    trace = _hsic(a, b) - k @ l
    return trace + k_sums.sum() * l_sums.sum() / ((n - 1) * (n - 2)) - 2 * (k_sums @ l_sums) / (n - 2)
