"""How well two representations are separated: what each knows of its own factor, less what it gives away of the
other's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows
from contrapose.evaluation.labels import Labels
from contrapose.evaluation.linear_probe import STRENGTHS, linear_probe
from contrapose.evaluation.metric import Metric


@dataclass(frozen=True)
class Spaces:
    """Samples in a common and a salient space, with a factor of each.

    Shapes:
        common: `(N, Dc)`; salient: `(N, Ds)`; common_factor, salient_factor: `(N,)` classes.

    Errors:
        ArgumentError: other numbers of rows; see `separation` for the rest.
    """

    common: Array
    salient: Array
    common_factor: Labels
    salient_factor: Labels

    def __post_init__(self) -> None:
        counts = [len(part) for part in (self.common, self.salient, self.common_factor, self.salient_factor)]
        if len(set(counts)) > 1:
            raise ArgumentError(
                "Both spaces and both factors must be of the same samples; got "
                f"{counts[0]} common and {counts[1]} salient rows, {counts[2]} and {counts[3]} classes."
            )


@dataclass(frozen=True)
class Separation:
    """Four probes and what they come to.

    Arguments:
        score: what each space knows of its own factor less what it leaks of the other's, in [-2, 2].
        common, salient: accuracy of each space on its own factor; high is good.
        common_leak: accuracy of the common space on the salient factor; chance is good. `salient_leak`: the other way.
    """

    score: Metric
    common: Metric
    salient: Metric
    common_leak: Metric
    salient_leak: Metric


def separation(
    train: Spaces,
    test: Spaces,
    *,
    strengths: Sequence[float] = STRENGTHS,
    generator: torch.Generator | None = None,
) -> Separation:
    """Linear probes from each space to each factor, and the score of all four.

    Equation: score = acc(salient -> its factor) + acc(common -> its factor) - acc(salient -> the common factor) -
    acc(common -> the salient factor), taken sample by sample, so that the interval is that of the whole. High accuracy
    on a space's own factor alone says nothing of separation: one encoder for everything has it too, and score 0.

    Give targets alone: only they have a salient factor.

    Arguments:
        train, test: rows to learn probes on and rows to score.
        strengths: as in `fit_linear_probe`.
        generator: cuts validation splits, then draws intervals; None is a fresh one with seed 0.

    Errors:
        ArgumentError: spaces of another length in train and test, and what `linear_probe` refuses.

    Closed form: perfectly separated spaces have 2 - 1/K - 1/L with K and L balanced classes of the factors; swapped
    ones minus that; two copies of one space 0. Protocol after Louiset et al. 2024, arXiv 2402.11928, who print the four
    accuracies; the score is ours.
    """
    generator = generator or torch.Generator().manual_seed(0)

    def probed(name: str, space: str, factor: str) -> Metric:
        rows, queries = getattr(train, space), getattr(test, space)
        if as_rows(rows, space).shape[1] != as_rows(queries, space).shape[1]:
            raise ArgumentError(f"{space} rows of train and test must have the same length: embed both alike.")
        found = linear_probe(
            rows,
            getattr(train, f"{factor}_factor"),
            queries,
            getattr(test, f"{factor}_factor"),
            strengths=strengths,
            generator=generator,
        )
        return Metric(name, found.value, found.low, found.high, found.protocol, found.count, True, found.items)

    four = {
        name: probed(words, space, factor)
        for name, words, space, factor in (
            ("common", "common factor from the common space", "common", "common"),
            ("salient", "salient factor from the salient space", "salient", "salient"),
            ("common_leak", "salient factor from the common space", "common", "salient"),
            ("salient_leak", "common factor from the salient space", "salient", "common"),
        )
    }
    items = (
        _items(four["common"]) + _items(four["salient"]) - _items(four["common_leak"]) - _items(four["salient_leak"])
    )
    protocol = f"accuracies of the own factors less those of the other's; {four['salient'].protocol}"
    score = Metric.from_items("separation", items, protocol=protocol, percent=False, generator=generator)
    return Separation(score, **four)


def _items(metric: Metric) -> np.ndarray:
    assert metric.items is not None, "an accuracy is a mean over items"
    return metric.items
