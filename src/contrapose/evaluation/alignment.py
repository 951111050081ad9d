"""Do views of a sample agree, and do samples spread over the sphere? The two halves of what contrast optimises."""

from __future__ import annotations

import math
import warnings
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.evaluation.gram import small_gram
from contrapose.evaluation.inputs import Array, as_rows, positive_integer, positive_number
from contrapose.evaluation.labels import Labels, label_array
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.similarity import unit_rows

TILE = (512, 4096)
"""Rows and columns of the Gram matrix at a time: 8 MB in float32, whatever N is."""


def alignment(views: Array, *, exponent: float = 2.0, generator: torch.Generator | None = None) -> Metric:
    """How far apart the views of a sample lie on the unit sphere; lower is better.

    Equation: mean over samples b and pairs of views v < w of ||z_vb - z_wb||^exponent, z of norm 1. With the
    exponent 2 it is 2 - 2 mean cosine.

    Shapes:
        views: `(V, B, D)`, V >= 2, B >= 2; row b of every view is the same sample.

    Arguments:
        exponent: 2, as in the code of the paper (SsnL/align_uniform).
        generator: of the interval over samples, see `bootstrap_interval`.

    Errors:
        ArgumentError: another shape, NaN or infinite rows, rows that are all zeros, an exponent not above 0.

    Closed form: identical views give 0, antipodal ones 4, views that know nothing of each other about 2.
    Paper: Wang and Isola 2020, arXiv 2005.10242.
    """
    unit = unit_rows(as_rows(views, "views", letters="V B D", minimum=2).double(), "views")  # (V, B, D)
    power = positive_number(exponent, "exponent")
    count = len(unit)
    distances = [
        (unit[v] - unit[w]).norm(dim=-1).pow(power)  # (B, D) -> (B,)
        for v in range(count)
        for w in range(v + 1, count)
    ]
    protocol = f"||x - y||^{power:g} of unit rows, {count} views of a sample, interval over samples"
    items = torch.stack(distances).mean(dim=0)  # (pairs, B) -> (B,)
    return Metric.from_items("alignment", items, protocol=protocol, percent=False, generator=generator)


def uniformity(z: Array, *, scale: float = 2.0) -> float:
    """How evenly unit rows cover the sphere; lower is better, `uniformity_optimum(D)` is the best for many rows.

    Equation: log of the mean over pairs i < j of exp(-scale * ||z_i - z_j||^2), z of norm 1.

    Shapes:
        z: `(N, D)`, N >= 2; time grows with N^2 D, memory (beside the rows) does not grow.

    Arguments:
        scale: the t of the paper, 2 there.

    Errors:
        ArgumentError: fewer than 2 rows, NaN or infinite rows, rows that are all zeros, a scale not above 0.

    Closed form (scale 2): equal rows give 0, two antipodal rows -8, orthonormal rows -4. Values of different D
    are not comparable; few rows can go below the optimum, since a row is never paired with itself.
    Paper: Wang and Isola 2020, arXiv 2005.10242.
    """
    unit = unit_rows(as_rows(z, "z", minimum=2), "z")  # (N, D)
    sharpness, count = positive_number(scale, "scale"), len(unit)
    total = torch.tensor(-math.inf, dtype=torch.float64, device=unit.device)
    for start in range(0, count, TILE[0]):
        rows = unit[start : start + TILE[0]]  # (n, D)
        for column in range(start, count, TILE[1]):
            tile = rows @ unit[column : column + TILE[1]].T  # (n, m)
            tile.sub_(1).mul_(2 * sharpness)  # -scale * ||z_i - z_j||^2
            if column < start + len(rows):  # only j > i counts, and here the diagonal runs through the tile
                tile.masked_fill_(torch.ones_like(tile, dtype=torch.bool).tril_(start - column), -math.inf)
            total = torch.logaddexp(total, tile.flatten().logsumexp(dim=0).double())
    return float(total) - math.log(count * (count - 1) / 2)


def uniformity_optimum(dimension: int, *, scale: float = 2.0) -> float:
    """Uniformity of infinitely many rows spread evenly over the unit sphere of `dimension` dimensions.

    Equation: -2 t + log 0F1(D / 2; t^2), with t the scale and 0F1 the confluent hypergeometric limit function.

    Arguments:
        dimension: D, at least 1.
        scale: as in `uniformity`.

    Closed form (scale 2): D = 2 gives -1.575, D = 128 gives -3.938; the limit for large D is -4.
    """
    half, t = positive_integer(dimension, "dimension") / 2, positive_number(scale, "scale")
    # the terms t^2k / ((D/2)_k k!) fall at least fourfold from k = 2 t on
    k = torch.arange(math.ceil(2 * t) + 64, dtype=torch.float64)  # (K,)
    start = torch.tensor(half, dtype=torch.float64)
    logs = 2 * k * math.log(t) - torch.lgamma(k + 1) - torch.lgamma(k + half) + torch.lgamma(start)
    return -2 * t + float(logs.logsumexp(dim=0))


