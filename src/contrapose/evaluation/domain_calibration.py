"""A classifier's scores set right for another domain, by a handful of labelled samples of it."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from contrapose.errors import ArgumentError

STEPS = 100
"""Newton steps, at most; a fit of two numbers takes about ten."""
RIDGE = 1e-10
"""On the weight of standardised scores: that of scikit-learn's C = 1e10, practically none."""


@dataclass(frozen=True)
class DomainCalibration:
    """The map of scores to scores of another domain: `weight · score + bias`, a logit. It rises, so no order changes.

    Arguments:
        separated: the classes did not overlap in what it was fitted to, so that smoothed targets took their place.
        samples: how many it was fitted to.
    """

    weight: float
    bias: float
    separated: bool
    samples: int

    def __call__(self, scores: Tensor) -> Tensor:
        """`(N,)` scores to `(N,)` calibrated ones, in float64."""
        return self.weight * scores.double() + self.bias


def fitting_domain(scores: Tensor | np.ndarray, positive: Tensor | np.ndarray) -> DomainCalibration:
    """The w and b at which sigmoid(w · score + b) makes these labels most likely.

        argmin over w, b of the mean of -log sigmoid(± (w s_i + b)), plus for the positives, minus for the negatives

    Practically without a penalty. Where the classes do not overlap, that has no finite minimum: the targets are then
    (P + 1) / (P + 2) for the P positives and 1 / (Q + 2) for the Q negatives (Platt's rule), and a warning is issued.
    Afterwards 0 is the threshold (a probability of a half). The area under the ROC curve stays as it was.

    Shapes:
        scores: `(N,)` logits, or any scores that are higher for positives; positive: `(N,)` boolean.

    Errors:
        ArgumentError: samples of one class only, scores that are all equal or not finite, scores that are higher for
            negatives.

    Closed form: scores that are log-odds of the labels already give w = 1 and b = 0, of many samples. Papers: ImagiNet,
    https://arxiv.org/abs/2407.20020 (80 samples); Platt 1999, Advances in large margin classifiers.
    """
    s = torch.as_tensor(scores).detach().cpu().double().flatten()  # (N,)
    truth = torch.as_tensor(positive).cpu().bool().flatten()  # (N,)
    if s.shape != truth.shape or not bool(s.isfinite().all()):
        raise ArgumentError(f"Calibration takes one finite score a label; got {len(s)} scores of {len(truth)} labels.")
    if bool(truth.all()) or not bool(truth.any()):
        raise ArgumentError("Calibration takes samples of both classes, and these are of one. Add some of the other.")
    centre, spread = s.mean(), s.std(correction=0)
    if not float(spread) > 0:
        raise ArgumentError("Calibration takes scores that differ, and these are all equal.")
    apart = bool(s[truth].min() >= s[~truth].max())
    if apart:
        warnings.warn(
            f"The {len(s)} samples are told apart without an error, so they do not say how steep the scores should be; "
            "a cautious slope was taken. More samples would say.",
            stacklevel=2,
        )
    targets = truth.double()  # (N,)
    if apart:
        positives, negatives = int(truth.sum()), int((~truth).sum())
        high, low = (positives + 1) / (positives + 2), 1 / (negatives + 2)
        targets = torch.where(truth, high, low).double()
    weight, bias = _newton((s - centre) / spread, targets)
    if not weight > 0:
        raise ArgumentError(
            "The scores are no higher for the positive samples than for the negative ones, so that no rising map would "
            "set them right. Look whether the labels are the right way round, or train on samples of this kind."
        )
    scale = float(spread)
    return DomainCalibration(weight / scale, bias - weight * float(centre) / scale, apart, len(s))


def _newton(x: Tensor, targets: Tensor) -> tuple[float, float]:
    """Weight and bias of the logistic regression of `(N,)` targets in [0, 1] on `(N,)` standardised x."""
    rows = torch.stack([x, torch.ones_like(x)], dim=1)  # (N, 2)
    penalty = torch.tensor([RIDGE, 0.0], dtype=torch.float64)

    def cost(at: Tensor) -> float:
        logits = rows @ at  # (N,)
        likely = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
        return float(likely + penalty @ at.square() / 2)

    found, lowest = torch.zeros(2, dtype=torch.float64), math.inf
    for _ in range(STEPS):
        p = (rows @ found).sigmoid()  # (N,)
        gradient = rows.T @ (p - targets) + penalty * found  # (2,)
        hessian = rows.T @ ((p * (1 - p)).unsqueeze(1) * rows) + torch.diag(penalty + 1e-12)  # (2, 2)
        step = torch.linalg.solve(hessian, gradient)  # (2,)
        size, start = 1.0, cost(found)
        while cost(found - size * step) > start and size > 1e-6:
            size /= 2
        found = found - size * step
        now = cost(found)
        if abs(lowest - now) <= 1e-14 * (1 + abs(now)):
            break
        lowest = now
    return float(found[0]), float(found[1])
