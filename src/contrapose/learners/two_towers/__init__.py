"""Learners of encoders with two towers."""

from contrapose.learners.two_towers.companions import Assignment, Companion, Prediction, Redundancy
from contrapose.learners.two_towers.contrast import TwoTowerContrast
from contrapose.learners.two_towers.patched import PatchedContrast
from contrapose.learners.two_towers.shared_prototypes import SharedPrototypes

__all__ = [
    "Assignment",
    "Companion",
    "PatchedContrast",
    "Prediction",
    "Redundancy",
    "SharedPrototypes",
    "TwoTowerContrast",
]
