"""Whether kernels can be had on a device, asked once of each, by running them."""

from __future__ import annotations

import functools
import importlib.util
import os
import warnings

import torch
from torch import Tensor

from contrapose.objectives.engine.plain.kernels.launch import Reduction
from contrapose.objectives.engine.plain.kernels.numbers import Numbers
from contrapose.objectives.engine.terms import Sums


def by_kernel(x: Tensor, terms: Sums) -> bool:
    """Whether the kernels can reduce these terms of rows `(R, D)`: one log channel, in float32, on a GPU with Triton.

    Embeddings in bfloat16 are float32 by the time that they are here.
    """
    if len(terms.log) != 1 or terms.log[0].raised or x.dtype != torch.float32:
        return False
    return (x.is_cuda or is_interpreted()) and is_usable(x.device, x.shape[1])


def is_interpreted() -> bool:
    """Whether Triton was told to run kernels in Python, where tensors may lie anywhere: for tests."""
    return os.environ.get("TRITON_INTERPRET") == "1"


@functools.cache
def is_usable(device: torch.device, width: int) -> bool:
    """Whether kernels of rows of `width` dimensions run there; one that cannot be built is told of, once."""
    if importlib.util.find_spec("triton") is None:  # torch brings it for CUDA; the engine does without
        return False
    try:
        _run(device, width)
    except Exception as error:  # no C compiler, a chip too old, too little memory on it: whatever a compiler may say
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        warnings.warn(
            f"Triton is installed but cannot run the kernels of the losses on {device} ({reason}). "
            "Losses are computed by torch instead: the same values, more slowly.",
            stacklevel=2,
        )
        return False
    return True


def _run(device: torch.device, width: int) -> None:
    """Rows without themselves: what most losses will ask for, so that nothing is built for this alone."""
    x, one, places = torch.zeros(16, width, device=device), torch.ones((), device=device), torch.arange(16).to(device)
    reduction = Reduction(x, x, one, Numbers((places, places)), 1.0, distances=False)
    results = reduction.log_sums(), one.expand(16)
    float(reduction.gradients(results, results).sum())  # waits for it
