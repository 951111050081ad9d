"""Learners that labels guide twice: two towers whose sides labels bring together, and a painter that draws for them."""

from contrapose.learners.guided.game import PaintingGame, PaintingWeights
from contrapose.learners.guided.towers import GuidedTowers, GuidedWeights, Guiding

__all__ = ["GuidedTowers", "GuidedWeights", "Guiding", "PaintingGame", "PaintingWeights"]
