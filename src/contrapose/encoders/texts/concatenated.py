"""Backbones of texts side by side: see `encoders.concatenated`."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.concatenated import joined
from contrapose.encoders.texts.backbone import TextBackbone
from contrapose.padded import Padded


class ConcatenatedTextBackbone(TextBackbone):
    """Backbones that read with one vocabulary; what each makes of a text stands behind that of the one before.

    Shapes:
        view: `Padded` numbers `(B, T)`; returns `(B, D_1 + D_2 + ...)`.

    Arguments:
        parts: the backbones, in order.
        normalize: bring each part to length 1, so that all count alike.
    """

    def __init__(self, parts: Sequence[TextBackbone], *, normalize: bool) -> None:
        super().__init__()
        self.parts, self.normalize = nn.ModuleList(parts), normalize
        self.dimension = sum(part.dimension for part in parts)

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        return joined(self.parts, view, normalize=self.normalize)  # (B, D)
