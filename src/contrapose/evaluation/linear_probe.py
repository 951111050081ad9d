"""The linear probe: what a linear classifier can read off frozen embeddings."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows, positive_number
from contrapose.evaluation.labels import UNSEEN, Classes, Labels, chance_of
from contrapose.evaluation.metric import Metric

STRENGTHS = (10.0, 1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
"""Penalties tried, strong to weak: each fit starts from the last one, which is the cheap direction."""

MAX_ITERATIONS = 1000
"""L-BFGS steps for a fit; the number of CLIP's probe (arXiv 2103.00020, appendix A.3)."""

PATIENCE = 2
"""Weaker penalties in a row that may score below the best before the rest (the slow ones) are left out."""


@dataclass(frozen=True)
class FittedProbe:
    """A fitted linear probe: standardisation, weights, and how the penalty was chosen.

    Arguments:
        classes: names of the classes, in the order of the model's outputs.
        mean, scale: `(D,)` of the training rows.
        model: the fitted scikit-learn `LogisticRegression`.
        strength: the penalty in use.
        scores: validation accuracy of each penalty that was tried; empty when only one was given.
        converged: whether the last fit ended by its gradient and not by `MAX_ITERATIONS`; the protocol says
            if not.
    """

    classes: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    model: Any
    strength: float
    scores: dict[float, float]
    converged: bool

    def predict(self, rows: Array) -> np.ndarray:
        """Labels `(T,)` of embeddings `(T, D)`."""
        array = as_rows(rows, "rows").cpu().double().numpy()
        if array.shape[1] != len(self.mean):
            raise ArgumentError(
                f"rows must have the length of the training rows, {len(self.mean)}; got {array.shape[1]}. "
                "Embed both with the same encoder."
            )
        return self.classes[self.model.predict((array - self.mean) / self.scale)]


def linear_probe(
    train: Array,
    train_labels: Labels,
    test: Array,
    test_labels: Labels,
    *,
    strengths: Sequence[float] = STRENGTHS,
    validation_share: float = 0.2,
    generator: torch.Generator | None = None,
) -> Metric:
    """Top-1 test accuracy of `fit_linear_probe`, with a bootstrap interval over test rows.

    The test rows are touched once, after everything was chosen on training rows.

    Shapes:
        train: `(N, D)`; train_labels: `(N,)`; test: `(T, D)`; test_labels: `(T,)`.

    Arguments:
        train, test: embeddings in evaluation mode, without augmentation, usually of the backbone and not of
            the projection head: the name of the layer belongs beside the number.
        strengths, validation_share: as in `fit_linear_probe`.
        generator: cuts the validation split, then draws the interval; None is a fresh one with seed 0.

    Errors:
        ArgumentError: what `fit_linear_probe` refuses; test rows or labels that do not fit.

    Closed form: constant features score the share of the most frequent training class among the test rows.
    """
    generator = generator or torch.Generator().manual_seed(0)
    rows, queries = as_rows(train, "train", minimum=2), as_rows(test, "test", minimum=2)
    truth = Classes.of(train_labels, len(rows)).encode(test_labels, len(queries))
    probe = fit_linear_probe(
        rows, train_labels, strengths=strengths, validation_share=validation_share, generator=generator
    )
    right = (truth != UNSEEN) & (probe.predict(queries) == probe.classes[truth])  # (T,)
    protocol = _protocol(probe, validation_share, len(rows))
    return Metric.from_items("linear probe", right, protocol=protocol, generator=generator)


