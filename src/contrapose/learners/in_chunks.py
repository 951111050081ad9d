"""A large batch through a network a part at a time, in the memory of one part: the gradient is that of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def in_chunks(
    network: Callable[[Any], Tensor], x: Any, size: int | None, *, modules: nn.Module, dim: int = 0
) -> Tensor:
    """`network(x)`, the rows of x in parts of at most `size`, of which nothing is kept but what comes out.

        forward: z_c = network(x_c) of each part c, no activation stored
        backward: network(x_c) once more, and the gradient that reached z_c through it; then the next part

    A loss that compares all rows with each other (contrast) sees all of them, and its gradient is that of one large
    pass, for a third more time. That is exact where a row's output depends on no other row; batch normalisation in
    training takes the statistics of its own part, as it takes those of its own process.

    Shapes:
        x: a view of B rows; z: B rows at `dim`.

    Arguments:
        size: rows of a part; None: all at once.
        modules: what `network` goes through: its running statistics move in the forward pass alone, not again when a
            part is computed a second time.

    Gradient caching, as in Gao et al. 2021, https://arxiv.org/abs/2101.06983.
    """
    if size is None or size >= len(x) or not torch.is_grad_enabled():
        return network(x)

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _statistics_stay(modules)

    parts = [x[start : start + size] for start in range(0, len(x), size)]
    found: list[Tensor] = [checkpoint(network, part, use_reentrant=False, context_fn=contexts) for part in parts]
    return torch.cat(found, dim=dim)


@contextmanager
def _statistics_stay(modules: nn.Module) -> Iterator[None]:
    """Batch normalisation works as in training, and moves no running statistics."""
    norms = [layer for layer in modules.modules() if isinstance(layer, _BatchNorm) and layer.training]
    kept = [(buffer, buffer.clone()) for layer in norms for buffer in layer.buffers()]
    try:
        yield
    finally:
        for buffer, value in kept:
            buffer.data.copy_(value)  # by its data: a graph that has seen the buffer asks whether it was changed
