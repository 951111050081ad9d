"""What an objective is worth, with default arguments, when all embeddings are equal: nothing is told apart."""

from __future__ import annotations

import torch

from contrapose.objectives.engine.anchors import count_candidates
from contrapose.pairing import Pairing


def softmax_chance(pairing: Pairing) -> float:
    """Mean of log(candidates in the denominator), over anchors with a positive: softmax of equal rows."""
    pulled, pushed = count_candidates(pairing, torch.arange(pairing.anchors))  # (N,) each
    terms = (pulled + pushed)[pulled > 0].double()
    return float(terms.log().mean()) if len(terms) else 0.0


def decoupled_chance(pairing: Pairing) -> float:
    """Mean of log(negatives), over anchors with a positive: the softmax of equal rows without its positive."""
    pulled, pushed = count_candidates(pairing, torch.arange(pairing.anchors))  # (N,) each
    terms = pushed[pulled > 0].double()
    return float(terms.log().mean()) if len(terms) else 0.0


def margin_chance(pairing: Pairing) -> float:
    """0, whatever the pairing: with equal embeddings every negative kernel equals the positive one."""
    return 0.0


def agreement_chance(pairing: Pairing) -> float:
    """0: a student and a teacher that tell nothing apart agree; as do good ones, so a run has no chance value."""
    return 0.0


def distance_chance(pairing: Pairing) -> float:
    """0: between equal embeddings there is no distance, to attract or to repel by."""
    return 0.0


def predicted_chance(pairing: Pairing, temperature: float = 0.2) -> float:
    """2 · temperature times the mean of log(candidates): `cacr_predicted` of equal embeddings, with its default T."""
    return 2 * temperature * softmax_chance(pairing)


def negatives_chance(pairing: Pairing) -> float:
    """Mean of log(1 + negatives), over anchors with a positive: a softmax of equal rows with one positive at a time."""
    pulled, pushed = count_candidates(pairing, torch.arange(pairing.anchors))  # (N,) each
    return float(pushed[pulled > 0].double().log1p().mean())
