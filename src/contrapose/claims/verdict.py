"""From predictions and results to a verdict in one of three words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from contrapose.claims.claim import Claim, Prediction
from contrapose.claims.results import Results, seed_interval

Word = Literal["reproduced", "not resolved", "refuted"]


@dataclass(frozen=True)
class Finding:
    """What became of one prediction.

    Arguments:
        value, low, high: mean over seeds with its 95 % interval.
        each: the number of each seed.
        word: for a mechanism "reproduced" means that it holds in every seed, "refuted" that it fails in one.
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

    reproduced: low > threshold      refuted: high < threshold      not resolved: the interval holds it
    """
    each = np.asarray(prediction.value(results), dtype=np.float64)  # (S,)
    value, low, high = seed_interval(each)
    if prediction.role == "mechanism":
        word: Word = "reproduced" if bool((each > prediction.threshold).all()) else "refuted"
    else:
        word = (
            "reproduced" if low > prediction.threshold else "refuted" if high < prediction.threshold else "not resolved"
        )
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
    """Of the claim: reproduced if all its predictions are, refuted if one of them is, else not resolved."""
    words = [finding.word for finding in findings if finding.role == "claim"]
    if all(word == "reproduced" for word in words):
        return "reproduced"
    return "refuted" if "refuted" in words else "not resolved"


def findings_of(claim: Claim, results: Results) -> list[Finding]:
    """Every prediction of the claim, judged."""
    return [judge(prediction, results) for prediction in claim.predictions]
