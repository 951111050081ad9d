"""The scanned digits that come with scikit-learn: 1,797 pictures of 8 x 8, of ten classes, enlarged."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch.nn import functional

from contrapose.data.images.made.digit_scans import digit_scans

SIDE = 16  # pixels, as large as small encoders want them


@cache
def scans(side: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """`(N, 1, side, side)` uint8 and `(N,)`, in an order in which writers are mixed.

    Enlarged smoothly: views are smooth, and an encoder of views takes the steps between repeated pixels for something
    that it has never seen.
    """
    levels, classes = digit_scans()
    grey = torch.from_numpy(levels * 255).unsqueeze(1)  # (N, 1, 8, 8), of 17 levels
    larger = functional.interpolate(grey, size=(side, side), mode="bilinear", align_corners=False)
    return larger.round().to(torch.uint8).numpy(), classes
