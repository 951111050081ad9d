"""Is training healthy? A few numbers of one batch of embeddings, a line for the console, and a verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from contrapose.evaluation.gram import entropy_rank, singular_values
from contrapose.evaluation.inputs import Array, as_rows
from contrapose.evaluation.prototypes import PrototypeUse
from contrapose.evaluation.similarity import directions, unit_rows
from contrapose.words import counted

COMPLETE_COLLAPSE = 0.1
DIMENSIONAL_COLLAPSE = 0.1
RANK_ONE = 1.5
AT_CHANCE = 0.02
"""By convention: spread below 0.1; effective rank below a tenth of what fits, or below 1.5 where 4 or more fit; loss
within 2 % of chance."""

CHANCE_REMEDY = (
    "Check that the views of a sample still show the same thing and are paired in order; then raise the learning rate "
    "or lower the temperature."
)
LABELS_REMEDY = (
    "Check that the labels belong to their samples, and that the encoder knows such samples; then raise the learning "
    "rate, or train a frozen encoder too (--fine-tune)."
)


def spread(z: Array) -> float:
    """How far unit rows scatter, per dimension: 1 when isotropic, 0 when they are all equal.

    Equation: sqrt(D) * mean over d of sd over n of (z_n / ||z_n||)_d, with the population standard deviation
    (divisor N), so that it never exceeds 1.

    Shapes:
        z: `(N, D)`, N >= 2.

    Errors:
        ArgumentError: fewer than 2 rows, NaN or infinite rows, rows that are all zeros.

    Closed form: rows +e_1, -e_1, ..., +e_D, -e_D give 1; equal rows give 0; isotropic rows tend to 1.
    Paper: the collapse measure of Chen and He 2021, arXiv 2011.10566 (section 4.1), times sqrt(D).
    """
    return _spread(unit_rows(as_rows(z, "z", minimum=2), "z"))


def effective_rank(z: Array) -> float:
    """How many dimensions the rows use: the exponential of the entropy of their singular values (RankMe).

    Equation: exp(-sum_k p_k log p_k), p_k = s_k / sum_j s_j + 1e-7, s_k the min(N, D) singular values of the
    raw matrix, neither centred nor normalised. They come from the float64 Gram matrix of the smaller side;
    values below 1e-7 or so of the largest are lost in it and count as 0.

    Shapes:
        z: `(N, D)`, N >= 2.

    Errors:
        ArgumentError: fewer than 2 rows, NaN or infinite rows.

    Closed form: orthonormal rows give min(N, D); rank one gives 1; scaling changes nothing; a matrix of zeros
    gives 0. It compares runs of one method, and promises nothing about accuracy.
    Paper: Garrido et al. 2023, arXiv 2210.02885 (25,600 rows there); Roy and Vetterli 2007.
    """
    return _effective_rank(as_rows(z, "z", minimum=2))


@dataclass(frozen=True)
class Health:
    """What one batch says about a run; cheap enough to be asked for every few steps.

    Arguments:
        negatives_per_anchor: mean number of negatives of an anchor; None for methods that have none.
        spread, effective_rank: as the functions of that name; NaN when the embeddings are not finite.
        dimension: D.
        loss: of the same batch.
        chance: loss of an encoder that tells nothing apart, e.g. log(M) for InfoNCE; None when there is no
            such value.
        rows: N; None when unknown. The effective rank cannot exceed min(N, D).
        norm: mean length of a row, before anything normalises it; None when unknown.
        prototypes: how the batch uses the learner's prototypes; None when it has none.
        contrasts: whether samples are told apart from one another. Embeddings that tell classes apart need no more
            dimensions than there are classes, and other remedies.
    """

    negatives_per_anchor: float | None
    spread: float
    effective_rank: float
    dimension: int
    loss: float
    chance: float | None = None
    rows: int | None = None
    norm: float | None = None
    prototypes: PrototypeUse | None = None
    contrasts: bool = True

    @classmethod
    def measure(
        cls,
        z: Tensor,
        *,
        loss: float | Tensor,
        negatives_per_anchor: float | None,
        chance: float | None = None,
        prototype_scores: Tensor | None = None,
        contrasts: bool = True,
    ) -> Health:
        """Health of embeddings `(..., D)`; all leading dimensions, e.g. `(V, B)`, are rows.

        Unlike `spread`, it takes bad rows as findings and not as errors, since it is asked in the middle of a
        run: NaN or infinity makes the numbers NaN, a zero row stays zero.

        Arguments:
            prototype_scores: `(N, P)` logits of the same or other rows, for learners with prototypes.
        """
        flat = z.detach().reshape(-1, z.shape[-1])  # (N, D)
        flat = flat if flat.dtype == torch.float64 else flat.float()
        finite = bool(torch.isfinite(flat).all())
        return cls(
            negatives_per_anchor=negatives_per_anchor,
            spread=_spread(directions(flat)[0]) if finite else math.nan,
            effective_rank=_effective_rank(flat) if finite else math.nan,
            dimension=flat.shape[1],
            loss=float(torch.as_tensor(loss).detach()),
            chance=chance,
            rows=flat.shape[0],
            norm=float(flat.norm(dim=1).mean()) if finite else math.nan,  # (N, D) -> (N,) -> number
            prototypes=None if prototype_scores is None else PrototypeUse.of(prototype_scores),
            contrasts=contrasts,
        )

    @property
    def largest_rank(self) -> int:
        """The effective rank of embeddings that use everything: min(N, D)."""
        return self.dimension if self.rows is None else min(self.rows, self.dimension)

    def line(self) -> str:
        """One line for the console."""
        parts = [
            f"spread {self.spread:.2f} (1 = isotropic)",
            f"effective rank {self.effective_rank:.0f} of {self.largest_rank}",
            f"loss {self.loss:.3g}" + ("" if self.chance is None else f" (chance {self.chance:.3g})"),
        ]
        if self.negatives_per_anchor is not None:
            number = float(self.negatives_per_anchor)
            told = counted(int(number), "negative") if number.is_integer() else f"{number:,.1f} negatives"
            parts.insert(0, f"{told} per anchor")
        return "health: " + " · ".join(parts)

    @property
    def at_chance(self) -> bool:
        """Whether the loss is what guessing costs, within 2 %, or more than that."""
        return self.chance is not None and at_chance(self.loss, self.chance)

    def warning(self) -> str | None:
        """The gravest finding with its remedy, or None.

        A loss at chance is normal in the first steps: ask later. It comes after everything in `collapse`.
        """
        if found := self.collapse():
            return found
        if self.chance is not None and self.at_chance:
            return (
                f"loss at chance: {self.loss:.3g}, and {in_words(self.chance)} is what guessing costs. "
                f"{self.chance_remedy}"
            )
        return None

    @property
    def chance_remedy(self) -> str:
        """What to do about a loss at chance."""
        return CHANCE_REMEDY if self.contrasts else LABELS_REMEDY

    def collapse(self) -> str | None:
        """The gravest finding in the embeddings themselves with its remedy, or None.

        Non-finite numbers come before complete collapse (spread below 0.1), dimensional collapse (effective rank below
        a tenth of min(N, D), or next to 1) and prototypes that are all alike or all but one unused.
        """
        if not all(map(math.isfinite, (self.spread, self.effective_rank, self.loss))):
            return (
                f"not finite: the embeddings or the loss ({self.loss:g}) hold NaN or infinity. Go back to "
                "the last checkpoint; lower the learning rate, clip gradients, or leave float16 for bfloat16."
            )
        if self.spread < COMPLETE_COLLAPSE:
            remedy = (
                "Lower the learning rate and put batch normalisation into the projection head; without negatives, "
                "check that the target branch passes no gradient."
                if self.contrasts
                else "The encoder may not know such samples: take another one, or lower the learning rate where it is "
                "trained."
            )
            return (
                f"complete collapse: every input gets nearly the same embedding (spread {self.spread:.2f}, "
                f"1 = isotropic). {remedy}"
            )
        if not self.contrasts:
            return None
        rank_one = self.effective_rank < RANK_ONE and self.largest_rank >= 4
        if rank_one or self.effective_rank < DIMENSIONAL_COLLAPSE * self.largest_rank:
            return (
                f"dimensional collapse: the embeddings use {self.effective_rank:.1f} of {self.largest_rank} "
                "dimensions. Weaken the augmentation, take a larger batch or more negatives, or evaluate the "
                "backbone instead of the projection head."
            )
        return None if self.prototypes is None else self.prototypes.warning()


def at_chance(loss: float, chance: float) -> bool:
    """Whether a loss tells no more than guessing: within 2 % of its chance value, or above it."""
    return loss >= chance - AT_CHANCE * abs(chance)


def in_words(chance: float) -> str:
    """`ln 511 = 6.24` where the value is the logarithm of a whole number, as of a softmax over 511; else the number."""
    candidates = math.exp(chance) if 0 < chance < 20 else 0.0
    whole = round(candidates)
    exact = whole >= 2 and math.isclose(candidates, whole, rel_tol=1e-9)
    return f"ln {whole} = {chance:.3g}" if exact else f"{chance:.3g}"


def _spread(unit: Tensor) -> float:
    return float(unit.std(dim=0, correction=0).mean() * math.sqrt(unit.shape[1]))  # (N, D) -> (D,) -> number


def _effective_rank(rows: Tensor) -> float:
    return entropy_rank(singular_values(rows))
