"""Learners of encoders with two towers."""

from contrapose.learners.two_towers.companions import Assignment, Companion, Prediction, Redundancy
from contrapose.learners.two_towers.contrast import TwoTowerContrast

__all__ = ["Assignment", "Companion", "Prediction", "Redundancy", "TwoTowerContrast"]
