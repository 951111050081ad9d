"""How alike classes are, by the gates that were learned for them."""

from __future__ import annotations

from jaxtyping import Float64
from torch import Tensor

from contrapose.evaluation.inputs import Array, as_rows
from contrapose.evaluation.similarity import unit_rows


def relations(gates: Array) -> Float64[Tensor, "C C"]:
    """Cosine between the gates of every two classes: whether they are told from others in the same dimensions.

    Equation: r_ab = <g_a, g_b> / (|g_a| |g_b|), g_c the gate of class c with itself.

    A gate lies in (0, 1), so that all cosines are above 0 and gates that are open everywhere have cosine 1: compare
    the relations of one table with each other, not with those of another run.

    Shapes:
        gates: `(C, D)`, C >= 2, a row a class; returns a symmetric `(C, C)` with 1 on its diagonal.

    Errors:
        ArgumentError: fewer than two classes, NaN, a gate that is closed everywhere.

    Closed form: gates that share no open dimension have 0, equal ones 1. Gates drawn at random, uniform on (0, 1): 3/4.
    Paper: Wu et al. 2024, arXiv 2410.18200.
    """
    unit = unit_rows(as_rows(gates, "gates", letters="C D", minimum=2).double(), "gates")  # (C, D)
    cosines = unit @ unit.T  # (C, C) symmetric but for rounding
    return ((cosines + cosines.T) / 2).clamp(0.0, 1.0).fill_diagonal_(1.0)
