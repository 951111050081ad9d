"""Does a translator change what goes with the class, and keep the class? Shares of translations, by two judges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contrapose.errors import ArgumentError
from contrapose.evaluation.metric import Metric

ENOUGH = 0.8
"""Flip rate and keep rate from which on a classifier can learn from translations that the nuisance means nothing.
[design] the method's own condition, as this house states it."""


@dataclass(frozen=True)
class TranslationRates:
    """What two judges say of translations.

    Arguments:
        flip: share whose nuisance is that of the class that was asked for, of those whose picture had another.
        keep: share whose class is still that of their picture, of those that were asked for another.
    """

    flip: Metric
    keep: Metric

    @property
    def enough(self) -> bool:
        """Whether both are 80 % or more."""
        return min(self.flip.value, self.keep.value) >= ENOUGH

    @property
    def sentence(self) -> str:
        """What they mean for a classifier that learns from such translations, with a remedy where it would not."""
        if self.enough:
            return "The translator changes what goes with the class and keeps the class, as its translations should."
        if self.flip.value < ENOUGH and self.keep.value < ENOUGH:
            return (
                "The translator neither turns the nuisance reliably nor keeps the class, so nothing that is learned "
                "from its translations speaks for or against the method. Train it for longer (--translator-steps)."
            )
        if self.flip.value < ENOUGH:
            return (
                "The translator leaves the nuisance as it is too often, so its translations teach little. Train "
                "it for longer (--translator-steps), or lower --cycle-weight."
            )
        return (
            "The translator changes the class itself too often, so its translations are labelled wrongly: the nuisance "
            "may not be the easier of the two here. Raise --cycle-weight, or take fewer --translator-steps."
        )


def translation_rates(
    labels: np.ndarray,
    bias: np.ndarray,
    wanted: np.ndarray,
    tied: np.ndarray,
    *,
    judged_class: np.ndarray,
    judged_bias: np.ndarray,
    protocol: str = "",
) -> TranslationRates:
    """Flip rate and keep rate of translations x -> G(x, c).

        flip = share with judged bias = tied[c],  among those with c != y and bias of x != tied[c]
        keep = share with judged class = y,       among those with c != y

    Translations to the own class, and to a nuisance that the picture has already, have nothing to show.

    Shapes:
        labels, bias, wanted: `(N,)` y, the nuisance of x, and c; tied: `(K,)` the nuisance that goes with each class;
            judged_class, judged_bias: `(N,)` what the judges see in the translation.

    Arguments:
        protocol: who judged, in words.

    Errors:
        ArgumentError: arrays of different lengths, or too few translations to another class.

    Closed form: the identity gives a flip rate of 0 and a keep rate of 1 with perfect judges; a translator that paints
    a picture of class c from nothing, 1 and 0.
    """
    arrays = (bias, wanted, judged_class, judged_bias)
    if any(len(one) != len(labels) for one in arrays):
        raise ArgumentError(f"{len(labels)} labels came with {[len(one) for one in arrays]} of the others.")
    other = wanted != labels  # (N,)
    turned = other & (bias != tied[wanted])  # (N,)
    if other.sum() < 2 or turned.sum() < 2:
        raise ArgumentError("There are fewer than two translations to another class and nuisance: translate more.")
    how = f"; {protocol}" if protocol else ""
    return TranslationRates(
        Metric.from_items(
            "flip rate",
            (judged_bias == tied[wanted])[turned],
            protocol=f"{int(turned.sum()):,} translations to another class and nuisance{how}",
        ),
        Metric.from_items(
            "keep rate",
            (judged_class == labels)[other],
            protocol=f"{int(other.sum()):,} translations to another class{how}",
        ),
    )
