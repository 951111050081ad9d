"""Did training gain anything over encoders that learned nothing? One word for programs, one sentence for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from contrapose.evaluation.metric import Metric
from contrapose.evaluation.paired import metric_difference
from contrapose.evaluation.proportions import Interval

Kind = Literal["gained", "unclear", "nothing", "worse"]

HEADLINES = (
    "one-shot",
    "nested SVM, balanced",
    "nested SVM",
    "accuracy, balanced",
    "accuracy",
    "kNN, balanced",
    "linear probe, balanced",
    "kNN",
    "linear probe",
    "mIoU",
    "MAE",
    "Spearman, all",
    "Spearman, mean",
    "Spearman",
    "paraphrase nearer",
    "MRR",
    "NDCG@20",
    "recall@1 by words",
    "recall@1 by picture",
    "found again, mean",
)
"""Metrics that are judged by; the balanced ones stand for the plain ones where they were measured."""

EASY = "Test on something harder."

WIDE = 0.15
"""Half a paired interval of more than so many (15 points; of an error, 15 % of the floor's) cannot tell "nothing" from
"much"."""


@dataclass(frozen=True)
class Gain:
    """Whether training gained anything over its floors.

    Arguments:
        kind: `"gained"`: above every floor in one headline metric at least and below none in another; `"worse"`: below
            a floor, and above all floors in no metric; `"nothing"`: not above the untrained encoder in any metric, by
            intervals that would show it; `"unclear"`: the rest.
        sentence: the same in words, with the numbers.
        remedy: what to do, in a sentence; empty where training gained.
    """

    kind: Kind
    sentence: str
    remedy: str = ""

    @property
    def text(self) -> str:
        """The sentence and the remedy."""
        return f"{self.sentence} {self.remedy}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `Gain(**gain.to_dict())` is the gain again."""
        return {"kind": self.kind, "sentence": self.sentence, "remedy": self.remedy}


def gain_over(
    trained: Mapping[str, Metric],
    floors: Mapping[str, Mapping[str, Metric]],
    shares: Mapping[str, Mapping[str, Metric]] | None = None,
) -> Gain | None:
    """Judge a trained encoder against floors over the same items, by paired 95 % intervals.

    Arguments:
        trained: name -> metric.
        floors: arm -> name -> metric, e.g. of the untrained encoder and of raw pixels.
        shares: of floors that were measured on a share of the samples: arm -> what the trained encoder scores on it.

    Returns None where there are no floors, or no headline metric that can be paired with theirs.
    """
    gains = {
        name: {
            arm: found
            for arm, metrics in floors.items()
            if (found := _difference((shares or {}).get(arm, trained), metrics, name)) is not None
        }
        for name in _headlines(trained)
    }
    gains = {name: of for name, of in gains.items() if of}
    if not gains:
        return None
    above = [name for name, of in gains.items() if all(gap.low > 0 for gap in of.values())]
    below = [name for name, of in gains.items() if any(gap.high < 0 for gap in of.values())]
    first = next(iter(gains))
    count = f"{trained[first].count:,} tests"
    if above and not below:
        return Gain("gained", f"Training gained: {_told(above[0], trained, gains)}.")
    if below and not above:
        return Gain("worse", f"{_worse(gains[below[0]])}: {_told(below[0], trained, gains)}.")
    if above and below:
        told = "; ".join(_told(name, trained, gains) for name in (above[0], below[0]))
        return Gain("unclear", f"Training gained in one respect and lost in another: {told}.")
    told = _told(first, trained, gains)
    if all(_perfect(floors[next(iter(of))][name]) for name, of in gains.items()):
        return Gain("unclear", f"Nothing can be gained here: {next(iter(gains[first]))} is right in all {count}.", EASY)
    # the first floor of each: the untrained encoder
    nearest = [(next(iter(of.values())), _scale(floors[next(iter(of))][name])) for name, of in gains.items()]
    if all(gap.low <= 0 and gap.high - gap.low <= 2 * WIDE * scale for gap, scale in nearest):
        return Gain("nothing", f"Training gained nothing that {count} can show: {told}.")
    return Gain("unclear", f"Whether training gained anything is not resolved by {count}: {told}.")


def _worse(gaps: Mapping[str, Interval]) -> str:
    """That a floor is above: of the untrained encoder, or, where training gained over it, of what needs none."""
    if gaps[next(iter(gaps))].low <= 0:
        return "Training made it worse than learning nothing"
    above = ", ".join(arm for arm, gap in gaps.items() if gap.high < 0)
    return f"Training gained over the untrained encoder, and yet {above}, without an encoder, is better"


def _headlines(trained: Mapping[str, Metric]) -> list[str]:
    """Those that are judged by; of several questions (`accuracy of topic`) those of each."""
    plain = {name: re.sub(r" of [^,]*", "", name) for name in trained}
    found = sorted(
        (name for name in trained if plain[name] in HEADLINES), key=lambda name: HEADLINES.index(plain[name])
    )
    return [name for name in found if f"{name}, balanced" not in found]


def _difference(trained: Mapping[str, Metric], floor: Mapping[str, Metric], name: str) -> Interval | None:
    """How much better the trained encoder is: of an error, by how much it is lower."""
    if name not in floor:
        return None
    mine, other = trained[name], floor[name]
    return metric_difference(mine, other) if mine.sign > 0 else metric_difference(other, mine)


def _perfect(metric: Metric) -> bool:
    """Whether nothing can be better."""
    return metric.value == 1 if metric.percent else metric.sign < 0 and metric.value == 0


def _scale(metric: Metric) -> float:
    """What differences are large or small against."""
    return 1.0 if metric.percent else abs(metric.value)


def _told(name: str, trained: Mapping[str, Metric], gains: Mapping[str, Mapping[str, Interval]]) -> str:
    """`kNN 41.0 %, +9.3 points [+5.2, +13.4] over untrained, +2.0 [-1.0, +5.0] over raw pixels`; of an error `MAE 3.2,
    -1.1 [-1.4, -0.8] against untrained, ... (less is better)`."""
    metric = trained[name]
    if not metric.percent:
        sign = metric.sign or 1
        apart = {arm: sorted(sign * end for end in (gap.low, gap.high)) for arm, gap in gains[name].items()}
        parts = [
            f"{sign * gains[name][arm].value:+.4g} [{low:+.4g}, {high:+.4g}] against {arm}"
            for arm, (low, high) in apart.items()
        ]
        return f"{name} {metric.value:.4g}, {', '.join(parts)} ({'less' if sign < 0 else 'more'} is better)"
    parts = [
        f"{100 * gap.value:+.1f}{' points' * (not number)} [{100 * gap.low:+.1f}, {100 * gap.high:+.1f}] over {arm}"
        for number, (arm, gap) in enumerate(gains[name].items())
    ]
    return f"{name} {100 * metric.value:.1f} %, {', '.join(parts)}"
