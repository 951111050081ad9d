"""Which dimensions are used, read off the singular values and the covariance; computed once, asked many times."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from contrapose.evaluation.gram import covariance_eigenvalues, entropy_rank, singular_values
from contrapose.evaluation.health import COMPLETE_COLLAPSE, DIMENSIONAL_COLLAPSE, spread
from contrapose.evaluation.inputs import Array, as_rows

FIT_RANGE = (10, 100)
"""Ranks of the eigenvalues that alpha is fitted over, both included, cut to what there is."""

FEWEST_FOR_ALPHA = 20

NEGLIGIBLE = 1e-3
MOST_NEGLIGIBLE = 0.5
"""Dimensional collapse, by convention: more than half of the singular values below a thousandth of the largest."""


@dataclass(frozen=True)
class Spectrum:
    """The spectrum of an embedding and what it says.

    Shapes:
        singular: `(S,)` singular values of the raw rows, S = min(N, D), largest first.
        eigenvalues: `(S,)` of the covariance (centred, divisor N - 1), largest first.

    Arguments:
        spread: scatter of the unit rows, see `spread`.
    """

    singular: Float64[Tensor, "S"]
    eigenvalues: Float64[Tensor, "S"]
    spread: float

    @classmethod
    def of(cls, z: Array) -> Spectrum:
        """The spectrum of rows `(N, D)`, N >= 2, by eigenvalues of float64 Gram matrices: N D min(N, D) operations.

        Errors:
            ArgumentError: fewer than 2 rows, NaN or infinite rows, rows that are all zeros.
        """
        rows = as_rows(z, "z", minimum=2)
        return cls(singular_values(rows), covariance_eigenvalues(rows), spread(rows))

    @property
    def effective_rank(self) -> float:
        """RankMe, as the function `effective_rank`."""
        return entropy_rank(self.singular)

    @property
    def participation_ratio(self) -> float:
        """(sum lambda)^2 / sum lambda^2 of the covariance: D when it is the identity, 1 for rank one, 0 for none."""
        squares = float(self.eigenvalues.square().sum())
        return float(self.eigenvalues.sum()) ** 2 / squares if squares else 0.0

    @property
    def stable_rank(self) -> float:
        """sum s^2 / s_1^2 of the raw rows: D when they are orthonormal, never above the rank; 0 for zeros."""
        largest = float(self.singular[0])
        return float((self.singular / largest).square().sum()) if largest else 0.0

    @property
    def alpha(self) -> float | None:
        """alpha-ReQ: how fast the covariance decays; None where fewer than 20 eigenvalues differ from 0.

        Equation: minus the slope of log lambda_j against log j, ordinary least squares over j = 10..100.
        Eigenvalues j^-a give a exactly. Near 1 is held to be good, above it the embedding uses few dimensions.
        Paper: Agrawal et al. 2022 (NeurIPS), https://openreview.net/forum?id=ii9X4vtZGTZ.
        """
        used = int((self.eigenvalues > 0).sum())
        if used < FEWEST_FOR_ALPHA:
            return None
        first, last = FIT_RANGE
        logs = self.eigenvalues[first - 1 : min(last, used)].log()  # (J,)
        ranks = torch.arange(first, first + len(logs), dtype=torch.float64).log()  # (J,)
        ranks = ranks - ranks.mean()
        return -float((ranks * logs).sum() / ranks.square().sum())

    @property
    def negligible_share(self) -> float:
        """Share of the singular values below a thousandth of the largest."""
        return float((self.singular < NEGLIGIBLE * self.singular[0]).double().mean()) if self.singular[0] else 1.0

    @property
    def complete_collapse(self) -> bool:
        """Every input gets nearly the same direction: spread below 0.1."""
        return self.spread < COMPLETE_COLLAPSE

    @property
    def dimensional_collapse(self) -> bool:
        """Effective rank below a tenth of min(N, D), or more than half of the singular values negligible."""
        few = self.effective_rank < DIMENSIONAL_COLLAPSE * len(self.singular)
        return few or self.negligible_share > MOST_NEGLIGIBLE

    def finding(self) -> str | None:
        """The gravest collapse in words with its numbers, or None."""
        if self.complete_collapse:
            return (
                f"complete collapse: spread {self.spread:.2g}, healthy is 1, the line is drawn at {COMPLETE_COLLAPSE}"
            )
        if self.dimensional_collapse:
            return (
                f"dimensional collapse: effective rank {self.effective_rank:.1f} of {len(self.singular)}, "
                f"{self.negligible_share:.0%} of the singular values below {NEGLIGIBLE:g} of the largest"
            )
        return None
