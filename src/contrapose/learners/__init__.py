"""One training step: which encoder sees which view, what is remembered, which pairing, which objective."""

from contrapose.learners.class_gates import ClassGates
from contrapose.learners.class_heads import ClassHeads
from contrapose.learners.classifier import Classifier
from contrapose.learners.common_salient import CommonSalient
from contrapose.learners.distillation import Distillation
from contrapose.learners.drawn_pairs import DrawnPairs
from contrapose.learners.gated import Gated
from contrapose.learners.hard_mixing import HardMixing
from contrapose.learners.learner import Learner, Objective, Step
from contrapose.learners.masked_language import Guess, MaskedLanguage, mask_tokens
from contrapose.learners.momentum import Momentum, Queue
from contrapose.learners.momentum_views import MomentumViews
from contrapose.learners.multi_exit import MultiExit
from contrapose.learners.nearest_neighbour import NearestNeighbour, SupportSet
from contrapose.learners.predicted_views import PredictedViews
from contrapose.learners.prototypes import CropQueue, Prototypes
from contrapose.learners.regression import Regression
from contrapose.learners.regressor import Regressor
from contrapose.learners.siamese import Siamese
from contrapose.learners.side_by_side import SideBySide
from contrapose.learners.turn import Turn

__all__ = [
    "ClassGates",
    "ClassHeads",
    "Classifier",
    "CommonSalient",
    "CropQueue",
    "Distillation",
    "DrawnPairs",
    "Gated",
    "Guess",
    "HardMixing",
    "Learner",
    "MaskedLanguage",
    "Momentum",
    "MomentumViews",
    "MultiExit",
    "NearestNeighbour",
    "Objective",
    "PredictedViews",
    "Prototypes",
    "Queue",
    "Regression",
    "Regressor",
    "Siamese",
    "SideBySide",
    "Step",
    "SupportSet",
    "Turn",
    "mask_tokens",
]
