"""What to do when training gave nothing, after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from contrapose.modalities.expected import FEW

if TYPE_CHECKING:
    from contrapose.evaluation import Gain

STYLES: Mapping[str, str] = {
    "gained": "bold green",
    "unclear": "bold yellow",
    "nothing": "bold red",
    "worse": "bold red",
}
"""How each kind of verdict is coloured on a terminal."""

STARTS: Mapping[str, str] = {"picture": "timm:NAME, hf:NAME, or ", "text": "hf:NAME, or ", "pair": "hf:NAME, or "}
"""Whose weights of others a run can start from, by what its samples are called."""


HEADS: Mapping[str, str] = {
    "frozen": "Train the encoder too (--fine-tune), train longer (--epochs), give more labels, or take another --base.",
    "tuned": "Train longer (--epochs), give more labels, or take another --base.",
    "alone": "Begin with a trained encoder (--base RUN), train longer (--epochs), or give more labels.",
}
"""What a classifier's heads stand on -> what to do where it gained nothing."""


def advised(
    gain: Gain,
    *,
    samples: int | None,
    leaked: int = 0,
    noun: str = "picture",
    learned: str | None = None,
    heads: str = "",
) -> Gain:
    """The verdict with its remedy, for a run that was trained on so many samples (None: that is not known).

    Arguments:
        noun: what one tested sample is called.
        learned: what one of those is called that were learned from; None: the same. Towers learn from pairs, and are
            asked about pictures, too.
        heads: of a classifier, what they stand on: an encoder that is `frozen`, `tuned`, or begun `alone`.
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
    if heads:
        remedy = HEADS[heads]
    elif samples is not None and samples < FEW:
        one = learned or noun
        remedy = (
            f"{samples:,} {one}s teach little from scratch: train longer, or try trained weights as a start (--init "
            f"{STARTS.get(one, '')}a long RUN on {one}s like these)."
        )
    else:
        remedy = "Train longer (--epochs), by another method (contrapose methods), or from trained weights (--init)."
    if gain.kind == "unclear":
        remedy = f"More test {noun}s narrow the intervals. {remedy}"
    return replace(gain, remedy=remedy)
