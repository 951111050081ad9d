"""How a network bears changes: of its weights, measured as the sharpness of the loss around them; of its input; and of
what it learned from (triggers)."""

from contrapose.robustness.attack import Attacked, cross_entropy_attack
from contrapose.robustness.defences import blurred, levelled, noisy, pruned
from contrapose.robustness.directions import filter_normalized, gaussian_noise
from contrapose.robustness.divergence import divergence, symmetric_divergence
from contrapose.robustness.landscape import Landscape, landscape
from contrapose.robustness.perturb import Perturbation, perturbation
from contrapose.robustness.pgd import Steps, climb, project, random_start
from contrapose.robustness.pictures import checked_pictures, largest_change, peak_ratio
from contrapose.robustness.sharpness import Curvature, Flatness, average_flatness, blocks_of, top_eigenvalue
from contrapose.robustness.triggers import POISON_RECORD, TRIGGERS, Trigger, named_trigger, read_poison, trigger
from contrapose.robustness.universal import (
    add_delta,
    kept_near,
    paste,
    patch_mask,
    project_delta,
    rounded,
    sign_noise,
    total_variation,
    whole_levels,
)

__all__ = [
    "POISON_RECORD",
    "TRIGGERS",
    "Attacked",
    "Curvature",
    "Flatness",
    "Landscape",
    "Perturbation",
    "Steps",
    "Trigger",
    "add_delta",
    "average_flatness",
    "blocks_of",
    "blurred",
    "checked_pictures",
    "climb",
    "cross_entropy_attack",
    "divergence",
    "filter_normalized",
    "gaussian_noise",
    "kept_near",
    "landscape",
    "largest_change",
    "levelled",
    "named_trigger",
    "noisy",
    "paste",
    "patch_mask",
    "peak_ratio",
    "perturbation",
    "project",
    "project_delta",
    "pruned",
    "random_start",
    "read_poison",
    "rounded",
    "sign_noise",
    "symmetric_divergence",
    "top_eigenvalue",
    "total_variation",
    "trigger",
    "whole_levels",
]
