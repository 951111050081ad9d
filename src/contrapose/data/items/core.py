"""The k-core: users and items that occur k times or more, among themselves."""

from __future__ import annotations

import numpy as np


def k_core(users: np.ndarray, items: np.ndarray, k: int) -> tuple[np.ndarray, int]:
    """Which actions stay when users and items with fewer than k actions are left out until none is left to leave out.

    Shapes:
        users, items: `(S,)` int64 from 0 on; returns `(S,)` bool, and how many rounds it took.

    Closed form: whatever stays is its own k-core; with k of 0 or 1 everything stays. The result does not depend on who
    is left out first.
    """
    kept = np.ones(len(users), dtype=bool)
    for rounds in range(len(users) + 1):
        before = kept.sum()
        for who in (users, items):
            often = np.bincount(who[kept], minlength=int(who.max(initial=0)) + 1) >= k  # (U,) or (M,)
            kept &= often[who]
        if kept.sum() == before:
            return kept, rounds
    return kept, len(users)
