"""The objectives by name, with what the common checks and a training loop must know of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch

from contrapose.objectives.anchors import count_candidates
from contrapose.objectives.info_nce import info_nce
from contrapose.objectives.max_margin import mmcl
from contrapose.objectives.nt_xent import nt_xent
from contrapose.objectives.supervised import self_con, sup_con
from contrapose.pairing import Pairing
from contrapose.registry import Registry


@dataclass(frozen=True)
class ObjectiveEntry:
    """One objective.

    Arguments:
        function: embeddings (and labels) to a loss.
        takes: how it is called: "views" f(z), "labels" f(z, labels), "towers" f(queries, candidates).
        chance: the loss, with default arguments, when all embeddings are equal: what an encoder that tells
            nothing apart gets.
        row_reduction: it is one row reduction, runs in tiles and takes `tile_rows=` and `tile_columns=`.
        paper: link to the paper.
    """

    name: str
    function: Callable[..., Any]
    takes: Literal["views", "labels", "towers"]
    chance: Callable[[Pairing], float]
    row_reduction: bool
    paper: str


OBJECTIVES: Registry[ObjectiveEntry] = Registry("objective")


def softmax_chance(pairing: Pairing) -> float:
    """Mean of log(candidates in the denominator), over anchors with a positive: softmax of equal rows."""
    pulled, pushed = count_candidates(pairing, torch.arange(pairing.anchors))  # (N,) each
    terms = (pulled + pushed)[pulled > 0].double()
    return float(terms.log().mean()) if len(terms) else 0.0


def margin_chance(pairing: Pairing) -> float:
    """0, whatever the pairing: with equal embeddings every negative kernel equals the positive one."""
    return 0.0


def _register(entry: ObjectiveEntry) -> None:
    OBJECTIVES.register(entry.name)(entry)


_register(ObjectiveEntry("nt_xent", nt_xent, "views", softmax_chance, True, "https://arxiv.org/abs/2002.05709"))
_register(ObjectiveEntry("info_nce", info_nce, "towers", softmax_chance, True, "https://arxiv.org/abs/1807.03748"))
_register(ObjectiveEntry("sup_con", sup_con, "labels", softmax_chance, True, "https://arxiv.org/abs/2004.11362"))
_register(ObjectiveEntry("self_con", self_con, "labels", softmax_chance, True, "https://arxiv.org/abs/2106.15499"))
_register(ObjectiveEntry("mmcl", mmcl, "views", margin_chance, False, "https://arxiv.org/abs/2112.11450"))
