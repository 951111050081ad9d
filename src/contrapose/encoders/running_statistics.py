"""Batch normalisation without a trace: a pass that normalises as in training and remembers nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def training_norms(module: nn.Module) -> list[_BatchNorm]:
    """The batch normalisations in it that take the statistics of what they are given."""
    return [layer for layer in module.modules() if isinstance(layer, _BatchNorm) and layer.training]


@contextmanager
def statistics_stay(module: nn.Module) -> Iterator[None]:
    """Batch normalisation works as in training, and its running statistics stay as they are."""
    kept = [(buffer, buffer.clone()) for layer in training_norms(module) for buffer in layer.buffers()]
    try:
        yield
    finally:
        for buffer, before in kept:
            buffer.data.copy_(before)  # by its data: a graph that has seen the buffer asks whether it was changed
