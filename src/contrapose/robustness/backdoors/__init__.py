"""Backdoors: which class was planted, by which trigger, and what it moves inside a network."""

from contrapose.robustness.backdoors.activations import (
    alignment_loss,
    batch_mean,
    critical_units,
    layer_impact,
    most_moved,
    preservation_loss,
)
from contrapose.robustness.backdoors.inversion import Weights, batch_distance, inversion_loss, overlaid, target_loss
from contrapose.robustness.backdoors.similarity import structural_similarity
from contrapose.robustness.backdoors.suspects import Suspects
from contrapose.robustness.backdoors.verdict import Inverted, Limits, Verdict, verdict

__all__ = [
    "Inverted",
    "Limits",
    "Suspects",
    "Verdict",
    "Weights",
    "alignment_loss",
    "batch_distance",
    "batch_mean",
    "critical_units",
    "inversion_loss",
    "layer_impact",
    "most_moved",
    "overlaid",
    "preservation_loss",
    "structural_similarity",
    "target_loss",
    "verdict",
]
