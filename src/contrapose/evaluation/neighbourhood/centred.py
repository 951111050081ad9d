"""Rows of a bank ready for float32 products: unit length, measured from their middle, with what rounding can do."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64

ROWS_AT_A_TIME = 4096
"""Of float64 copies: 8 MB at 256 dimensions."""

EIGHT = 8
"""Columns come in eights, which products of float32 take at a time."""

ROUNDING = 2.0**-24
"""Half of the distance from 1 to the next float32: what one operation can be off, as a share of its result."""


class CentredBank:
    """Cosines by float32 products, but for a number that is the same for all rows of the bank.

    With the middle c = mean of the unit rows, `q . x = (q - c) . (x - c) + (x . c - |c|^2) + q . c`. The first two
    terms are one product, of rows that hold one more column each, and as small as the rows differ: its rounding errors
    are too, so that an encoder whose embeddings all point one way is told apart as well as any other. The third is of
    the query alone, and orders nothing.

    Shapes:
        bank: `(N, D)` float32, no row of zeros; columns: `(K, N)`, K the next multiple of 8 above D.
    """

    def __init__(self, bank: Float32[np.ndarray, "N D"]) -> None:
        self.bank = bank
        count, dimension = bank.shape
        self.lengths = np.empty(count)  # (N,)
        self.middle = np.zeros(dimension)  # (D,)
        for part in self._parts():
            rows = bank[part].astype(np.float64)  # (n, D)
            self.lengths[part] = np.sqrt(np.einsum("nd,nd->n", rows, rows))
            self.middle += (rows / self.lengths[part, None]).sum(axis=0) / count
        width = -(-(dimension + 1) // EIGHT) * EIGHT
        self.columns = np.zeros((width, count), np.float32)  # (K, N)
        self._radius = self._tilt = 0.0
        for part in self._parts():
            apart = bank[part] / self.lengths[part, None] - self.middle  # (n, D)
            tilt = apart @ self.middle  # (n,): x . c - |c|^2
            self.columns[:dimension, part], self.columns[dimension, part] = apart.T, tilt
            self._radius = max(self._radius, float(np.square(apart).sum(axis=1).max()) ** 0.5)
            self._tilt = max(self._tilt, float(np.abs(tilt).max()))

    def query(
        self, rows: Float32[np.ndarray, "t D"]
    ) -> tuple[Float32[np.ndarray, "t K"], Float64[np.ndarray, "t"], Float64[np.ndarray, "t"]]:
        """Queries as the other side of the products, what to add to these for cosines, and how far off they can be.

        The last holds for any order of summation: a sum of n products of rounded numbers is off by (n + 2) times the
        rounding of one operation at most, of the sum of their sizes, which Cauchy and Schwarz bound.
        """
        unit = rows.astype(np.float64)  # (t, D)
        unit /= np.sqrt(np.einsum("td,td->t", unit, unit))[:, None]
        apart, dimension = unit - self.middle, rows.shape[1]  # (t, D)
        sides = np.zeros((len(rows), len(self.columns)), np.float32)  # (t, K)
        sides[:, :dimension], sides[:, dimension] = apart, 1
        sizes = np.sqrt(np.einsum("td,td->t", apart, apart)) * self._radius + self._tilt  # (t,)
        return sides, unit @ self.middle, 1.01 * (dimension + 4) * ROUNDING * sizes

    def _parts(self) -> list[slice]:
        return [slice(start, start + ROWS_AT_A_TIME) for start in range(0, len(self.bank), ROWS_AT_A_TIME)]
