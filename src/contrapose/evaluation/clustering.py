"""Clustering: do the groups that k-means finds without labels agree with the labels?"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows, positive_integer
from contrapose.evaluation.labels import Classes, Labels, label_array
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.similarity import unit_rows


class Agreement(NamedTuple):
    """How far a clustering agrees with labels: NMI and ARI (1 = up to renaming), and accuracy of the best renaming."""

    nmi: float
    ari: float
    accuracy: float


def agreement(clusters: Labels, labels: Labels) -> Agreement:
    """Compares two partitions of the same items, whatever their groups are called.

    Equation: NMI = I(c; y) / ((H(c) + H(y)) / 2); ARI = (pairs on which both agree - expected) / (largest - expected);
    accuracy = the share of items on the best one-to-one matching of clusters to classes (Hungarian method).

    Shapes:
        clusters, labels: `(N,)`, N >= 2.

    Errors:
        ArgumentError: two lengths, fewer than 2 items, labels of one class only.

    Closed form: labels renamed give 1, 1, 1; a single cluster gives NMI = ARI = 0 and the share of the largest class.
    Papers: Hubert and Arabie 1985 (ARI), https://doi.org/10.1007/BF01908075; Vinh et al. 2010 (NMI), JMLR 11.
    """
    count = len(labels)
    if count < 2:
        raise ArgumentError(f"agreement needs 2 items at least; got {count}.")
    truth = Classes.of(labels, count, "labels").codes
    found = np.unique(label_array(clusters, count, "clusters"), return_inverse=True)[1].reshape(-1)
    return _agreement(truth, found, _matched(truth, found))


def _agreement(truth: np.ndarray, found: np.ndarray, matched: np.ndarray) -> Agreement:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    return Agreement(
        nmi=float(normalized_mutual_info_score(truth, found)),
        ari=float(adjusted_rand_score(truth, found)),
        accuracy=float(matched.mean()),
    )


def _matched(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Which items lie in the cluster that their class was matched with, `(N,)` booleans."""
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics.cluster import contingency_matrix

    classes, clusters = linear_sum_assignment(contingency_matrix(truth, found), maximize=True)
    partner = np.full(truth.max() + 1, -1)  # a class without a cluster of its own has no partner
    partner[classes] = clusters
    return found == partner[truth]


@dataclass(frozen=True)
class Clustering:
    """Agreement of k-means with the labels over several seeds.

    Arguments:
        mean, sd: over the seeds; the sd (divisor n - 1) is NaN for a single seed.
        per_seed: each of them, none picked.
        protocol: what has to be equal for two such results to be comparable.
        per_item: `(N,)` share of the seeds in which the item lay in the cluster matched with its class.
    """

    mean: Agreement
    sd: Agreement
    per_seed: tuple[Agreement, ...]
    protocol: str
    per_item: np.ndarray = field(compare=False, repr=False)

    def metrics(self, *, generator: torch.Generator | None = None) -> dict[str, Metric]:
        """`"NMI"` and `"ARI"` with Student's interval over the seeds, `"cluster accuracy"` with one over the items.

        Only the accuracy is a mean over items; the other two are not, so that resampling rows would bias them upwards
        (a row drawn twice agrees with itself).

        Arguments:
            generator: of the interval of the accuracy, see `bootstrap_interval`.

        Errors:
            ArgumentError: a single seed, which has no interval.
        """
        from scipy.stats import t

        seeds, rows = len(self.per_seed), len(self.per_item)
        if seeds < 2:
            raise ArgumentError("One seed of k-means has no interval over seeds. Give seeds=5.")
        found = {}
        for title, name in (("NMI", "nmi"), ("ARI", "ari")):
            mean, sd = self._of(name)
            half = float(t.ppf(0.975, seeds - 1)) * sd / math.sqrt(seeds)
            found[title] = Metric(
                title, mean, mean - half, mean + half, f"{self.protocol}, interval over seeds alone", rows
            )
        protocol = f"{self.protocol}, clusters matched with classes (Hungarian), interval over rows"
        accuracy = Metric.from_items("cluster accuracy", self.per_item, protocol=protocol, generator=generator)
        return {**found, accuracy.name: accuracy}

    def __str__(self) -> str:
        parts = (
            f"{name} {100 * self._of(name)[0]:.1f} ± {100 * self._of(name)[1]:.1f} %" for name in Agreement._fields
        )
        return ", ".join(parts) + f" (mean ± sd over {len(self.per_seed)} seeds)"

    def _of(self, name: str) -> tuple[float, float]:
        return getattr(self.mean, name), getattr(self.sd, name)


def clustering(
    z: Array,
    labels: Labels,
    *,
    clusters: int | None = None,
    seeds: int = 5,
    starts: int = 10,
    generator: torch.Generator | None = None,
) -> Clustering:
    """k-means on unit rows, compared with the labels, which it does not see.

    Shapes:
        z: `(N, D)`; labels: `(N,)`.

    Arguments:
        clusters: groups to look for; None: as many as there are classes, the usual protocol.
        seeds: independent runs whose mean and sd are reported; 5 by convention.
        starts: k-means++ starts of each run, of which the one with the least inertia (not the best agreement) counts;
            10, as scikit-learn used to do by default.
        generator: source of the seeds; None is a fresh one with seed 0.

    Errors:
        ArgumentError: one class only, more clusters than rows, NaN or infinite rows, rows that are all zeros.

    Closed form: separated clusters give 1, 1, 1; rows without structure NMI near 0 (above it for few rows), ARI 0.
    """
    from sklearn.cluster import KMeans

    unit = unit_rows(as_rows(z, "z", minimum=2).double(), "z").cpu().numpy()  # (N, D)
    classes = Classes.of(labels, len(unit), "labels")
    count = len(classes) if clusters is None else positive_integer(clusters, "clusters")
    if count > len(unit):
        raise ArgumentError(f"clusters must be at most the {len(unit)} rows; got {count}.")
    starts, seeds = positive_integer(starts, "starts"), positive_integer(seeds, "seeds")
    generator = generator or torch.Generator().manual_seed(0)
    drawn = torch.randint(2**31 - 1, (seeds,), generator=generator, device=generator.device).tolist()
    runs = [KMeans(count, n_init=starts, random_state=seed).fit_predict(unit) for seed in drawn]
    matched = [_matched(classes.codes, found) for found in runs]  # seeds × (N,)
    per_seed = tuple(_agreement(classes.codes, found, right) for found, right in zip(runs, matched, strict=True))
    table = np.array(per_seed)  # (seeds, 3)
    sd = table.std(axis=0, ddof=1) if seeds > 1 else np.full(3, np.nan)
    protocol = (
        f"k-means on unit rows, k = {count}, best inertia of {starts} k-means++ starts, {seeds} seeds, "
        f"{len(unit):,} rows, {len(classes)} classes"
    )
    return Clustering(
        Agreement(*table.mean(axis=0).tolist()), Agreement(*sd.tolist()), per_seed, protocol, np.mean(matched, axis=0)
    )
