"""A classifier that bears attacks, and whose logits are a density: the learners of both stages."""

from contrapose.learners.dual_training.attacked_classifier import AttackedClassifier
from contrapose.learners.dual_training.curriculum import Curriculum
from contrapose.learners.dual_training.dual_adversarial import Density, DualAdversarial
from contrapose.learners.dual_training.moving_average import MovingAverage

__all__ = ["AttackedClassifier", "Curriculum", "Density", "DualAdversarial", "MovingAverage"]
