"""Embeddings and a pairing into a loss: pure functions, in tiles where the loss is one row reduction.

>>> import torch
>>> from contrapose.objectives import nt_xent
>>> z = torch.ones(2, 4, 8)  # two views of four samples that the encoder cannot tell apart
>>> round(float(nt_xent(z)), 4)  # chance: log(2·4 - 1)
1.9459
"""

from contrapose.objectives.adversarial.feature_similarity import feature_similarity
from contrapose.objectives.adversarial.hinge import hinge_loss
from contrapose.objectives.adversarial.to_farthest import farthest_owners, squared_shift, to_farthest
from contrapose.objectives.adversarial.topology import (
    pushed_apart,
    topology_deviation,
    topology_divergence,
    topology_graph,
)
from contrapose.objectives.adversarial.translation import reconstruction
from contrapose.objectives.adversarial.wasserstein import critic_loss, gradient_penalty, maker_loss
from contrapose.objectives.dense.masked_patches import masked_patches
from contrapose.objectives.dense.matching import cell_matches
from contrapose.objectives.dense.pix_contrast import pix_contrast
from contrapose.objectives.dense.pix_pro import pix_pro
from contrapose.objectives.discriminative.candidate_margin import candidate_margin
from contrapose.objectives.discriminative.log_density import (
    energy_difference,
    log_density,
    real_or_made,
    slope_penalty,
)
from contrapose.objectives.discriminative.replaced_tokens import replaced_tokens
from contrapose.objectives.discriminative.residual_energy import energy_weights, rerank, residual_energy
from contrapose.objectives.distillation.isd import isd
from contrapose.objectives.distillation.soft_targets import SoftTargets, soft_targets
from contrapose.objectives.engine.tiles import Terms, row_reduce
from contrapose.objectives.gated.contrast import gated_contrast
from contrapose.objectives.hardness.debiased_triplet import debiased_triplet
from contrapose.objectives.hardness.difficulty import difficulty_weighted
from contrapose.objectives.hardness.hard_contrastive import hard_contrastive
from contrapose.objectives.hardness.hard_info_nce import hard_info_nce, hard_simple_info_nce
from contrapose.objectives.hardness.hard_weighted import hard_weighted
from contrapose.objectives.hardness.mochi import MixingStatistics, mochi
from contrapose.objectives.hardness.regulariser import contrastive_regulariser
from contrapose.objectives.hardness.simple_contrastive import hard_simple_contrastive, simple_contrastive
from contrapose.objectives.label_texts.label_nce import label_nce
from contrapose.objectives.many_views.multi_view import mv_dhel, mv_info_nce
from contrapose.objectives.many_views.poly_view import pvc_arithmetic, pvc_geometric
from contrapose.objectives.many_views.view_pairs import average_nt_xent, pairwise_dhel, pairwise_nt_xent
from contrapose.objectives.max_margin import mmcl
from contrapose.objectives.prototypes.hallucination import Hallucinated, hallucinated_positives
from contrapose.objectives.prototypes.halp import halp
from contrapose.objectives.prototypes.sinkhorn import sinkhorn
from contrapose.objectives.prototypes.swapped_prediction import swapped_prediction
from contrapose.objectives.ranking.auc_cl import auc_cl
from contrapose.objectives.ranking.auc_contrastive import AUCContrastive
from contrapose.objectives.ranking.auc_saddle import auc_saddle
from contrapose.objectives.ranking.groco import groco
from contrapose.objectives.ranking.sorting import soft_sort
from contrapose.objectives.registry import OBJECTIVES, ObjectiveEntry
from contrapose.objectives.regression.adaptive_margin import adaptive_margin
from contrapose.objectives.regression.rank_n_contrast import rank_n_contrast
from contrapose.objectives.regression.supremix import supremix
from contrapose.objectives.separation.attributes import salient_attributes
from contrapose.objectives.separation.sepclr import SeparationTerms, separation_terms, sepclr
from contrapose.objectives.softmax.clones import clone_detection
from contrapose.objectives.softmax.coupling import coupling
from contrapose.objectives.softmax.dcl import dcl
from contrapose.objectives.softmax.info_nce import info_nce
from contrapose.objectives.softmax.known_queue import queue_info_nce
from contrapose.objectives.softmax.multi_label import MultiLabelTerms, multi_label_self_con, multi_label_terms
from contrapose.objectives.softmax.next_item import next_item
from contrapose.objectives.softmax.nt_xent import nt_xent
from contrapose.objectives.softmax.simcse import simcse
from contrapose.objectives.softmax.supcon_ce import supcon_ce
from contrapose.objectives.softmax.supervised import self_con, sup_con
from contrapose.objectives.transport.cacr import cacr
from contrapose.objectives.transport.cacr_predicted import cacr_predicted
from contrapose.objectives.transport.cacr_queue import cacr_queue
from contrapose.objectives.two_sides.clip import clip, over_views, weak_strong_clip
from contrapose.objectives.two_sides.companions import cross_correlation, cross_prediction, swapped_assignment
from contrapose.objectives.two_sides.label_contrast import contrast_across, contrast_within
from contrapose.objectives.two_sides.siglip import siglip

__all__ = [
    "OBJECTIVES",
    "AUCContrastive",
    "Hallucinated",
    "MixingStatistics",
    "MultiLabelTerms",
    "ObjectiveEntry",
    "SeparationTerms",
    "SoftTargets",
    "Terms",
    "adaptive_margin",
    "auc_cl",
    "auc_saddle",
    "average_nt_xent",
    "cacr",
    "cacr_predicted",
    "cacr_queue",
    "candidate_margin",
    "cell_matches",
    "clip",
    "clone_detection",
    "contrast_across",
    "contrast_within",
    "contrastive_regulariser",
    "coupling",
    "critic_loss",
    "cross_correlation",
    "cross_prediction",
    "dcl",
    "debiased_triplet",
    "difficulty_weighted",
    "energy_difference",
    "energy_weights",
    "farthest_owners",
    "feature_similarity",
    "gated_contrast",
    "gradient_penalty",
    "groco",
    "hallucinated_positives",
    "halp",
    "hard_contrastive",
    "hard_info_nce",
    "hard_simple_contrastive",
    "hard_simple_info_nce",
    "hard_weighted",
    "hinge_loss",
    "info_nce",
    "isd",
    "label_nce",
    "log_density",
    "maker_loss",
    "masked_patches",
    "mmcl",
    "mochi",
    "multi_label_self_con",
    "multi_label_terms",
    "mv_dhel",
    "mv_info_nce",
    "next_item",
    "nt_xent",
    "over_views",
    "pairwise_dhel",
    "pairwise_nt_xent",
    "pix_contrast",
    "pix_pro",
    "pushed_apart",
    "pvc_arithmetic",
    "pvc_geometric",
    "queue_info_nce",
    "rank_n_contrast",
    "real_or_made",
    "reconstruction",
    "replaced_tokens",
    "rerank",
    "residual_energy",
    "row_reduce",
    "salient_attributes",
    "self_con",
    "separation_terms",
    "sepclr",
    "siglip",
    "simcse",
    "simple_contrastive",
    "sinkhorn",
    "slope_penalty",
    "soft_sort",
    "soft_targets",
    "squared_shift",
    "sup_con",
    "supcon_ce",
    "supremix",
    "swapped_assignment",
    "swapped_prediction",
    "to_farthest",
    "topology_deviation",
    "topology_divergence",
    "topology_graph",
    "weak_strong_clip",
]
