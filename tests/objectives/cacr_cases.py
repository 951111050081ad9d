"""Embeddings for the tests of CACR in its three forms, and how two losses are compared."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def some(views: int = 3, batch: int = 5, dim: int = 4, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(views, batch, dim, generator=generator, dtype=torch.float64)


def unit(z: Tensor) -> Tensor:
    return functional.normalize(z, dim=-1)


def value_and_gradient(loss, z: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[no-untyped-def]
    z = z.clone().requires_grad_()
    value = loss(z)
    return value.detach(), torch.autograd.grad(value, z)[0]


def assert_same(one, two, z: Tensor) -> None:  # type: ignore[no-untyped-def]
    for ours, theirs in zip(value_and_gradient(one, z), value_and_gradient(two, z), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-10, atol=1e-12)
