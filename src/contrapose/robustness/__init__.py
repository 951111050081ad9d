"""How a network bears changes: of its weights, measured as the sharpness of the loss around them; and of its input."""

from contrapose.robustness.directions import filter_normalized, gaussian_noise
from contrapose.robustness.divergence import divergence, symmetric_divergence
from contrapose.robustness.landscape import Landscape, landscape
from contrapose.robustness.perturb import Perturbation, perturbation
from contrapose.robustness.sharpness import Curvature, Flatness, average_flatness, blocks_of, top_eigenvalue

__all__ = [
    "Curvature",
    "Flatness",
    "Landscape",
    "Perturbation",
    "average_flatness",
    "blocks_of",
    "divergence",
    "filter_normalized",
    "gaussian_noise",
    "landscape",
    "perturbation",
    "symmetric_divergence",
    "top_eigenvalue",
]
