"""What encoders are tested with: small versions of large ones, pictures to feed them, libraries at hand."""

from __future__ import annotations

import copy
import functools
import json
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from contrapose.encoders import ENCODERS, ImageEncoder, build
from contrapose.errors import MissingExtraError
from contrapose.optional import optional

SIDE = 24  # pixels
NAMES = list(ENCODERS)
CONVOLUTIONS = ("small_conv", "tiny_conv", "micro_conv", "dense_conv", "no_down_conv", "resnet")
CONVOLUTIONAL = [name for name in NAMES if name.startswith(CONVOLUTIONS)]
VITS = ("vit_micro", "vit_mini", "vit_tiny", "vit_small")
ARGUMENTS: dict[str, dict[str, Any]] = {name: {"patch_size": 8} for name in VITS}
"""Fewer tokens than by default, so that the tests stay light."""


def make(name: str, *, channels: int = 3, image_size: int = SIDE, seed: int = 0, **more: Any) -> ImageEncoder:
    """The registered encoder `name`, the same at every call."""
    arguments = json.dumps({**ARGUMENTS.get(name, {}), **more})
    return copy.deepcopy(_made(name, channels, image_size, seed, arguments))


@functools.cache
def _made(name: str, channels: int, image_size: int, seed: int, arguments: str) -> ImageEncoder:
    return build(name, channels=channels, image_size=image_size, seed=seed, **json.loads(arguments))


def draw(batch: int, channels: int = 3, side: int = SIDE, seed: int = 0) -> Tensor:
    """Random uint8 pictures, `(batch, channels, side, side)`."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (batch, channels, side, side), dtype=torch.uint8, generator=generator)


def library(name: str, extra: str) -> ModuleType:
    """The real library, or a skipped test."""
    try:
        return optional(name, extra=extra)
    except MissingExtraError as error:
        pytest.skip(f"the real {name} is not at hand: {error}")
