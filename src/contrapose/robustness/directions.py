"""Random directions in the space of weights, and going along them and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Direction = Mapping[str, Tensor]
"""A change of each parameter, by its name."""


def filter_normalized(model: nn.Module, *, generator: torch.Generator) -> dict[str, Tensor]:
    """A random direction in which every filter has the length of the model's own.

        d_f <- n_f |w_f| / |n_f|,   n ~ N(0, I);   0 for parameters of one dimension (biases, norms)

    A filter is a row along the first dimension: an output of a linear map, a filter of a convolution. Weights that are
    rescaled without changing the function (as before a normalisation) are then moved as much as before.

    Paper: Li et al. 2018, https://arxiv.org/abs/1712.09913.
    """
    drawn = _normal(model, generator)
    return {
        name: noise * (_norms(weight) / _norms(noise).clamp(min=torch.finfo(noise.dtype).tiny))
        for (name, weight), noise in zip(model.named_parameters(), drawn, strict=True)
    }


def gaussian_noise(model: nn.Module, *, generator: torch.Generator) -> dict[str, Tensor]:
    """Gaussian noise whose deviation in every filter is the filter's norm: n_f |w_f|, n ~ N(0, I).

    Parameters of one dimension (biases, norms) get none.
    """
    drawn = _normal(model, generator)
    return {name: noise * _norms(weight) for (name, weight), noise in zip(model.named_parameters(), drawn, strict=True)}


@contextmanager
def moved(model: nn.Module, *ways: tuple[float, Direction]) -> Iterator[None]:
    """The model with its weights moved by the sum of length times direction; afterwards they are the very same."""
    kept = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    try:
        with torch.no_grad():
            for name, weight in model.named_parameters():
                for length, direction in ways:
                    if name in direction:
                        weight.add_(direction[name], alpha=length)
        yield
    finally:
        with torch.no_grad():
            for name, weight in model.named_parameters():
                weight.copy_(kept[name])


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Dropout off and running statistics in use; afterwards every part is in the mode in which it was found."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def _normal(model: nn.Module, generator: torch.Generator) -> list[Tensor]:
    """Standard normal numbers of each parameter's shape, drawn in order; zeros where there are no filters."""
    return [
        torch.randn(weight.shape, generator=generator, dtype=weight.dtype, device=generator.device).to(weight.device)
        if weight.ndim > 1
        else torch.zeros_like(weight)
        for weight in model.parameters()
    ]


def _norms(weight: Tensor) -> Tensor:
    """The norm of every filter, shaped so that it multiplies them: (F, ...) -> (F, 1, ...)."""
    if weight.ndim < 2:
        return torch.ones((), dtype=weight.dtype, device=weight.device)
    with torch.no_grad():
        return weight.flatten(1).norm(dim=1).view(-1, *[1] * (weight.ndim - 1))
