"""One training step: which encoder sees which view, what is remembered, which pairing, which objective."""

from contrapose.learners.candidate_scores import CandidateScores
from contrapose.learners.class_gates import ClassGates
from contrapose.learners.class_heads import ClassHeads
from contrapose.learners.classifier import Classifier
from contrapose.learners.clones import ClonePairs
from contrapose.learners.common_salient import CommonSalient
from contrapose.learners.corrected_crops import CorrectedCrops
from contrapose.learners.counted import Counted
from contrapose.learners.cross_sequence import CrossSequence, SlotAttention
from contrapose.learners.dense_momentum import DenseMomentum, InstanceBranch
from contrapose.learners.distillation import Distillation
from contrapose.learners.drawn_pairs import DrawnPairs
from contrapose.learners.dual_training import AttackedClassifier, Curriculum, Density, DualAdversarial
from contrapose.learners.feature_attack import FeatureAttack, Surrogate
from contrapose.learners.gated import Gated
from contrapose.learners.guided import GuidedTowers, GuidedWeights, PaintingGame, PaintingWeights
from contrapose.learners.hallucinated import HallucinatedPositives
from contrapose.learners.hard_mixing import HardMixing
from contrapose.learners.items import Augmenter, ContrastedNextItem, LearnedViews, NextItem
from contrapose.learners.known_queue import KnownQueue
from contrapose.learners.label_matching import LabelMatching
from contrapose.learners.learner import Learner, Objective, Step
from contrapose.learners.masked_language import Guess, MaskedLanguage, mask_tokens
from contrapose.learners.masked_momentum import MaskedMomentum
from contrapose.learners.masked_pictures import MaskedPictures, hide_patches
from contrapose.learners.momentum import Momentum, Queue
from contrapose.learners.momentum_views import MomentumViews
from contrapose.learners.multi_exit import MultiExit
from contrapose.learners.nearest_neighbour import NearestNeighbour, SupportSet
from contrapose.learners.origin_and_family import OriginAndFamily
from contrapose.learners.pair_attack import PairAttack, PairTerms
from contrapose.learners.patch_game import PatchGame, PatchTerms
from contrapose.learners.predicted_views import PredictedViews
from contrapose.learners.prototypes import CropQueue, Prototypes
from contrapose.learners.regression import Regression
from contrapose.learners.regressor import Regressor
from contrapose.learners.replaced_tokens import ReplacedTokens
from contrapose.learners.residual_energy import ResidualEnergy
from contrapose.learners.siamese import Siamese
from contrapose.learners.side_by_side import SideBySide
from contrapose.learners.span_contrast import SpanContrast
from contrapose.learners.supcon_ce import SupConCE
from contrapose.learners.token_discriminator import TokenDiscriminator
from contrapose.learners.token_generator import Replaced, TokenGenerator, sample_tokens
from contrapose.learners.translated_heads import TranslatedHeads
from contrapose.learners.translation import GameWeights, Translation
from contrapose.learners.turn import Turn
from contrapose.learners.virtual_adversarial import VirtualAdversarial

__all__ = [
    "AttackedClassifier",
    "Augmenter",
    "CandidateScores",
    "ClassGates",
    "ClassHeads",
    "Classifier",
    "ClonePairs",
    "CommonSalient",
    "ContrastedNextItem",
    "CorrectedCrops",
    "Counted",
    "CropQueue",
    "CrossSequence",
    "Curriculum",
    "DenseMomentum",
    "Density",
    "Distillation",
    "DrawnPairs",
    "DualAdversarial",
    "FeatureAttack",
    "GameWeights",
    "Gated",
    "Guess",
    "GuidedTowers",
    "GuidedWeights",
    "HallucinatedPositives",
    "HardMixing",
    "InstanceBranch",
    "KnownQueue",
    "LabelMatching",
    "LearnedViews",
    "Learner",
    "MaskedLanguage",
    "MaskedMomentum",
    "MaskedPictures",
    "Momentum",
    "MomentumViews",
    "MultiExit",
    "NearestNeighbour",
    "NextItem",
    "Objective",
    "OriginAndFamily",
    "PaintingGame",
    "PaintingWeights",
    "PairAttack",
    "PairTerms",
    "PatchGame",
    "PatchTerms",
    "PredictedViews",
    "Prototypes",
    "Queue",
    "Regression",
    "Regressor",
    "Replaced",
    "ReplacedTokens",
    "ResidualEnergy",
    "Siamese",
    "SideBySide",
    "SlotAttention",
    "SpanContrast",
    "Step",
    "SupConCE",
    "SupportSet",
    "Surrogate",
    "TokenDiscriminator",
    "TokenGenerator",
    "TranslatedHeads",
    "Translation",
    "Turn",
    "VirtualAdversarial",
    "hide_patches",
    "mask_tokens",
    "sample_tokens",
]
