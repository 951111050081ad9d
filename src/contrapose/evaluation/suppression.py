"""Which factors of the data a representation holds: a linear probe for each, and how it does on the worst of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.bootstrap import resamples
from contrapose.evaluation.inputs import Array
from contrapose.evaluation.labels import Labels
from contrapose.evaluation.linear_probe import STRENGTHS, linear_probe
from contrapose.evaluation.metric import Metric

MEAN, MINIMUM = "mean", "minimum"
DRAWS = 1000
"""Resamples of the interval of the minimum; as of all bootstraps here."""


@dataclass(frozen=True)
class FactorProbes:
    """What linear probes read off frozen embeddings, factor by factor.

    Arguments:
        factors: test accuracy for each factor, by its name.
        mean: over the factors, with an interval over samples.
        minimum: the accuracy for the factor that is read worst. Its interval is that of the least of the factors in
            each resample of the samples, which lies a little low where several are about equally bad.
    """

    factors: Mapping[str, Metric]
    mean: Metric
    minimum: Metric

    @property
    def worst(self) -> str:
        """The factor that is read worst, the first of equals."""
        return min(self.factors, key=lambda name: self.factors[name].value)

    def metrics(self) -> dict[str, Metric]:
        """All of them, by name."""
        return {**self.factors, MEAN: self.mean, MINIMUM: self.minimum}


def factor_probes(
    known: Array,
    known_factors: Mapping[str, Labels],
    asked: Array,
    asked_factors: Mapping[str, Labels],
    *,
    strengths: Sequence[float] = STRENGTHS,
    generator: torch.Generator | None = None,
) -> FactorProbes:
    """A linear probe for each of several factors on the same embeddings.

        probe_f = test accuracy of a logistic regression for factor f
        mean = sum_f probe_f / F,   minimum = min_f probe_f

    A loss that is free to use any of several cues may leave some unlearned ("feature suppression"): the mean hides it,
    the minimum shows it. How much of what could be known is missing, `suppressed` says.

    Shapes:
        known: `(N, D)`; asked: `(T, D)`; factors: `(N,)` and `(T,)` class labels each, by the same names.

    Arguments:
        strengths: penalties of the probes to choose from, each within the known rows.
        generator: cuts the validation splits and draws the intervals; None is a fresh one with seed 0.

    Errors:
        ArgumentError: no factor, or not the same ones of known and asked rows; what `linear_probe` refuses.

    Closed form: embeddings that are the one-hot codes of all factors give 1 for each; constant ones give each factor's
    largest class, and about 1/6 for six balanced ones.

    Hermann and Lampinen, "What shapes feature representations?", NeurIPS 2020, https://arxiv.org/abs/2006.12433
    """
    if not known_factors or known_factors.keys() != asked_factors.keys():
        raise ArgumentError(
            f"The factors of the rows to learn from ({', '.join(known_factors) or 'none'}) and of those that are asked "
            f"({', '.join(asked_factors) or 'none'}) must be the same, and one at least."
        )
    generator = generator or torch.Generator().manual_seed(0)
    found: dict[str, Metric] = {}
    for name, labels in known_factors.items():
        one = linear_probe(known, labels, asked, asked_factors[name], strengths=strengths, generator=generator)
        found[name] = Metric(name, one.value, one.low, one.high, one.protocol, one.count, items=one.items)
    right = np.stack([_items(one) for one in found.values()])  # (F, T)
    what = f"linear probes for {', '.join(found)}"
    mean = Metric.from_items(MEAN, right.mean(axis=0), protocol=f"mean over {what}", generator=generator)
    return FactorProbes(found, mean, _minimum(right, f"least of {what}", generator))


def suppressed(probes: FactorProbes, references: Sequence[FactorProbes]) -> dict[str, Metric]:
    """How far each factor stays below what another representation is known to hold of it.

        suppression_f = max over references r of probe_f(r) - probe_f,   paired over the samples asked

    A reference is an encoder trained for one factor, or several of them: for each factor the best one counts.

    Errors:
        ArgumentError: no reference, or one with other factors or samples.
    """
    if not references or any(one.factors.keys() != probes.factors.keys() for one in references):
        raise ArgumentError("Give references that were probed for the same factors, one at least.")
    found = {}
    for name, own in probes.factors.items():
        best = max((reference.factors[name] for reference in references), key=lambda metric: metric.value)
        if best.count != own.count:
            raise ArgumentError(
                f"The references were asked about {best.count} samples, and this one about {own.count}."
            )
        difference = _items(best) - _items(own)  # (T,)
        found[name] = Metric.from_items(
            name, difference, protocol="best reference less it", percent=False, better="lower"
        )
    return found


def _items(metric: Metric) -> np.ndarray:
    assert metric.items is not None, "a probe is a mean of right and wrong"
    return metric.items


def _minimum(right: np.ndarray, protocol: str, generator: torch.Generator) -> Metric:
    """The least of the rows' means, with the percentiles of that in resamples of the columns."""
    rows = torch.from_numpy(right).to(generator.device)  # (F, T)
    count = right.shape[1]
    drawn = [rows[:, some].mean(dim=2).amin(dim=0) for some in resamples(count, DRAWS, generator)]  # (n,) each
    draws = torch.cat(drawn).cpu().numpy()  # (draws,)
    value = float(right.mean(axis=1).min())
    low, high = np.quantile(draws, [0.025, 0.975]).tolist()
    return Metric(MINIMUM, value, min(low, value), max(high, value), protocol, count, draws=draws)
