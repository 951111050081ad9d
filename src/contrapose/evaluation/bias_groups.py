"""Right or wrong by groups of class and nuisance: what a classifier is worth where the nuisance does not help it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from contrapose.errors import ArgumentError
from contrapose.evaluation.balanced import balanced_accuracy
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.proportions import wilson_interval

LEAST = 10
"""Rows of a group that may be called the worst: of fewer the least is luck. [design]"""


def bias_groups(
    right: np.ndarray,
    classes: np.ndarray,
    bias: np.ndarray,
    *,
    tied: Mapping[Any, Any] | None = None,
    least: int = LEAST,
    protocol: str = "",
) -> dict[str, Metric]:
    """`accuracy, unbiased`, `accuracy, conflicting`, `accuracy, aligned` and `accuracy, worst group`.

    A group is a class with a value of the nuisance. Equations, with p_g the share of right answers in group g:

        unbiased     (1 / G) sum over groups of p_g: as if class and nuisance were independent and each uniform
        conflicting  over rows whose nuisance is not the one that is tied to their class
        aligned      over the others
        worst group  min over groups of `least` rows or more of p_g

    Intervals: of unbiased as `balanced_accuracy` has it; of the others Wilson's. That of the worst group is of that
    group alone: which group it is was looked for in the same rows, so it is somewhat too low.

    Shapes:
        right: `(T,)` of 0 and 1; classes, bias: `(T,)` names or numbers.

    Arguments:
        tied: class -> the value of the nuisance that goes with it in training; None: not known, and neither conflicting
            nor aligned rows are told. A class that is not in it is in neither.
        least: rows of a group that may be the worst.
        protocol: how the answers came about, in words.

    What no row, or no group, is left for is not among the results.

    Errors:
        ArgumentError: rows of different numbers, or answers that are neither right nor wrong.

    Closed form: a classifier that answers by the nuisance alone, of K values, one tied to each of K classes, has 1 / K
    unbiased, 0 conflicting, 1 aligned and 0 in the worst group.

    Sagawa et al., ICLR 2020, https://arxiv.org/abs/1911.08731 (worst group)
    """
    right = np.asarray(right, dtype=np.float64)  # (T,)
    classes, bias = np.asarray(classes), np.asarray(bias)
    if not len(right) == len(classes) == len(bias):
        raise ArgumentError(
            f"Every answer needs a class and a nuisance; got {len(right)}, {len(classes)} and {len(bias)}."
        )
    how = f"; {protocol}" if protocol else ""
    names, groups = np.unique(np.stack([classes.astype(str), bias.astype(str)]), axis=1, return_inverse=True)
    groups, count = groups.reshape(-1), names.shape[1]  # (T,), G
    whole = Metric.from_items("accuracy", right, protocol=f"{count} groups of class and nuisance{how}")
    unbiased = balanced_accuracy(whole, groups)
    found = {
        "accuracy, unbiased": replace(
            unbiased, name="accuracy, unbiased", protocol=f"mean over {count} groups of class and nuisance{how}"
        )
    }
    if tied is not None:
        own = {str(name): str(value) for name, value in tied.items()}
        known = np.array([str(name) in own for name in classes])  # (T,)
        agrees = np.array([own.get(str(name)) == str(value) for name, value in zip(classes, bias, strict=True)])
        for name, rows in (("conflicting", known & ~agrees), ("aligned", known & agrees)):
            if rows.sum() >= 2:
                whose = "another than" if name == "conflicting" else "that of"
                told = f"{int(rows.sum()):,} rows with a nuisance that is {whose} their class's"
                found[f"accuracy, {name}"] = Metric.from_items(f"accuracy, {name}", right[rows], protocol=told + how)
    sizes = np.bincount(groups, minlength=count)  # (G,)
    enough = np.flatnonzero(sizes >= least)
    if len(enough):
        shares = np.bincount(groups, weights=right, minlength=count) / sizes  # (G,)
        worst = int(enough[shares[enough].argmin()])
        value, low, high = wilson_interval(float(shares[worst]), int(sizes[worst]))
        told = (
            f"class {names[0, worst]} with {names[1, worst]}, the worst of {len(enough)} groups of {least} rows or more"
        )
        found["accuracy, worst group"] = Metric(
            "accuracy, worst group", value, low, high, told + how, int(sizes[worst])
        )
    return found
