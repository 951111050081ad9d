"""All samples of a run by an encoder, as jobs without batches need them: k-means, a frozen encoder under heads."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.data import Samples
from contrapose.encoders import Encoder

BLOCK = 512
"""Samples that are embedded at a time."""


@torch.no_grad()
def embeddings_of(
    encoder: Encoder,
    samples: Samples,
    device: torch.device | str = "cpu",
    *,
    told: Callable[[int], object] | None = None,
) -> Float[Tensor, "N D"]:
    """The samples by an encoder as it is in use, `(N, D)` float32 on the device.

    Arguments:
        told: called with how many are done, after each block of 512.
    """
    training = encoder.training
    encoder.to(device).eval()
    rows = []
    for part in torch.arange(len(samples)).split(BLOCK):
        rows.append(encoder(encoder.prepare(samples.batch(part)).to(encoder.device)).float())  # (b, D)
        if told is not None:
            told(int(part[-1]) + 1)
    encoder.train(training)
    return torch.cat(rows)  # (N, D)
