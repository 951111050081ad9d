"""How a trained network bears changes: of its weights, here measured as the sharpness of the loss around them."""

from contrapose.robustness.directions import filter_normalized, gaussian_noise
from contrapose.robustness.landscape import Landscape, landscape
from contrapose.robustness.sharpness import Curvature, Flatness, average_flatness, blocks_of, top_eigenvalue

__all__ = [
    "Curvature",
    "Flatness",
    "Landscape",
    "average_flatness",
    "blocks_of",
    "filter_normalized",
    "gaussian_noise",
    "landscape",
    "top_eigenvalue",
]
