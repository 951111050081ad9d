"""What training can give, before it: from how many pictures; and what to do when it gave nothing, after it.

The figures are measured: 541 photographs of blood cells, and 4,000 pictures of CIFAR-10, with the methods' defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contrapose.evaluation import Gain

FEW = 2000
"""Below so many photographs training from scratch is not known to gain anything."""

MODEST = 10_000
"""Below so many it gains something, which should be expected to be modest."""

STYLES: Mapping[str, str] = {
    "gained": "bold green",
    "unclear": "bold yellow",
    "nothing": "bold red",
    "worse": "bold red",
}
"""How each kind of verdict is coloured on a terminal."""


def expected_gain(samples: int) -> str | None:
    """What so few photographs can give when training starts from scratch; None where they are not few."""
    if samples < FEW:
        return (
            f"{samples:,} photographs are few to learn from scratch: 541 of them and 50 epochs gave a kNN of 31.7 %, "
            "the untrained encoder 31.7 %. Trained weights are worth trying: --init timm:NAME, hf:NAME, or a long RUN "
            "on pictures like these (a short one on others was no better a start than none)."
        )
    if samples < MODEST:
        return (
            f"{samples:,} photographs can teach something, not much: 4,000 of CIFAR-10 and 12 epochs gave 6.8 points "
            "over the untrained encoder (probe with five labels a class). More epochs help; trained weights are "
            "worth trying: --init timm:NAME, hf:NAME or a RUN."
        )
    return None


def advised(gain: Gain, *, samples: int | None, leaked: int = 0, noun: str = "picture") -> Gain:
    """The verdict with its remedy, for a run that was trained on so many samples (None: that is not known).

    Arguments:
        noun: what one sample is called.
        leaked: test samples that are in the labelled data too: the verdict is then no more than unclear.
    """
    if leaked:
        sentence = (
            f"Whether training gained anything cannot be said: test {noun}s are also in --data, and a copy is found by "
            "any encoder."
        )
        return replace(gain, kind="unclear", sentence=sentence, remedy=f"Test on {noun}s that are not in --data.")
    if gain.kind == "gained" or gain.remedy:
        return gain
    if samples is not None and samples < FEW:
        remedy = (
            f"{samples:,} {noun}s teach little from scratch: train longer, or try trained weights as a start (--init "
            f"{'timm:NAME, ' if noun == 'picture' else ''}hf:NAME, or a long RUN on {noun}s like these)."
        )
    else:
        remedy = "Train longer (--epochs), by another method (contrapose methods), or from trained weights (--init)."
    if gain.kind == "unclear":
        remedy = f"More test {noun}s narrow the intervals. {remedy}"
    return replace(gain, remedy=remedy)
