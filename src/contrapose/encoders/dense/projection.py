"""`DenseProjection`: a projection head on every cell of a map by itself."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.projection import ProjectionHead


class DenseProjection(nn.Module):
    """A `ProjectionHead` whose rows are the cells of maps: 1 x 1 convolutions, with batch normalisation between them.

    Shapes:
        maps: `(B, C, H, W)`; returns `(B, D, H, W)`. Cells are not normalised here: objectives do that.

    Arguments:
        options: of `ProjectionHead`. PixPro: two layers, 4096 hidden and 256 outputs on 2048 channels.

    Errors:
        ArgumentError: as of `ProjectionHead`.
    """

    def __init__(self, input_dimension: int, **options: Any) -> None:
        super().__init__()
        self.cells = ProjectionHead(input_dimension, **options)

    @property
    def output_dimension(self) -> int:
        """D."""
        return self.cells.output_dimension

    def forward(self, maps: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H W"]:
        batch, _, height, width = maps.shape
        rows = maps.permute(0, 2, 3, 1).flatten(0, 2)  # (B·H·W, C): of maps stored channels last, no copy
        return self.cells(rows).view(batch, height, width, -1).permute(0, 3, 1, 2)  # (B, D, H, W)
