"""What befalls pictures on their way through the world: quarter turns, lossy files, blur, noise."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.recompression import FORMATS, recompressed
from contrapose.views.images.batch import as_bytes
from contrapose.views.images.filters import gaussian_blur
from contrapose.views.images.options import ImageViews

NOTHING, JPEG, WEBP, BLUR, NOISE = range(5)
"""What is done to a picture; the second and the third are one way to lose quality, in two formats."""
_SEEDS = 2**31


def draw_turns(batch: int, probability: float, *, generator: torch.Generator | None) -> Tensor | None:
    """Quarter turns of each sample: with this probability 0 to 3, all alike, else none; `(B,)`. None where it is 0."""
    if probability == 0:
        return None
    device = torch.device("cpu") if generator is None else generator.device
    chance, place = torch.rand(2, batch, generator=generator, device=device)  # (B,), (B,)
    return torch.where(chance < probability, (place * 4).long(), 0)


def draw_degradation(options: ImageViews, batch: int, *, generator: torch.Generator | None) -> Tensor | None:
    """How each sample loses quality, if it does: what is done, how much, and a seed for the noise.

    Shapes:
        returns `(B, 3)` float64: one of the numbers above; the quality, the standard deviation in pixels, or the
            variance of pixels from 0 to 255; a whole number below 2^31. None where nothing ever is done.
    """
    o = options.number
    if o("degrade_probability") == 0:
        return None
    device = torch.device("cpu") if generator is None else generator.device
    chance, way, kind, amount, seed = torch.rand(
        5, batch, generator=generator, device=device, dtype=torch.float64
    )  # (B,) each
    formats = {"both": (kind * 2).long() + JPEG, "jpeg": torch.full_like(kind, JPEG).long()}
    stored = formats.get(str(options.degrade_format), torch.full_like(kind, WEBP).long())  # (B,)
    way = (way * 3).long()  # (B,), all three alike
    done = torch.where(way == 0, stored, way + WEBP)  # (B,)
    low, high = (
        torch.tensor([o(f"degrade_{name}_{end}") for name in ("quality", "sigma", "variance")], device=device)[way]
        for end in ("min", "max")
    )  # (B,) each
    strength = low + amount * (high - low)  # (B,)
    qualities = (low + (amount * (high - low + 1)).floor()).minimum(high)  # (B,) whole, both ends among them
    strength = torch.where(way == 0, qualities, strength)
    done = torch.where(chance < o("degrade_probability"), done, NOTHING)
    return torch.stack([done.double(), strength, (seed * _SEEDS).floor()], dim=1)  # (B, 3)


def degrade(views: Float[Tensor, "B C S S"], numbers: Float[Tensor, "B 3"]) -> Float[Tensor, "B C S S"]:
    """The views with what `draw_degradation` drew done to them, in place; nothing is drawn at random here.

    Lossy files are written and read one by one, on the CPU. Views stay in [0, 1].
    """
    numbers = numbers.cpu()
    done, strength, seeds = numbers.unbind(1)  # (B,) each
    for number, format in zip((JPEG, WEBP), FORMATS, strict=True):
        rows = (done == number).nonzero()[:, 0]  # (b,)
        if len(rows):
            pictures = as_bytes(views[rows.to(views.device)]).cpu().numpy()  # (b, C, S, S)
            stored = [
                recompressed(picture, quality=int(quality), format=format)
                for picture, quality in zip(pictures, strength[rows].tolist(), strict=True)
            ]
            views[rows.to(views.device)] = torch.from_numpy(np.stack(stored)).to(views) / 255
    rows = (done == BLUR).nonzero()[:, 0]  # (b,)
    if len(rows):
        places = rows.to(views.device)
        views[places] = gaussian_blur(views[places], strength[rows].to(views))
    rows = (done == NOISE).nonzero()[:, 0]  # (b,)
    if len(rows):
        fields = [
            torch.randn(views.shape[1:], generator=torch.Generator().manual_seed(int(seed))) for seed in seeds[rows]
        ]  # b times (C, S, S)
        deviation = strength[rows].sqrt().float() / 255  # (b,)
        noise = deviation[:, None, None, None] * torch.stack(fields)  # (b, C, S, S)
        places = rows.to(views.device)
        views[places] = (views[places] + noise.to(views)).clamp_(0, 1)
    return views
