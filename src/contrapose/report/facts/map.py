"""The map: embeddings in two dimensions, in groups by class and by cluster."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from jaxtyping import Float

from contrapose.data.samples import evenly_spaced
from contrapose.evaluation.inputs import as_rows
from contrapose.evaluation.similarity import unit_rows
from contrapose.report.embedded import Embedded
from contrapose.report.page import Absent, Group, Map, Point
from contrapose.words import counted

MOST_POINTS = 1000
MOST_GROUPS = 10  # as many colours and shapes as can be told apart
OTHER = MOST_GROUPS  # the slot of all smaller classes
FEWEST = 10  # below it t-SNE has no neighbourhoods to keep
NEIGHBOURS = 8  # of a pinned point
PERPLEXITY = 30  # scikit-learn's default, van der Maaten and Hinton 2008 advise 5 to 50


def map_of(samples: Embedded, *, seed: int = 0) -> Map | Absent:
    """t-SNE of the unit rows, started from their principal components; k-means on the unit rows.

    Arguments:
        samples: more than 1,000 are thinned out evenly.
        seed: of t-SNE and of k-means.

    Errors:
        ArgumentError: rows that are NaN, infinite or all zeros.
    """
    rows = evenly_spaced(len(samples), MOST_POINTS)
    if len(rows) < FEWEST:
        return Absent(f"A map needs {FEWEST} samples at least; the data has {len(rows)}. Give more with --data.")
    unit = unit_rows(as_rows(samples.embeddings[rows], "embeddings").double(), "embeddings").numpy()  # (n, D)
    places, method = project(unit, seed)
    clusters = _cluster(unit, seed)
    labels = None if samples.labels is None else [samples.label(row) for row in rows]
    known = [label for label in labels or () if label is not None]
    classes = [] if labels is None else group_classes(known, unlabelled=len(labels) - len(known))
    slots = {group.name: group.slot for group in classes}
    near = _nearest(unit)
    points = [
        Point(
            x=float(places[number, 0]),
            y=float(places[number, 1]),
            card=samples.card(row),
            name=str(samples.names[row]),
            label=samples.label(row),
            label_slot=0 if labels is None else slots.get(labels[number] or "", OTHER),
            cluster_slot=int(clusters[number]),
            near=near[number],
        )
        for number, row in enumerate(rows.tolist())
    ]
    counts = np.bincount(clusters)
    legend = [Group(f"cluster {slot + 1}", slot, int(count)) for slot, count in enumerate(counts)]
    shown = f"{len(rows):,} of {len(samples):,} samples, evenly spaced. " if len(rows) < len(samples) else ""
    return Map(points, shown + method, legend, classes, sorted(set(known), key=natural))


def _nearest(unit: Float[np.ndarray, "N D"]) -> list[list[tuple[int, float]]]:
    """For each row its eight nearest others and their cosines, nearest first."""
    cosines = unit @ unit.T  # (N, N), N at most 1,000
    np.fill_diagonal(cosines, -np.inf)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, : min(NEIGHBOURS, len(unit) - 1)]  # (N, k)
    return [[(int(other), float(cosines[row, other])) for other in others] for row, others in enumerate(order)]


def project(unit: Float[np.ndarray, "N D"], seed: int) -> tuple[Float[np.ndarray, "N 2"], str]:
    """Unit rows as places on a plane, and how that was done, in words."""
    from sklearn.manifold import TSNE

    # a third of the rows at most: each row's neighbourhood has to leave somebody outside
    perplexity = min(PERPLEXITY, (len(unit) - 1) / 3)
    if float(np.ptp(unit, axis=0).max()) == 0.0:
        return np.zeros((len(unit), 2)), "All embeddings are equal, so they share one place."
    method = (
        f"t-SNE (perplexity {perplexity:.3g}, started from the principal components, seed {seed}: the same embeddings "
        "give the same map). Near points are near in the embedding; distances between far groups mean nothing."
    )
    if unit.shape[1] < 2:
        return np.column_stack([unit[:, 0], np.zeros(len(unit))]), "The embeddings have one dimension, drawn as it is."
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(unit), method


def group_classes(labels: list[str], *, unlabelled: int = 0) -> list[Group]:
    """The ten largest classes with a colour and a shape each, and the rest as one group; by name within the ten.

    Samples without a label are no class: they are in the rest.
    """
    counts = Counter(labels)
    largest = sorted(sorted(counts, key=lambda name: (-counts[name], natural(name)))[:MOST_GROUPS], key=natural)
    groups = [Group(name, slot, counts[name]) for slot, name in enumerate(largest)]
    rest = len(labels) - sum(group.count for group in groups)
    others = counted(len(counts) - MOST_GROUPS, "other class", "other classes")
    names = [others] * bool(rest) + ["not labelled"] * bool(unlabelled)
    return [*groups, Group(", ".join(names), OTHER, rest + unlabelled)] if names else groups


def natural(name: str) -> list[tuple[int, int | str]]:
    """A key that sorts `class 2` before `class 10`."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", name) if part]


def _cluster(unit: Float[np.ndarray, "N D"], seed: int) -> np.ndarray:
    """Cluster numbers `(N,)`, the largest cluster first."""
    from sklearn.cluster import KMeans

    distinct = len(np.unique(unit, axis=0))
    count = max(1, min(MOST_GROUPS, len(unit) // 10, distinct))
    found = KMeans(count, n_init=10, random_state=seed).fit_predict(unit)  # (N,)
    order = np.argsort(-np.bincount(found, minlength=count), kind="stable")
    return np.argsort(order)[found]
