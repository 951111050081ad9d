"""What the multi-view losses are worth when all embeddings are equal."""

from __future__ import annotations

import math
from typing import Protocol

import torch

from contrapose.objectives.engine.anchors import count_candidates
from contrapose.pairing import Pairing


class ViewChance(Protocol):
    """The value for a pairing by views; 0.5 is the temperature that the losses default to."""

    def __call__(self, pairing: Pairing, temperature: float = 0.5) -> float: ...


def mv_info_nce_chance(pairing: Pairing, temperature: float = 0.5, *, same_view_negatives: bool = True) -> float:
    """log[(V B - 1) / (V - 1)], or log B without same-view negatives"""
    views, batch = _views_and_samples(pairing)
    return math.log((views * batch - 1) / (views - 1)) if same_view_negatives else math.log(batch)


def mv_dhel_chance(pairing: Pairing, temperature: float = 0.5) -> float:
    """(V - 1) / temperature + V log(B - 1) - log[V (V - 1) / 2]"""
    views, batch = _views_and_samples(pairing)
    return (views - 1) / temperature + views * math.log(batch - 1) - math.log(views * (views - 1) / 2)


def pairwise_nt_xent_chance(pairing: Pairing, temperature: float = 0.5) -> float:
    """log(2 B - 1)"""
    return math.log(2 * _views_and_samples(pairing)[1] - 1)


def pairwise_dhel_chance(pairing: Pairing, temperature: float = 0.5) -> float:
    """1 / temperature + 2 log(B - 1)"""
    return 1 / temperature + 2 * math.log(_views_and_samples(pairing)[1] - 1)


def pvc_chance(pairing: Pairing, temperature: float = 0.5) -> float:
    """log(1 + V (B - 1))"""
    views, batch = _views_and_samples(pairing)
    return math.log(1 + views * (batch - 1))


VIEW_CHANCES: dict[str, ViewChance] = {
    "mv_info_nce": mv_info_nce_chance,
    "mv_dhel": mv_dhel_chance,
    "pairwise_nt_xent": pairwise_nt_xent_chance,
    "pairwise_dhel": pairwise_dhel_chance,
    "average_nt_xent": pairwise_nt_xent_chance,
    "pvc_geometric": pvc_chance,
    "pvc_arithmetic": pvc_chance,
}


def _views_and_samples(pairing: Pairing) -> tuple[int, int]:
    """V and B of a pairing by views, in which every anchor has V - 1 positives."""
    positives, _ = count_candidates(pairing, torch.zeros(1, dtype=torch.long))
    views = int(positives) + 1
    return views, pairing.anchors // views
