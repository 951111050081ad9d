"""Embeddings and a pairing into a loss: pure functions, in tiles where the loss is one row reduction.

>>> import torch
>>> from contrapose.objectives import nt_xent
>>> z = torch.ones(2, 4, 8)  # two views of four samples that the encoder cannot tell apart
>>> round(float(nt_xent(z)), 4)  # chance: log(2·4 - 1)
1.9459
"""

from contrapose.objectives.auc_cl import auc_cl
from contrapose.objectives.auc_contrastive import AUCContrastive
from contrapose.objectives.auc_saddle import auc_saddle
from contrapose.objectives.cacr import cacr
from contrapose.objectives.cacr_predicted import cacr_predicted
from contrapose.objectives.cacr_queue import cacr_queue
from contrapose.objectives.coupling import coupling
from contrapose.objectives.dcl import dcl
from contrapose.objectives.debiased_triplet import debiased_triplet
from contrapose.objectives.difficulty import difficulty_weighted
from contrapose.objectives.groco import groco
from contrapose.objectives.hard_contrastive import hard_contrastive
from contrapose.objectives.hard_info_nce import hard_info_nce, hard_simple_info_nce
from contrapose.objectives.hard_weighted import hard_weighted
from contrapose.objectives.info_nce import info_nce
from contrapose.objectives.isd import isd
from contrapose.objectives.max_margin import mmcl
from contrapose.objectives.mochi import MixingStatistics, mochi
from contrapose.objectives.multi_view import mv_dhel, mv_info_nce
from contrapose.objectives.nt_xent import nt_xent
from contrapose.objectives.poly_view import pvc_arithmetic, pvc_geometric
from contrapose.objectives.registry import OBJECTIVES, ObjectiveEntry
from contrapose.objectives.simple_contrastive import hard_simple_contrastive, simple_contrastive
from contrapose.objectives.soft_targets import SoftTargets, soft_targets
from contrapose.objectives.sorting import soft_sort
from contrapose.objectives.supervised import self_con, sup_con
from contrapose.objectives.tiles import Terms, row_reduce
from contrapose.objectives.view_pairs import average_nt_xent, pairwise_dhel, pairwise_nt_xent

__all__ = [
    "OBJECTIVES",
    "AUCContrastive",
    "MixingStatistics",
    "ObjectiveEntry",
    "SoftTargets",
    "Terms",
    "auc_cl",
    "auc_saddle",
    "average_nt_xent",
    "cacr",
    "cacr_predicted",
    "cacr_queue",
    "coupling",
    "dcl",
    "debiased_triplet",
    "difficulty_weighted",
    "groco",
    "hard_contrastive",
    "hard_info_nce",
    "hard_simple_contrastive",
    "hard_simple_info_nce",
    "hard_weighted",
    "info_nce",
    "isd",
    "mmcl",
    "mochi",
    "mv_dhel",
    "mv_info_nce",
    "nt_xent",
    "pairwise_dhel",
    "pairwise_nt_xent",
    "pvc_arithmetic",
    "pvc_geometric",
    "row_reduce",
    "self_con",
    "simple_contrastive",
    "soft_sort",
    "soft_targets",
    "sup_con",
]
