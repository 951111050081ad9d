"""`gru`: gated recurrent units that read a sequence in both directions."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from contrapose.encoders.arguments import count
from contrapose.encoders.frames.backbone import FRAME_ENCODERS, FrameBackbone, FrameNorm, mean_of_frames


class Gru(FrameBackbone):
    """Batch normalisation of the channels, layers of gated recurrent units in both directions, the mean over time.

    The second direction begins at the last real frame of each sequence, not in its padding. (The encoder published with
    CMD and HaLP is fed a frame at a time, so that both of its directions run forwards; this one reads whole sequences.)

    Shapes:
        x: `(B, T, F)`; returns `(B, 2 width)`.
    """

    def __init__(self, features: int, width: int, layers: int) -> None:
        super().__init__()
        self.norm = FrameNorm(features)
        inputs = [features, *[2 * width] * (layers - 1)]
        self.forwards = nn.ModuleList(nn.GRU(size, width, batch_first=True) for size in inputs)
        self.backwards = nn.ModuleList(nn.GRU(size, width, batch_first=True) for size in inputs)
        self.dimension = 2 * width

    def forward(self, x: Float[Tensor, "B T F"], mask: Bool[Tensor, "B T"] | None) -> Float[Tensor, "B D"]:
        h = self.norm(x.mT, mask).mT.contiguous()  # (B, T, F)
        for onward, back in zip(self.forwards, self.backwards, strict=True):
            there, _ = onward(h)  # (B, T, D / 2)
            turned, _ = back(_reversed(h, mask))  # (B, T, D / 2)
            h = torch.cat([there, _reversed(turned, mask)], dim=2)  # (B, T, D)
        return mean_of_frames(h.mT, mask)  # (B, D)


def _reversed(x: Float[Tensor, "B T C"], mask: Tensor | None) -> Float[Tensor, "B T C"]:
    """The real frames of each sequence from last to first; padding stays behind them."""
    if mask is None:
        return x.flip(1)
    steps = torch.arange(x.shape[1], device=x.device)  # (T,)
    places = (mask.sum(dim=1, keepdim=True) - 1 - steps).where(mask, steps)  # (B, T)
    return x.gather(1, places[..., None].expand_as(x))


@FRAME_ENCODERS.register("gru")
def gru(*, features: int, width: int = 128, layers: int = 2) -> Gru:
    """Gated recurrent units in both directions.

    Arguments:
        width: units of a layer in each direction. [design] 128; HaLP takes 1024, on NTU RGB+D and a graphics card.
        layers: one above the other. [design] 2; HaLP takes 3.

    Errors:
        ArgumentError: a width or a number of layers below 1.

    Papers: GRU, https://arxiv.org/abs/1406.1078; HaLP, https://arxiv.org/abs/2304.00387.
    """
    return Gru(features, count(width, "width", least=1), count(layers, "layers", least=1))
