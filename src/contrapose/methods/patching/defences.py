"""What an owner can put before an encoder, or do to its weights, so that a patch means less; and who knows of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from contrapose.data import derived_generator
from contrapose.robustness.defences import blurred, levelled, noisy, pruned

Before = Callable[[Tensor], Tensor]
# pictures in [0, 1] before the encoder sees them
UNDEFENDED, NOISE, PRUNING = "none", "noise", "pruning"
BEFORE: dict[str, Before] = {"blur": blurred, "levels": levelled}
"""Defences on pictures that draw nothing at random, and that gradients pass."""


def to_learn_against(name: str) -> Before | None:
    """What is done to pictures while a patch is learned that knows of this defence; None: nothing.

    Noise is drawn anew for each batch, from torch's own stream, which a run sets anew before every step.
    """
    if name == NOISE:
        return lambda x: noisy(x, generator=torch.default_generator)
    return BEFORE.get(name)


def defended(network: Any, *, prune: float, seed: int = 0) -> dict[str, tuple[Any, Before | None]]:
    """An encoder behind each defence: what is asked, and what is done to pictures before.

    Arguments:
        network: an encoder of pictures, or two towers, of which the one of pictures is pruned.
        prune: share of its weights that pruning takes away.
        seed: of the noise.
    """

    def with_noise(x: Tensor) -> Tensor:
        return noisy(x, generator=derived_generator(seed, "defence"))

    return {
        NOISE: (network, with_noise),
        **{name: (network, before) for name, before in BEFORE.items()},
        PRUNING: (pruned_towers(network, prune), None),
    }


def pruned_towers(towers: Any, share: float) -> Any:
    """A copy of two towers whose picture tower is pruned; of a single encoder, all of it."""
    if not hasattr(towers, "embed_images"):
        return pruned(towers, share)
    made = copy.copy(towers)
    made._modules = {**towers._modules, "image": pruned(towers.image, share)}
    return made