def tolerance(z: Array, labels: Labels, *, normalise: Literal["pairs", "all"] = "pairs") -> float:
    """Mean cosine between rows of the same class: high tolerance with poor uniformity means clumped.

    Equation: sum over ordered pairs i != j of equal label of z_i . z_j, z of norm 1, over the number of such pairs
    ("pairs"), or over the N (N - 1) pairs of all rows ("all"). No pair is formed: the sum over the pairs of a class is
    the squared norm of its summed rows, less one for each row.

    Shapes:
        z: `(N, D)`; labels: `(N,)`. Classes with one member have no pairs and are left out, with a warning.

    Arguments:
        normalise: "pairs", the mean within classes. "all" reads the paper's formula by the letter, an expectation over
            all pairs with an indicator inside: the former times the share of pairs with equal labels (about 1 / C for C
            classes of one size), so that data sets of different classes cannot be compared.

    Errors:
        ArgumentError: no class with two members, and what `uniformity` refuses; labels of another length; another word
            for `normalise`.

    Closed form: equal rows inside each class give 1; isotropic rows tend to 0. Range [-1, 1].
    Paper: Wang and Liu 2021, arXiv 2012.09740.
    """
    if normalise not in ("pairs", "all"):
        raise ArgumentError(f"Unknown normalise {normalise!r}.{did_you_mean(str(normalise), ('pairs', 'all'))}")
    unit = unit_rows(as_rows(z, "z", minimum=2).double(), "z")  # (N, D)
    _, codes, sizes = np.unique(label_array(labels, len(unit), "labels"), return_inverse=True, return_counts=True)
    alone = int((sizes == 1).sum())
    if alone == len(sizes):
        raise ArgumentError(
            "tolerance needs a class with two rows at least; every label occurs once. Check the labels."
        )
    if alone:
        warnings.warn(f"{alone} of {len(sizes)} classes have one member and no pairs: left out.", stacklevel=2)
    members = torch.from_numpy(codes.reshape(-1)).to(unit.device)  # (N,)
    sums = unit.new_zeros(len(sizes), unit.shape[1]).index_add_(0, members, unit)  # (classes, D)
    pairs = int((sizes * (sizes - 1)).sum()) if normalise == "pairs" else len(unit) * (len(unit) - 1)
    return float((sums.square().sum() - len(unit)) / pairs)


class Cosines(NamedTuple):
    """Cosines of all pairs of different rows, and the lengths of the rows.

    Arguments:
        mean, sd: of the cosines; isotropic rows have mean 0 and sd 1 / sqrt(D).
        anisotropy: norm of the mean unit row, 0 (centred) to 1 (one direction).
        norm, norm_variation: mean length of the raw rows, and its standard deviation over that mean.
    """

    mean: float
    sd: float
    anisotropy: float
    norm: float
    norm_variation: float


def cosines(z: Array) -> Cosines:
    """How alike two random rows are: mean and spread of all N (N - 1) cosines, without forming a single one.

    Equation: with S the sum of the unit rows and G = Z^T Z, the mean is (||S||^2 - N) / (N (N - 1)) and the mean
    square is (||G||_F^2 - N) / (N (N - 1)).

    Shapes:
        z: `(N, D)`, N >= 2.

    Errors:
        ArgumentError: fewer than 2 rows, NaN or infinite rows, rows that are all zeros.

    Closed form: orthonormal rows give mean 0 and sd 0; equal rows mean 1, sd 0 and anisotropy 1.
    """
    rows = as_rows(z, "z", minimum=2).double()
    unit: Tensor = unit_rows(rows, "z")  # (N, D)
    count, pairs = len(unit), len(unit) * (len(unit) - 1)
    resultant = float(unit.sum(dim=0).square().sum())
    mean = (resultant - count) / pairs
    square = (float(small_gram(unit).square().sum()) - count) / pairs
    lengths = rows.norm(dim=1)  # (N,)
    return Cosines(
        mean=mean,
        sd=math.sqrt(max(square - mean * mean, 0.0)),
        anisotropy=math.sqrt(resultant) / count,
        norm=float(lengths.mean()),
        norm_variation=float(lengths.std(correction=0) / lengths.mean()),
    )
