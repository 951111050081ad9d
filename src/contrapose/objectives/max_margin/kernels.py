"""Kernels between two sets of rows: what "similar" means to the machines of `mmcl`.

A kernel is a function `(u, v, sigma) -> (B, M)`. Those with a name stand in `KERNELS`; any function of that
form will do, so that `functools.partial(poly, power=2)` or one's own kernel can be handed to
`mmcl(kernel=...)` in place of a name.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.registry import Registry

Kernel = Callable[[Tensor, Tensor, float], Tensor]

KERNELS: Registry[Kernel] = Registry("kernel")

# The backward of `minimum` may hold a (r, M, D) block of this many numbers at once: 64 MiB in float32.
TILE_ELEMENTS = 2**24


@KERNELS.register("linear")
def linear(u: Float[Tensor, "B D"], v: Float[Tensor, "M D"], sigma: float = 1.0) -> Float[Tensor, "B M"]:
    """The inner product, k = u.v; `sigma` is not used."""
    return u @ v.T  # (B, M)


@KERNELS.register("rbf")
def rbf(u: Float[Tensor, "B D"], v: Float[Tensor, "M D"], sigma: float = 1.0) -> Float[Tensor, "B M"]:
    """The Gaussian, k = exp(-|u - v|^2 / sigma); for unit rows that is exp(-(2 - 2 u.v) / sigma).

    The width divides as it is: neither squared nor doubled.
    """
    centre = u.detach().mean(0)  # (D,) distances stay, and squares of rows that share an offset do not cancel
    u, v = u - centre, v - centre
    square = u.square().sum(1)[:, None] + v.square().sum(1)[None, :] - 2 * (u @ v.T)  # (B, M)
    return torch.exp(-square.clamp(min=0) / sigma)  # rounding must not make a distance negative


@KERNELS.register("poly")
def poly(
    u: Float[Tensor, "B D"],
    v: Float[Tensor, "M D"],
    sigma: float = 1.0,
    *,
    offset: float = 0.5,
    power: int = 3,
) -> Float[Tensor, "B M"]:
    """The polynomial kernel, k = (u.v + offset)^power; 0.5 and 3 are the authors', `sigma` is unused."""
    return (u @ v.T + offset).pow(power)  # (B, M)


@KERNELS.register("tanh")
def tanh(u: Float[Tensor, "B D"], v: Float[Tensor, "M D"], sigma: float = 1.0) -> Float[Tensor, "B M"]:
    """The sigmoid kernel, k = tanh(sigma u.v): here `sigma` MULTIPLIES, as in the authors' code.

    It is not positive semidefinite, so the problems of `mmcl` may have no minimum.
    """
    return torch.tanh(sigma * (u @ v.T))  # (B, M)


@KERNELS.register("min")
def minimum(u: Float[Tensor, "B D"], v: Float[Tensor, "M D"], sigma: float = 1.0) -> Float[Tensor, "B M"]:
    """Histogram intersection, k = sum_d min(relu(u_d), relu(v_d)); `sigma` is not used.

    From min(a, b) = (a + b - |a - b|) / 2 it is a city-block distance, which needs no (B, M, D) block
    forward. Its backward on a GPU does, so the rows are taken in tiles.
    """
    u, v = u.relu(), v.relu()
    rows = max(1, TILE_ELEMENTS // max(1, v.numel()))
    distance = torch.cat([torch.cdist(tile, v, p=1.0) for tile in u.split(rows)])  # (B, M)
    return (u.sum(1)[:, None] + v.sum(1)[None, :] - distance) / 2  # (B, M)
