"""First weights that are the same every time, drawn without touching torch's global random state."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from contrapose.encoders.arguments import count


@contextlib.contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """What is drawn inside comes from `seed`; `None`: from torch's global state, as by any module.

    Errors:
        ArgumentError: a seed that is no whole number from 0 on.
    """
    if seed is None:
        yield
        return
    # Weights are drawn on the CPU, so its generator is the only one to set and to put back: torch.manual_seed
    # would also reseed every GPU.
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(count(seed, "seed", least=0))
        yield
