"""The dense probe: what a linear classifier of cells can read off frozen maps, asked at every pixel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor
from torch.nn import functional as F

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import positive_integer

STEPS, BATCH, RATE, DECAY = 200, 8, 0.05, 1e-4
SMALLEST = 1e-6  # of a channel's deviation: what hardly varies is not blown up


@dataclass(frozen=True)
class DenseProbe:
    """A fitted 1 x 1 convolution.

    Shapes:
        mean, scale: `(C,)` of the cells that it learned from; weight: `(K, C)`; bias: `(K,)`.
    """

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    @torch.no_grad()
    def predict(self, maps: Float[np.ndarray, "T C h w"], size: tuple[int, int]) -> Int64[np.ndarray, "T H W"]:
        """The likeliest class of every pixel of pictures of this height and width."""
        parts = torch.from_numpy(np.ascontiguousarray(maps)).split(BATCH)
        return torch.cat([self.logits(part, size).argmax(dim=1) for part in parts]).numpy()  # (T, H, W)

    def logits(self, maps: Float[Tensor, "T C h w"], size: tuple[int, int]) -> Float[Tensor, "T K H W"]:
        """Scores of the classes, made on the cells and upsampled to the pixels."""
        cells = (maps.float() - self.mean[:, None, None]) / self.scale[:, None, None]  # (T, C, h, w)
        scores = F.conv2d(cells, self.weight[:, :, None, None], self.bias)  # (T, K, h, w)
        if tuple(scores.shape[2:]) == size:
            return scores
        return F.interpolate(scores, size=size, mode="bilinear", align_corners=False)  # (T, K, H, W)


@torch.inference_mode(False)
def dense_probe(
    maps: Float[np.ndarray, "N C h w"],
    masks: Int[np.ndarray, "N H W"],
    *,
    classes: int,
    steps: int = STEPS,
    generator: torch.Generator | None = None,
) -> DenseProbe:
    """Fit a linear classifier of cells, whose scores are upsampled to the pixels, on frozen maps.

        scores = upsample(W (maps - mean) / scale + b),   loss = mean cross-entropy over pixels with a class

    Mean and scale are those of each channel over the cells of `maps`; upsampling is bilinear. Adam at a rate of 0.05,
    by a cosine to zero, on batches of 8 pictures with a decay of 1e-4, the same for whatever is probed [design]. On 40
    canvases of digits and an untrained map, rates of 0.02 to 0.1 and 100 to 400 steps came to 11.2 to 12.0 % mIoU.

    Shapes:
        maps: `(N, C, h, w)`; masks: `(N, H, W)` class numbers, below 0 where a pixel has none.

    Arguments:
        classes: K.
        steps: of the fit. 200 [design].
        generator: draws the batches; None is a fresh one with seed 0.

    Errors:
        ArgumentError: shapes that do not fit each other, numbers that are no class, no pixel with a class, NaN.

    Closed form: maps that are constant give every pixel the most frequent class.
    """
    x, y = _checked(maps, masks, classes)
    mean, scale = x.mean(dim=(0, 2, 3)), x.std(dim=(0, 2, 3), correction=0).clamp(min=SMALLEST)  # (C,) each
    with torch.enable_grad():
        weights = [torch.zeros(classes, x.shape[1], requires_grad=True), torch.zeros(classes, requires_grad=True)]
        probe = DenseProbe(mean, scale, *weights)
        optimizer = torch.optim.Adam(weights, lr=RATE, weight_decay=DECAY)
        batches = _batches(len(x), generator or torch.Generator().manual_seed(0))
        for step in range(positive_integer(steps, "steps")):
            rows = next(batches)  # (b,)
            for group in optimizer.param_groups:
                group["lr"] = RATE * (1 + math.cos(math.pi * step / steps)) / 2
            optimizer.zero_grad()
            scores = probe.logits(x[rows], (y.shape[1], y.shape[2]))  # (b, K, H, W)
            total = F.cross_entropy(scores, y[rows], ignore_index=-1, reduction="sum")
            (total / (y[rows] >= 0).sum().clamp(min=1)).backward()
            optimizer.step()
    return DenseProbe(mean, scale, *(weight.detach() for weight in weights))


def _checked(maps: np.ndarray, masks: np.ndarray, classes: int) -> tuple[Tensor, Tensor]:
    """Maps, and masks with -1 for all that is no class."""
    x, y = torch.from_numpy(np.ascontiguousarray(maps)), torch.from_numpy(np.asarray(masks, dtype=np.int64))
    if x.ndim != 4 or y.ndim != 3 or len(x) != len(y) or not len(x):
        raise ArgumentError(
            f"A dense probe takes maps (N, C, h, w) and masks (N, H, W) of the same pictures; got {tuple(x.shape)} and "
            f"{tuple(y.shape)}."
        )
    if int(y.max()) >= classes or int(y.max()) < 0:
        raise ArgumentError(
            f"Masks hold classes 0 to {classes - 1}, some at least, and below 0 what has none; got {y.min()} to "
            f"{y.max()}."
        )
    if not bool(x.isfinite().all()):
        raise ArgumentError("The maps hold NaN or infinite values: look at the encoder's training.")
    return x.float(), y.clamp(min=-1)


def _batches(count: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Batches of rows, every row once before any comes again."""
    order = torch.empty(0, dtype=torch.int64)
    while True:
        while len(order) < min(BATCH, count):
            order = torch.cat([order, torch.randperm(count, generator=generator)])
        yield order[:BATCH]
        order = order[BATCH:]
