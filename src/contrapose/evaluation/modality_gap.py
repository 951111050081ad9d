"""The modality gap: do two towers put what they embed into one region, or each into its own?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows
from contrapose.evaluation.linear_probe import linear_probe
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.similarity import unit_rows

STRENGTH = 1e-2
"""L2 strength of the domain probe, fixed: two classes with half of all rows each hardly depend on it."""


@dataclass(frozen=True)
class ModalityGap:
    """How far two towers lie apart.

    Arguments:
        distance: between the mean unit rows, 0 to 2.
        domain_accuracy: of a linear probe that tells the towers apart on rows it was not fitted to; chance is 50 %.
    """

    distance: float
    domain_accuracy: Metric


def modality_gap(x: Array, y: Array, *, generator: torch.Generator | None = None) -> ModalityGap:
    """Distance between the centres of two towers on the unit sphere, and how well a linear probe tells them apart.

    Equation: || mean_n x_n / ||x_n|| - mean_n y_n / ||y_n|| ||.

    Shapes:
        x, y: `(N, D)`, row n of both is the same sample, N >= 4. Half of the samples fit the probe, with both of their
        rows; the others test it.

    Arguments:
        generator: splits the samples, then draws the interval; None is a fresh one with seed 0.

    Errors:
        ArgumentError: different shapes, fewer than 4 samples, NaN or infinite rows, rows that are all zeros.

    Closed form: x = y gives distance 0; towers at opposite poles give 2 and 100 %.
    Paper: Liang et al. 2022, arXiv 2203.02053.
    """
    a, b = as_rows(x, "x", minimum=4), as_rows(y, "y", minimum=4)
    if a.shape != b.shape:
        raise ArgumentError(f"x and y must embed the same samples into one space; got {a.shape} and {b.shape}.")
    a, b = unit_rows(a.double(), "x").cpu(), unit_rows(b.double(), "y").cpu()  # (N, D)
    generator = generator or torch.Generator().manual_seed(0)
    order = torch.randperm(len(a), generator=generator, device=generator.device).cpu()  # (N,)
    fitted, held_out = order[: len(a) // 2], order[len(a) // 2 :]
    accuracy = linear_probe(
        *_together(a[fitted], b[fitted]),
        *_together(a[held_out], b[held_out]),
        strengths=(STRENGTH,),
        generator=generator,
    )
    return ModalityGap(float((a.mean(dim=0) - b.mean(dim=0)).norm()), accuracy)


def _together(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of both towers `(2 n, D)` and which tower each is of."""
    return torch.cat([a, b]), torch.arange(2).repeat_interleave(len(a))
