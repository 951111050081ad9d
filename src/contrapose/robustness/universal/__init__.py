"""One change for all pictures: a patch in a fixed place, or a delta that is added; what they may be, how they are put
on, and how much they are."""

from contrapose.robustness.universal.delta import add_delta, kept_near, project_delta, rounded, whole_levels
from contrapose.robustness.universal.noise import sign_noise
from contrapose.robustness.universal.patch import paste, patch_mask, total_variation

__all__ = [
    "add_delta",
    "kept_near",
    "paste",
    "patch_mask",
    "project_delta",
    "rounded",
    "sign_noise",
    "total_variation",
    "whole_levels",
]
