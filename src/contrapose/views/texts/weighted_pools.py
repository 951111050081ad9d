"""`WeightedPools`: a batch of texts into anchors and all candidates of their pools, each with its weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from contrapose.padded import Padded
from contrapose.views.texts.drawn_pairs import sizes_of
from contrapose.views.texts.pools import Pools


class WeightedPools:
    """Views of texts that are all candidates of their pools: nothing is drawn, and every candidate has the weight by
    which it would be.

        weights of positives add up to 1, those of negatives to H

    Shapes:
        raw: B texts; returns 1 + P + N `Padded` of B, and three tensors beside them: `(B, 1 + N, K)` the meaning of
            each anchor and of its negatives, `(B, 3)` of the pools as `DrawnPairs` has it, and `(B, P + N)` weights.
            P and N are as large as pools may be: of a smaller one the text itself stands in, with the weight 0.

    Arguments:
        pools: candidates of each text, and weights.
        make: texts to their views, of which the first is taken.
        hard: H, as many negatives as would be drawn; 0: N is 0.
    """

    def __init__(self, pools: Pools, make: Callable[..., tuple[Padded, ...]], *, hard: int) -> None:
        self.pools, self.make, self.hard = pools, make, hard

    @torch.no_grad()
    def __call__(self, raw: Sequence[str], *, generator: torch.Generator | None = None) -> tuple[Any, ...]:
        """Views of the texts; `generator` draws what `make` leaves of them."""
        texts, options = list(raw), self.pools.options
        pools = self.pools.of(texts)
        count = max(options.surface_negatives + options.random_negatives, options.least_negatives) if self.hard else 0
        sides = [
            *_columns([pool.positives for pool in pools], texts, options.positives),
            *_columns([pool.negatives for pool in pools], texts, count),
        ]
        weights = np.zeros((len(texts), options.positives + count))  # (B, P + N)
        for row, pool in enumerate(pools):
            weights[row, : len(pool.positives)] = pool.positive_weights
            if count:
                negatives = slice(options.positives, options.positives + len(pool.negatives))
                weights[row, negatives] = self.hard * pool.negative_weights
        views = [self.make(side, generator=generator)[0] for side in (texts, *sides)]
        known = [texts, *sides[options.positives :]]
        meanings = [torch.from_numpy(self.pools.vectors_of(side)).float() for side in known]  # (B, K) each
        return (*views, torch.stack(meanings, dim=1), sizes_of(pools), torch.from_numpy(weights).float())

    def __repr__(self) -> str:
        return f"WeightedPools({self.make!r}, {self.hard} hard negatives' weight, {self.pools.options})"


def _columns(pools: Sequence[Sequence[str]], texts: Sequence[str], count: int) -> list[list[str]]:
    """Candidate n of each text, for each of `count` numbers; the text itself where its pool has no such."""
    return [
        [pool[place] if place < len(pool) else text for pool, text in zip(pools, texts, strict=True)]
        for place in range(count)
    ]
