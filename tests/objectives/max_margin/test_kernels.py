"""Kernels against their definitions, entry by entry."""

from __future__ import annotations

import math

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.objectives.max_margin import KERNELS, kernels

DEFINITIONS = {
    "linear": lambda u, v, sigma: float(u @ v),
    "rbf": lambda u, v, sigma: math.exp(-float(((u - v) ** 2).sum()) / sigma),
    "poly": lambda u, v, sigma: (float(u @ v) + 0.5) ** 3,
    "tanh": lambda u, v, sigma: math.tanh(sigma * float(u @ v)),
    "min": lambda u, v, sigma: float(torch.minimum(u.relu(), v.relu()).sum()),
}


def two_sets(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(5, 7, generator=g).double(), torch.randn(4, 7, generator=g).double()


def test_every_registered_kernel_has_a_definition_here() -> None:
    assert set(KERNELS) == set(DEFINITIONS)


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("sigma", [0.3, 1.0, 10.0])
def test_entries(name: str, sigma: float) -> None:
    u, v = two_sets()
    expected = torch.tensor([[DEFINITIONS[name](a, b, sigma) for b in v] for a in u], dtype=torch.float64)
    torch.testing.assert_close(KERNELS[name](u, v, sigma), expected, rtol=1e-10, atol=1e-12)


def test_rbf_of_unit_rows_divides_by_the_width() -> None:
    u, v = (torch.nn.functional.normalize(x, dim=1) for x in two_sets())
    torch.testing.assert_close(kernels.rbf(u, v, 0.7), torch.exp(-(2 - 2 * u @ v.T) / 0.7))


@pytest.mark.parametrize("name", DEFINITIONS)
def test_gradients(name: str) -> None:
    u, v = (x.requires_grad_() for x in two_sets(1))
    assert torch.autograd.gradcheck(lambda a, b: KERNELS[name](a, b, 0.8), (u, v))


def test_min_in_tiles_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    u, v = (x.requires_grad_() for x in two_sets(2))
    whole = kernels.minimum(u, v)
    expected = torch.autograd.grad(whole.square().sum(), (u, v))
    sizes: list[int] = []
    cdist = torch.cdist
    monkeypatch.setattr(kernels, "TILE_ELEMENTS", 2 * v.numel())
    monkeypatch.setattr(torch, "cdist", lambda a, b, p: sizes.append(len(a)) or cdist(a, b, p=p))
    tiled = kernels.minimum(u, v)
    assert sizes == [2, 2, 1]
    torch.testing.assert_close(tiled, whole)
    for got, wanted in zip(torch.autograd.grad(tiled.square().sum(), (u, v)), expected, strict=True):
        torch.testing.assert_close(got, wanted)


def test_an_unknown_kernel_names_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="Did you mean 'poly'"):
        KERNELS["polly"]
