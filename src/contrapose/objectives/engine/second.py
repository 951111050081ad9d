"""Gradients that can be differentiated again: from the whole matrix, for whoever asks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from contrapose.errors import RunError

# Similarities in a graph of torch's own, which keeps several times as many numbers: 256 MiB each time in float32.
LARGEST_IN_GRAPH = 2**26


def gradients_of_whole(
    whole: Callable[..., Sequence[Tensor]], x: Tensor, y: Tensor, scale: Tensor, gradients: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """The gradients of `x`, `y` and `scale`, with a graph of their own; None for those that need none.

    Arguments:
        whole: computes the results from `x` `(R, D)`, `y` `(M, D)` and `scale` in plain operations.
        gradients: those of the results; None = nobody differentiates it.

    Errors:
        RunError: the matrix is too large to be kept.
    """
    if len(x) * len(y) > LARGEST_IN_GRAPH:
        raise RunError(
            f"A second derivative (create_graph=True was asked for) takes the whole matrix of similarities, and "
            f"{len(x)} × {len(y)} are more than {LARGEST_IN_GRAPH}; ask for it on a smaller batch."
        )
    with torch.enable_grad(), torch.autocast(x.device.type, enabled=False):
        # views: where x and y are one tensor each shall have its own part of the gradient
        inputs = [tensor.view_as(tensor) for tensor in (x, y, scale)]
        pairs = [
            (result, gradient.to(result.dtype))
            for result, gradient in zip(whole(*inputs), gradients, strict=True)
            if gradient is not None and result.requires_grad
        ]
    found: list[Tensor | None] = [None, None, None]
    wanted = [place for place, tensor in enumerate(inputs) if tensor.requires_grad]
    if pairs and wanted:
        results, seeds = zip(*pairs, strict=True)
        parts = torch.autograd.grad(
            results, [inputs[place] for place in wanted], seeds, create_graph=True, allow_unused=True
        )
        for place, part in zip(wanted, parts, strict=True):
            found[place] = part
    return found
