"""How a network bears changes: of its weights, measured as the sharpness of the loss around them; and of its input."""

from contrapose.robustness.attack import Attacked, cross_entropy_attack
from contrapose.robustness.directions import filter_normalized, gaussian_noise
from contrapose.robustness.divergence import divergence, symmetric_divergence
from contrapose.robustness.landscape import Landscape, landscape
from contrapose.robustness.perturb import Perturbation, perturbation
from contrapose.robustness.pgd import Steps, climb, project, random_start
from contrapose.robustness.sharpness import Curvature, Flatness, average_flatness, blocks_of, top_eigenvalue

__all__ = [
    "Attacked",
    "Curvature",
    "Flatness",
    "Landscape",
    "Perturbation",
    "Steps",
    "average_flatness",
    "blocks_of",
    "climb",
    "cross_entropy_attack",
    "divergence",
    "filter_normalized",
    "gaussian_noise",
    "landscape",
    "perturbation",
    "project",
    "random_start",
    "symmetric_divergence",
    "top_eigenvalue",
]
