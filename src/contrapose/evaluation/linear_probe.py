"""The linear probe: what a linear classifier can read off frozen embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows, positive_number
from contrapose.evaluation.labels import UNSEEN, Classes, Labels, chance_of
from contrapose.evaluation.logistic import LogisticFit, LogisticModel
from contrapose.evaluation.metric import Metric

STRENGTHS = (10.0, 1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
"""Penalties tried, strong to weak: each fit starts from the last one, which is the cheap direction."""

MAX_ITERATIONS = 1000
"""L-BFGS steps for a fit; the number of CLIP's probe (arXiv 2103.00020, appendix A.3)."""

PART = 512
"""Rows that are in float64 at a time: they stay in the cache."""

PATIENCE = 2
"""Weaker penalties in a row that may score below the best before the rest (the slow ones) are left out."""


@dataclass(frozen=True)
class FittedProbe:
    """A fitted linear probe: standardisation, weights, and how the penalty was chosen.

    Arguments:
        classes: names of the classes, in the order of the model's outputs.
        mean, scale: `(D,)` of the training rows.
        model: the weights, as scikit-learn's `LogisticRegression` has them (`coef_`, `intercept_`).
        strength: the penalty in use.
        scores: validation accuracy of each penalty that was tried; empty when only one was given.
        converged: whether the last fit ended by its gradient and not by `MAX_ITERATIONS`; the protocol says
            if not.
    """

    classes: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    model: LogisticModel
    strength: float
    scores: dict[float, float]
    converged: bool

    def predict(self, rows: Array) -> np.ndarray:
        """Labels `(T,)` of embeddings `(T, D)`."""
        array = as_rows(rows, "rows").cpu().numpy()
        if array.shape[1] != len(self.mean):
            raise ArgumentError(
                f"rows must have the length of the training rows, {len(self.mean)}; got {array.shape[1]}. "
                "Embed both with the same encoder."
            )
        answers = [self.model.predict((part - self.mean) / self.scale) for part in _parts(array)]
        return self.classes[np.concatenate(answers)]


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
    """Multinomial logistic regression on standardised rows, by L-BFGS, in the rows' own type (float64 stays).

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
    rows = as_rows(train, "train", minimum=2).cpu().numpy()
    classes = Classes.of(labels, len(rows), "labels")
    ladder = sorted({positive_number(strength, "strengths") for strength in strengths}, reverse=True)
    if not ladder:
        raise ArgumentError(f"strengths must name at least one penalty, e.g. (0.01,); got {strengths!r}.")
    scores: dict[float, float] = {}
    if len(ladder) > 1:
        held_out = _validation_mask(classes.codes, validation_share, generator or torch.Generator().manual_seed(0))
        scores = _validation_scores(rows, classes, held_out, ladder)
    strength = max(scores, key=lambda tried: (scores[tried], tried)) if scores else ladder[0]
    mean, scale = standardisation(rows)
    model = LogisticFit(_standardised(rows, mean, scale), classes.codes, len(classes), most=MAX_ITERATIONS)(strength)
    return FittedProbe(classes.names, mean, scale, model, strength, scores, model.converged)


def _validation_scores(
    rows: np.ndarray, classes: Classes, held_out: np.ndarray, ladder: list[float]
) -> dict[float, float]:
    known, wanted, codes = rows[~held_out], rows[held_out], classes.codes  # (n, D), (m, D), (N,)
    mean, scale = standardisation(known)
    known, wanted = _standardised(known, mean, scale), _standardised(wanted, mean, scale)
    fit = LogisticFit(known, codes[~held_out], len(classes), most=MAX_ITERATIONS)
    scores, behind = {}, 0
    for strength in ladder:
        scores[strength] = float((fit(strength).predict(wanted) == codes[held_out]).mean())
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
    """Mean and standard deviation of each column, `(D,)` float64; a column that is constant but for rounding has 1.

    Sums are float64's, of a part of the rows at a time.
    """
    first = rows[0].astype(np.float64)  # (D,): far from no row, so that squares do not cancel
    total, square, largest = (np.zeros(rows.shape[1]) for _ in range(3))  # (D,)
    for part in _parts(rows):
        apart = part - first  # (n, D) float64
        total += apart.sum(axis=0)
        square += np.einsum("nd,nd->d", apart, apart)
        largest = np.maximum(largest, np.maximum(part.max(axis=0), -part.min(axis=0)))
    mean = total / len(rows)  # (D,), from the first row
    scale = np.sqrt(np.maximum(square / len(rows) - mean**2, 0))
    # a spread below what float32 resolves is rounding error: scaled up to 1, the probe would learn noise
    return mean + first, np.where(scale > 1e-6 * largest, scale, 1.0)


def _standardised(rows: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Standardised rows in their own type, by way of float64, a part at a time."""
    found = np.empty_like(rows)
    for part, out in zip(_parts(rows), _parts(found), strict=True):
        out[:] = (part - mean) / scale
    return found


def _parts(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + PART] for start in range(0, len(rows), PART)]


def _protocol(probe: FittedProbe, share: float, rows: int) -> str:
    chosen = f"chosen from {len(probe.scores)} on {share:.0%} of train" if probe.scores else "given"
    ending = "" if probe.converged else ", stopped before it converged"
    return (
        f"top-1, logistic regression (L-BFGS, standardised), L2 strength {probe.strength:g} ({chosen}), "
        f"{rows:,} train rows, {chance_of(len(probe.classes))}{ending}"
    )
