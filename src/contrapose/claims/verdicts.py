"""From predictions and results to a verdict in one of three words, each of which speaks of this experiment alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from contrapose.claims.claim import Claim, Prediction
from contrapose.claims.results import Results, seed_interval

Word = Literal["reproduced here", "not resolved here", "contrary here"]
"""What an experiment of minutes can say of a paper: what it saw itself, at its own scale, and nothing more."""

OLD_WORDS: dict[str, Word] = {
    "reproduced": "reproduced here",
    "not resolved": "not resolved here",
    "refuted": "contrary here",
}
"""How records of format 1 call them."""


@dataclass(frozen=True)
class Finding:
    """What became of one prediction.

    Arguments:
        value, low, high: mean over seeds with its 95 % interval.
        each: the number of each seed.
        word: for a mechanism "reproduced here" means that it holds in every seed, "contrary here" that it fails in one.
    """

    statement: str
    role: str
    value: float
    low: float
    high: float
    threshold: float
    each: tuple[float, ...]
    word: Word
    percent: bool

    def text(self) -> str:
        """The number with its interval, as people write it."""
        if self.percent:
            return f"{100 * self.value:+.1f} [{100 * self.low:+.1f}, {100 * self.high:+.1f}]"
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


def judge(prediction: Prediction, results: Results) -> Finding:
    """Compare the prediction with the interval over seeds (a mechanism: with every seed).

    reproduced here: low > threshold      contrary here: high < threshold      not resolved here: the interval holds it
    """
    each = np.asarray(prediction.value(results), dtype=np.float64)  # (S,)
    value, low, high = seed_interval(each)
    if prediction.role == "mechanism":
        word: Word = "reproduced here" if bool((each > prediction.threshold).all()) else "contrary here"
    elif low > prediction.threshold:
        word = "reproduced here"
    else:
        word = "contrary here" if high < prediction.threshold else "not resolved here"
    return Finding(
        prediction.statement,
        prediction.role,
        value,
        low,
        high,
        prediction.threshold,
        tuple(each.tolist()),
        word,
        prediction.percent,
    )


def verdict(findings: Sequence[Finding]) -> Word:
    """Of the claim: reproduced here if all its predictions are, contrary here if one of them is, else not resolved."""
    words = [finding.word for finding in findings if finding.role == "claim"]
    if all(word == "reproduced here" for word in words):
        return "reproduced here"
    return "contrary here" if "contrary here" in words else "not resolved here"


def findings_of(claim: Claim, results: Results) -> list[Finding]:
    """Every prediction of the claim, judged."""
    return [judge(prediction, results) for prediction in claim.predictions]
