"""The scanned digits that come with scikit-learn: 1,797 real pictures of 8 x 8, of ten classes."""

from __future__ import annotations

from functools import cache

import numpy as np


@cache
def digit_scans() -> tuple[np.ndarray, np.ndarray]:
    """Grey levels `(N, 8, 8)` in [0, 1], 17 of them, and digits `(N,)`, in an order in which writers are mixed.

    They are the same at every call, and not to be changed.
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.images))
    return found.images[order] / 16, found.target[order].astype(np.int64)
