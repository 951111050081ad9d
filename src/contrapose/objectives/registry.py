"""The objectives by name, with what the common checks and a training loop must know of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from contrapose.objectives.distillation.isd import isd
from contrapose.objectives.engine.chances import (
    agreement_chance,
    decoupled_chance,
    distance_chance,
    margin_chance,
    negatives_chance,
    predicted_chance,
    softmax_chance,
)
from contrapose.objectives.hardness.debiased_triplet import debiased_triplet
from contrapose.objectives.hardness.difficulty import difficulty_weighted
from contrapose.objectives.hardness.hard_contrastive import hard_chance, hard_contrastive
from contrapose.objectives.hardness.hard_info_nce import hard_info_nce, hard_simple_info_nce
from contrapose.objectives.hardness.hard_weighted import hard_weighted
from contrapose.objectives.hardness.mochi import mochi
from contrapose.objectives.hardness.regulariser import contrastive_regulariser
from contrapose.objectives.hardness.simple_contrastive import hard_simple_contrastive, simple_chance, simple_contrastive
from contrapose.objectives.many_views.multi_view import mv_dhel, mv_info_nce
from contrapose.objectives.many_views.poly_view import pvc_arithmetic, pvc_geometric
from contrapose.objectives.many_views.view_chances import VIEW_CHANCES
from contrapose.objectives.many_views.view_pairs import average_nt_xent, pairwise_dhel, pairwise_nt_xent
from contrapose.objectives.max_margin import mmcl
from contrapose.objectives.ranking.auc_cl import auc_chance, auc_cl
from contrapose.objectives.ranking.auc_saddle import auc_saddle, saddle_chance
from contrapose.objectives.ranking.groco import groco, order_chance
from contrapose.objectives.regression.adaptive_margin import adaptive_margin, adaptive_margin_chance
from contrapose.objectives.regression.rank_n_contrast import rank_n_contrast, rank_n_contrast_chance
from contrapose.objectives.regression.supremix import supremix, supremix_chance
from contrapose.objectives.softmax.dcl import dcl
from contrapose.objectives.softmax.info_nce import info_nce
from contrapose.objectives.softmax.known_queue import queue_info_nce
from contrapose.objectives.softmax.nt_xent import nt_xent
from contrapose.objectives.softmax.simcse import simcse
from contrapose.objectives.softmax.supervised import self_con, sup_con
from contrapose.objectives.transport.cacr import cacr
from contrapose.objectives.transport.cacr_predicted import cacr_predicted
from contrapose.objectives.transport.cacr_queue import cacr_queue
from contrapose.objectives.two_sides.clip import clip
from contrapose.objectives.two_sides.siglip import siglip, sigmoid_chance
from contrapose.pairing import Pairing
from contrapose.registry import Registry

Takes = Literal["views", "labels", "targets", "towers", "queue", "view_towers", "view_queue"]


@dataclass(frozen=True)
class ObjectiveEntry:
    """One objective.

    Arguments:
        function: embeddings (and labels) to a loss.
        takes: how it is called: "views" f(z), "labels" f(z, labels), "targets" f(z, targets), "towers" f(queries,
            candidates), "queue" f(queries, keys, queue); "view_towers" and "view_queue" the same with `(V, B, D)`
            queries and keys.
        chance: the loss, with default arguments, when all embeddings are equal: what an encoder that tells
            nothing apart gets.
        row_reduction: it is one row reduction, runs in tiles and takes `tile_rows=` and `tile_columns=`.
        paper: link to the paper.
    """

    name: str
    function: Callable[..., Any]
    takes: Takes
    chance: Callable[[Pairing], float]
    row_reduction: bool
    paper: str


OBJECTIVES: Registry[ObjectiveEntry] = Registry("objective")


def _add(
    function: Callable[..., Any],
    takes: Takes,
    chance: Callable[[Pairing], float],
    paper: str,
    *,
    tiled: bool = True,
) -> None:
    name = function.__name__
    OBJECTIVES.register(name)(ObjectiveEntry(name, function, takes, chance, tiled, paper))


_add(nt_xent, "views", softmax_chance, "https://arxiv.org/abs/2002.05709")
_add(info_nce, "towers", softmax_chance, "https://arxiv.org/abs/1807.03748")
_add(clip, "towers", softmax_chance, "https://arxiv.org/abs/2103.00020", tiled=False)
_add(siglip, "towers", sigmoid_chance, "https://arxiv.org/abs/2303.15343", tiled=False)
_add(simcse, "towers", softmax_chance, "https://arxiv.org/abs/2104.08821", tiled=False)
_add(queue_info_nce, "queue", softmax_chance, "https://arxiv.org/abs/1911.05722", tiled=False)
_add(sup_con, "labels", softmax_chance, "https://arxiv.org/abs/2004.11362")
_add(self_con, "labels", softmax_chance, "https://arxiv.org/abs/2106.15499")
_add(mmcl, "views", margin_chance, "https://arxiv.org/abs/2112.11450", tiled=False)
_add(dcl, "views", decoupled_chance, "https://arxiv.org/abs/2110.06848")
_add(mochi, "queue", softmax_chance, "https://arxiv.org/abs/2010.01028")
_add(isd, "queue", agreement_chance, "https://arxiv.org/abs/2012.09259")
_add(cacr, "views", distance_chance, "https://arxiv.org/abs/2105.03746")
_add(cacr_queue, "view_queue", distance_chance, "https://arxiv.org/abs/2105.03746")
_add(cacr_predicted, "view_towers", predicted_chance, "https://arxiv.org/abs/2105.03746")
_add(auc_cl, "views", auc_chance, "https://openreview.net/forum?id=YgMdDQB09U")
_add(auc_saddle, "views", saddle_chance, "https://openreview.net/forum?id=YgMdDQB09U")
_add(mv_info_nce, "views", VIEW_CHANCES["mv_info_nce"], "https://arxiv.org/abs/2507.06979")
_add(mv_dhel, "views", VIEW_CHANCES["mv_dhel"], "https://arxiv.org/abs/2507.06979")
_add(pairwise_nt_xent, "views", VIEW_CHANCES["pairwise_nt_xent"], "https://arxiv.org/abs/1906.05849")
_add(pairwise_dhel, "views", VIEW_CHANCES["pairwise_dhel"], "https://arxiv.org/abs/2405.18045")
_add(average_nt_xent, "views", VIEW_CHANCES["average_nt_xent"], "https://arxiv.org/abs/2507.06979")
_add(pvc_geometric, "views", VIEW_CHANCES["pvc_geometric"], "https://arxiv.org/abs/2403.05490")
_add(pvc_arithmetic, "views", VIEW_CHANCES["pvc_arithmetic"], "https://arxiv.org/abs/2403.05490")
_add(groco, "views", order_chance, "https://arxiv.org/abs/2301.02009")
_add(difficulty_weighted, "views", negatives_chance, "https://par.nsf.gov/biblio/10433589")
_add(hard_weighted, "views", negatives_chance, "https://arxiv.org/abs/2010.04592")
_add(debiased_triplet, "views", distance_chance, "https://par.nsf.gov/biblio/10433589", tiled=False)
_add(hard_contrastive, "views", hard_chance, "https://arxiv.org/abs/2012.09740", tiled=False)
_add(contrastive_regulariser, "views", distance_chance, "https://arxiv.org/abs/2304.07763", tiled=False)
_add(simple_contrastive, "views", simple_chance, "https://arxiv.org/abs/2012.09740")
_add(hard_simple_contrastive, "views", simple_chance, "https://arxiv.org/abs/2012.09740", tiled=False)
_add(hard_info_nce, "queue", hard_chance, "https://arxiv.org/abs/2012.09740", tiled=False)
_add(hard_simple_info_nce, "queue", simple_chance, "https://arxiv.org/abs/2012.09740", tiled=False)
_add(supremix, "targets", supremix_chance, "https://arxiv.org/abs/2309.16633", tiled=False)
_add(rank_n_contrast, "targets", rank_n_contrast_chance, "https://arxiv.org/abs/2210.01189", tiled=False)
_add(adaptive_margin, "targets", adaptive_margin_chance, "https://arxiv.org/abs/2112.11700", tiled=False)
