"""Backbones of items side by side: see `encoders.concatenated`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.concatenated import joined
from contrapose.encoders.items.backbone import ItemBackbone
from contrapose.padded import Padded


class ConcatenatedItemBackbone(ItemBackbone):
    """Backbones that know the same items; what each makes of a history stands behind that of the one before, and so do
    their tables: an item's score is the sum of its scores by each, of embeddings of length 1 with `normalize`.

    Shapes:
        view: `Padded` numbers `(B, T)`; returns `(B, D_1 + D_2 + ...)`.

    Arguments:
        parts: the backbones, in order.
        normalize: bring each part to length 1, so that all count alike.
    """

    def __init__(self, parts: Sequence[ItemBackbone], *, normalize: bool) -> None:
        nn.Module.__init__(self)  # without a table of its own
        self.parts, self.normalize = nn.ModuleList(parts), normalize
        self.items, self.dimension = parts[0].items, sum(part.dimension for part in parts)

    @property
    def table(self) -> Float[Tensor, "M+1 D"]:
        return torch.cat([part.table for part in self.parts], dim=1)  # type: ignore[misc]  # (M + 1, D)

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        return joined(self.parts, view, normalize=self.normalize)  # (B, D)
