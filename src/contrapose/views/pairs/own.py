"""Views of pairs by a function of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from contrapose.padded import Padded
from contrapose.paired import Paired


def own_pair_views(
    views: Callable[..., Any], count: int, prepare: Callable[[Any], Padded]
) -> Callable[..., tuple[Any, ...]]:
    """A maker of `count` views of a batch of pairs.

    Arguments:
        views: `(picture (C, H, W), captions) -> (picture, caption)`, called for each pair and view.
        prepare: texts to `Padded`.
    """

    def make(raw: Any, *, generator: Any = None) -> tuple[Any, ...]:
        made = []
        for _ in range(count):
            one = [views(picture, words) for picture, words in zip(raw.pixels, raw.captions, strict=True)]
            pictures = torch.stack([torch.as_tensor(picture) for picture, _ in one])  # (B, C, H, W)
            made.append(Paired(pictures, prepare([str(text) for _, text in one])))
        return tuple(made)

    return make