def fit_linear_probe(
    train: Array,
    labels: Labels,
    *,
    strengths: Sequence[float] = STRENGTHS,
    validation_share: float = 0.2,
    generator: torch.Generator | None = None,
) -> FittedProbe:
    """Multinomial logistic regression on standardised rows, in float64 by L-BFGS.

    Equation: minimise  mean_i -log softmax(W x_i + b)[y_i] + strength / 2 * ||W||^2,  x standardised by the
    mean and standard deviation of the rows it is fitted to. The strength with the best accuracy on a
    stratified validation split cut from `train` wins (equal: the stronger), and the probe is fitted again on
    all of `train`.

    Shapes:
        train: `(N, D)`; labels: `(N,)`.

    Arguments:
        strengths: penalties to choose from; 7 of them, one a decade: a coarse cut through the 45 values of
            SimCLR's probe (arXiv 2002.05709, appendix B.8), without the ends of its range, 1e-6 to 1e5. One
            alone is used as it is, without a validation split.
        validation_share: part of each class that is held out to choose; 0.2 by convention.
        generator: cuts the validation split; None is a fresh one with seed 0.

    Errors:
        ArgumentError: fewer than 2 rows, NaN or infinite rows, labels of another length, one class only, a
            share outside (0, 1), a penalty not above 0, no class with two rows to hold one out.
    """
    rows = as_rows(train, "train", minimum=2).cpu().double().numpy()
    classes = Classes.of(labels, len(rows), "labels")
    ladder = sorted({positive_number(strength, "strengths") for strength in strengths}, reverse=True)
    if not ladder:
        raise ArgumentError(f"strengths must name at least one penalty, e.g. (0.01,); got {strengths!r}.")
    scores: dict[float, float] = {}
    if len(ladder) > 1:
        held_out = _validation_mask(classes.codes, validation_share, generator or torch.Generator().manual_seed(0))
        scores = _validation_scores(rows, classes.codes, held_out, ladder)
    strength = max(scores, key=lambda tried: (scores[tried], tried)) if scores else ladder[0]
    mean, scale = standardisation(rows)
    model = _regression()
    converged = _fit(model, (rows - mean) / scale, classes.codes, strength)
    return FittedProbe(classes.names, mean, scale, model, strength, scores, converged)


def _validation_scores(
    rows: np.ndarray, codes: np.ndarray, held_out: np.ndarray, ladder: list[float]
) -> dict[float, float]:
    mean, scale = standardisation(rows[~held_out])
    rows = (rows - mean) / scale
    model, scores, behind = _regression(), {}, 0
    for strength in ladder:
        _fit(model, rows[~held_out], codes[~held_out], strength)
        scores[strength] = float((model.predict(rows[held_out]) == codes[held_out]).mean())
        behind = behind + 1 if scores[strength] < max(scores.values()) else 0
        if behind == PATIENCE:
            break
    return scores


def _validation_mask(codes: np.ndarray, share: float, generator: torch.Generator) -> np.ndarray:
    if not 0 < share < 1:
        raise ArgumentError(f"validation_share must lie between 0 and 1; got {share!r}. The usual value is 0.2.")
    held_out = np.zeros(len(codes), dtype=bool)
    for code in range(codes.max() + 1):
        members = np.flatnonzero(codes == code)
        order = torch.randperm(len(members), generator=generator, device=generator.device).cpu().numpy()
        # at least one is held out and at least one is fitted to; a class of one is only fitted to
        count = min(max(1, round(share * len(members))), len(members) - 1)
        held_out[members[order[:count]]] = True
    if not held_out.any():
        raise ArgumentError(
            "No class has two rows, so none can be held out to choose the penalty. "
            "Give more rows a class, or one penalty, e.g. strengths=(0.01,)."
        )
    return held_out


def standardisation(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column, `(D,)` both; a column that is constant but for rounding has 1."""
    mean, scale = rows.mean(axis=0), rows.std(axis=0)  # (D,)
    # a spread below what float32 resolves is rounding error: scaled up to 1, the probe would learn noise
    return mean, np.where(scale > 1e-6 * np.abs(rows).max(axis=0), scale, 1.0)


def _regression() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(solver="lbfgs", max_iter=MAX_ITERATIONS, warm_start=True)


def _fit(model: Any, rows: np.ndarray, codes: np.ndarray, strength: float) -> bool:
    from sklearn.exceptions import ConvergenceWarning

    model.set_params(C=1.0 / (strength * len(rows)))  # scikit-learn weighs the summed loss by C
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(rows, codes)
    return not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)


def _protocol(probe: FittedProbe, share: float, rows: int) -> str:
    chosen = f"chosen from {len(probe.scores)} on {share:.0%} of train" if probe.scores else "given"
    ending = "" if probe.converged else ", stopped before it converged"
    return (
        f"top-1, logistic regression (L-BFGS, standardised), L2 strength {probe.strength:g} ({chosen}), "
        f"{rows:,} train rows, {chance_of(len(probe.classes))}{ending}"
    )
