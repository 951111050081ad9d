"""The rows of the table: what is done to the tested pictures, and what of the same size stands beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from contrapose.data import Images, derived_generator, triggered
from contrapose.data.images.pixels.corruption import Corruption, corrupted, strengths
from contrapose.robustness import add_delta, paste, sign_noise
from contrapose.tasks.review import Saved

GREY = 0.5
FILES = (1, 3)  # channels that JPEG holds


@dataclass(frozen=True)
class Change:
    """A row.

    Arguments:
        name: as the table has it.
        pixels: pictures to `(N, C, H, W)` uint8.
        of: "corruption", "found" (on a share of the data), "saved", or "beside": noise or grey of the size of another.
        beside: of which row, where it is such.
    """

    name: str
    pixels: Callable[[Images], np.ndarray]
    of: str
    beside: str = ""


def corruptions(images: Images) -> Iterator[Change]:
    """Five ways at five strengths; without JPEG where pictures have other than 1 or 3 channels."""
    for way, some in strengths(images.image_size).items():
        for number, one in enumerate(some, start=1):
            if way != "jpeg" or images.channels in FILES:
                yield Change(f"{way} {number}", partial(_corrupted, one), "corruption")


def levels_in_words(images: Images) -> str:
    """What the numbers behind corruptions mean."""
    told = [
        f"{way} {', '.join(f'{one.level:g}' for one in some)}" for way, some in strengths(images.image_size).items()
    ]
    return (
        f"strengths 1 to 5 of corruptions: {'; '.join(told)} (deviation of white, pixels, share left, added, quality)"
    )


def of_patch(name: str, patch: Tensor, mask: Tensor, *, seed: int, of: str = "found") -> list[Change]:
    """A patch, and grey and noise in its place; every picture has noise of its own."""
    return [
        Change(name, partial(_put, lambda x: paste(x, patch, mask)), of),
        Change(
            f"grey for {name}", partial(_put, lambda x: paste(x, torch.full_like(patch, GREY), mask)), "beside", name
        ),
        Change(f"noise for {name}", partial(_noise_pasted, mask, seed), "beside", name),
    ]


def of_delta(name: str, delta: Tensor, radius: float, *, seed: int) -> list[Change]:
    """A delta, and noise that changes every value by its radius."""
    return [Change(name, partial(_put, lambda x: add_delta(x, delta)), "found"), _noise(name, radius, seed)]


def of_saved(saved: Saved, name: str, *, seed: int) -> list[Change]:
    """A saved change, and noise (of a patch grey too) of its size."""
    own = saved.perturber.saved
    if own.kind == "patch":
        mask = own.tensors["mask"].float().cpu()
        return [
            Change(name, saved.perturber.perturb, "saved"),
            *of_patch(name, own.tensors["patch"].float().cpu(), mask, seed=seed)[1:],
        ]
    radius = saved.perturber.radius
    beside = [] if math.isinf(radius) else [_noise(name, radius, seed)]
    return [Change(name, saved.perturber.perturb, "saved"), *beside]


def _noise(name: str, radius: float, seed: int) -> Change:
    return Change(f"noise for {name}", partial(_signs, radius, seed), "beside", name)


def _corrupted(one: Corruption, images: Images) -> np.ndarray:
    return corrupted(images, one).pixels


def _put(change: Callable[[Tensor], Tensor], images: Images) -> np.ndarray:
    return triggered(torch.from_numpy(np.ascontiguousarray(images.pixels)), change).numpy()


def _noise_pasted(mask: Tensor, seed: int, images: Images) -> np.ndarray:
    x = torch.from_numpy(np.ascontiguousarray(images.pixels))  # (N, C, H, W)
    noise = torch.randint(256, x.shape, generator=derived_generator(seed, "noise patch"), dtype=torch.uint8)
    made = mask * noise + (1 - mask) * x  # (N, C, H, W)
    return made.round().to(torch.uint8).numpy()


def _signs(radius: float, seed: int, images: Images) -> np.ndarray:
    x = torch.from_numpy(np.ascontiguousarray(images.pixels))  # (N, C, H, W)
    return sign_noise(x, radius, generator=derived_generator(seed, "noise delta")).numpy()
