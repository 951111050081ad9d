"""`DrawnPairs`: a batch of texts into anchors, positives and hard negatives, drawn from pools by their weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from contrapose.padded import Padded
from contrapose.views.texts.pools import Pool, Pools
from contrapose.views.texts.propensity import effective_size


class DrawnPairs:
    """Views of texts that are other texts: for each its anchor, one positive, and H hard negatives, drawn anew.

    Shapes:
        raw: B texts; returns 2 + H `Padded` of B, and two tensors beside them: `(B, 1 + H, K)` the meaning of each
            anchor and of its negatives, and `(B, 3)` of the pools as how many candidates the positives count, as how
            many the negatives do (`effective_size`), and 1 where too few meant something else.

    Arguments:
        pools: candidates of each text, and weights.
        make: texts to their views, of which the first is taken: whole texts, or what is left of them.
        hard: H.
    """

    def __init__(self, pools: Pools, make: Callable[..., tuple[Padded, ...]], *, hard: int) -> None:
        self.pools, self.make, self.hard = pools, make, hard

    @torch.no_grad()
    def __call__(self, raw: Sequence[str], *, generator: torch.Generator | None = None) -> tuple[Any, ...]:
        """Views of the texts; the same state of `generator` (torch's global one if `None`) gives the same views."""
        texts = list(raw)
        pools = self.pools.of(texts)
        drawn = _drawn([pool.positive_weights for pool in pools], 1, generator)  # (B, 1)
        positives = [pool.positives[place] for pool, (place,) in zip(pools, drawn.tolist(), strict=True)]
        sides = [texts, positives]
        if self.hard:
            against = _drawn([pool.negative_weights for pool in pools], self.hard, generator)  # (B, H)
            for places in against.T.tolist():
                sides.append([pool.negatives[place] for pool, place in zip(pools, places, strict=True)])
        views = [self.make(side, generator=generator)[0] for side in sides]
        meanings = [
            torch.from_numpy(self.pools.vectors_of(side)).float() for side in (texts, *sides[2:])
        ]  # (B, K) each
        return (*views, torch.stack(meanings, dim=1), sizes_of(pools))

    def __repr__(self) -> str:
        return f"DrawnPairs({self.make!r}, {self.hard} hard negatives, {self.pools.options})"


def _drawn(weights: Sequence[np.ndarray], count: int, generator: torch.Generator | None) -> Tensor:
    """So many different places of each row, drawn by its weights: `(B, count)`."""
    padded = torch.zeros(len(weights), max(map(len, weights)), dtype=torch.float64)
    for row, own in enumerate(weights):
        padded[row, : len(own)] = torch.from_numpy(np.maximum(own, 1e-12))  # what is there can be drawn
    return torch.multinomial(padded, count, generator=generator)


def sizes_of(pools: Sequence[Pool]) -> Tensor:
    """As how many candidates the positives and the negatives of each pool count, and 1 where it is thin: `(B, 3)`."""
    rows = [
        (
            effective_size(pool.positive_weights),
            effective_size(pool.negative_weights) if len(pool.negatives) else 0.0,
            float(pool.thin),
        )
        for pool in pools
    ]
    return torch.tensor(rows, dtype=torch.float32)  # (B, 3)
