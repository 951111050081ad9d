"""What a backbone of graphs is, and the list of those that are known by name."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from contrapose.graph_batch import GraphBatch
from contrapose.registry import Registry


class GraphBackbone(nn.Module):
    """Prepared graphs to features.

    Shapes:
        view: B graphs; returns `(B, dimension)`.
    """

    dimension: int

    def forward(self, view: GraphBatch) -> Float[Tensor, "B D"]:
        raise NotImplementedError(f"{type(self).__name__} defines no forward.")


GRAPH_ENCODERS: Registry[Any] = Registry("encoder of graphs")
"""Names to factories `(*, inputs, **arguments) -> GraphBackbone`."""
