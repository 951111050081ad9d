"""Inverse-propensity weights: what a rule picks too often by how it looks is drawn less often, and the other way."""

from __future__ import annotations

import numpy as np

from contrapose.errors import ArgumentError


def softmax(scores: np.ndarray, temperature: float) -> np.ndarray:
    """exp(score / temperature) in shares of 1, along the last axis; a score of -inf has none.

    Errors:
        ArgumentError: temperature <= 0.
    """
    if not temperature > 0:
        raise ArgumentError(f"A temperature must be above 0, got {temperature:g}.")
    scaled = (scores - scores.max(axis=-1, keepdims=True)) / temperature  # first: a high temperature has few digits
    shares = np.exp(scaled)
    return shares / shares.sum(axis=-1, keepdims=True)


def inverse_propensity(preferred: np.ndarray, propensity: np.ndarray, *, least: float = 0.01) -> np.ndarray:
    """Weights of candidates that are preferred for one thing and come up for another.

        u(c) = g(c) / max(e(c), least),    w(c) = u(c) / sum u

    Arguments:
        preferred: g, how one would draw them, in shares of 1 along the last axis.
        propensity: e, how they come up by themselves, likewise.
        least: the smallest propensity that is divided by; from 1 on it is w = g. 0.01 [design].

    Shapes:
        g, e: `(..., n)`; returns `(..., n)`, shares of 1.

    Errors:
        ArgumentError: least <= 0.

    Closed forms: a uniform e gives w = g; a uniform g gives w in proportion to 1 / e.
    """
    if not least > 0:
        raise ArgumentError(f"least must be above 0, got {least:g}: nothing can be divided by it.")
    weights = preferred / np.maximum(propensity, least)
    return weights / weights.sum(axis=-1, keepdims=True)


def effective_size(weights: np.ndarray) -> np.ndarray:
    """1 / sum w²: as if so many candidates were drawn alike; from 1 to n. `(..., n)` -> `(...)`."""
    return 1 / np.square(weights).sum(axis=-1)
