"""Are the prototypes used? How surely each row chooses one, and whether all choose the same."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array

UNIFORM = 0.99
ONE_FOR_ALL = 0.95
"""By convention: rows choose at random above 0.99 of log P; one prototype takes all above 0.95 of the rows."""


@dataclass(frozen=True)
class PrototypeUse:
    """How N rows use P prototypes (or clusters, or classes that nobody named).

    Equation: p(n, j) = softmax over j of score(n, j); entropy = mean over n of -sum_j p(n, j) log p(n, j);
    largest_share = the share of rows whose best prototype is the most popular one.

    Arguments:
        prototypes: P.
        entropy: of a row's assignment, in nats: 0 when every row is sure, log P when the prototypes look alike to it.
        largest_share: 1 / P at best, 1 when all rows choose the same.

    Closed form: equal scores give log P. Paper: both failures are those that the balanced assignment of Caron et al.
    2020, arXiv 2006.09882, is there to prevent.
    """

    prototypes: int
    entropy: float
    largest_share: float

    @classmethod
    def of(cls, scores: Array) -> PrototypeUse:
        """Measured on the scores of a batch. NaN or infinite scores make both numbers NaN.

        Shapes:
            scores: `(N, P)` logits: similarities, already divided by the temperature. P >= 2.

        Errors:
            ArgumentError: another shape.
        """
        logits = torch.as_tensor(scores).detach().double()  # (N, P)
        if logits.ndim != 2 or len(logits) == 0 or logits.shape[1] < 2:
            raise ArgumentError(
                f"Prototype scores must be (N, P), a column for each of at least 2; got {tuple(logits.shape)}."
            )
        count = logits.shape[1]
        if not bool(torch.isfinite(logits).all()):
            return cls(count, math.nan, math.nan)
        log_p = torch.log_softmax(logits, dim=1)  # (N, P)
        entropy = -(log_p.exp() * log_p).sum(dim=1).mean()  # (N, P) -> (N,) -> ()
        chosen = torch.bincount(logits.argmax(dim=1), minlength=count)  # (P,)
        return cls(count, float(entropy), float(chosen.max()) / len(logits))

    def warning(self) -> str | None:
        """What is wrong, with its remedy, or None."""
        largest = math.log(self.prototypes)
        if self.entropy >= UNIFORM * largest:
            return (
                f"uniform prototypes: every sample is assigned to all {self.prototypes:,} alike (entropy "
                f"{self.entropy:.3g} of ln {self.prototypes} = {largest:.3g}). Lower the temperature of the scores; "
                "check that the prototypes start at random and get a gradient."
            )
        if self.largest_share >= ONE_FOR_ALL:
            return (
                f"one prototype for all: {self.largest_share:.0%} of the samples choose the same of "
                f"{self.prototypes:,}. Balance the assignments (Sinkhorn, or an entropy term), or centre the scores."
            )
        return None
