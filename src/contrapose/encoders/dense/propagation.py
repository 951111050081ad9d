"""Pixel propagation: every cell of a map becomes a sum over the cells that are like it."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.encoders.arguments import count
from contrapose.errors import ArgumentError

_BESIDE_ZERO = 1e-6  # of the reference: a power below 1 rises without bound at 0


def propagate(
    x: Float[Tensor, "B D H W"], values: Float[Tensor, "B E H W"], *, sharpness: float = 2.0
) -> Float[Tensor, "B E H W"]:
    """For each cell, the values of all cells of its map, weighed by how much these are like it.

        y_i = sum_j s(x_i, x_j) v_j,    s(x_i, x_j) = max(cos(x_i, x_j), 0)^gamma

    The sum goes over all cells, i among them; the weights are no softmax and are not divided by their sum. Computed in
    float32 at least, also where the network computes in less.

    Shapes:
        x: maps that are compared; values: maps that are summed, on the same cells.

    Arguments:
        sharpness: gamma. 2: PixPro's scripts. Below 1 the reference's 1e-6 is added to what is raised.

    Errors:
        ArgumentError: gamma below 0, maps of unequal size.

    Closed form: H·W cells that are all equal give H·W times the mean value; cells at right angles to each other give
    their own value.

    Paper: PixPro, https://arxiv.org/abs/2011.10043, section 3.2.
    """
    check_sharpness(sharpness)
    if x.ndim != 4 or (len(x), *x.shape[2:]) != (len(values), *values.shape[2:]):
        raise ArgumentError(
            f"Propagation sums values over the cells that are compared: maps of {tuple(x.shape)} and values of "
            f"{tuple(values.shape)} have not the same cells. Give (B, D, H, W) and (B, E, H, W)."
        )
    with torch.autocast(x.device.type, enabled=False):
        cells = functional.normalize(_at_least_float32(x).flatten(2), dim=1)  # (B, D, H·W)
        alike = (cells.transpose(1, 2) @ cells).clamp(min=0)  # (B, H·W, H·W)
        weights = (alike + _BESIDE_ZERO if sharpness < 1 else alike) ** sharpness
        summed = _at_least_float32(values).flatten(2) @ weights  # (B, E, H·W), for the weights are symmetric
    return summed.view_as(values)  # (B, E, H, W)


class Propagation(nn.Module):
    """PixPro's pixel-to-propagation module: `propagate` with values that are a transform of the cells.

        y = propagate(x, h(x) / ||h(x)||)

    The length of a transformed cell is taken off, as in the reference; the formula in the paper is without. What comes
    out is not of length 1: objectives see to that.

    Shapes:
        x: `(B, D, H, W)`; returns the same.

    Arguments:
        dimension: D.
        sharpness: gamma; see `propagate`.
        layers: 1 x 1 convolutions of h, between two of them batch normalisation and ReLU; 0: h(x) = x. 1: the scripts.

    Errors:
        ArgumentError: an argument out of range.

    Paper: PixPro, https://arxiv.org/abs/2011.10043, section 3.2.
    """

    def __init__(self, dimension: int, *, sharpness: float = 2.0, layers: int = 1) -> None:
        super().__init__()
        self.sharpness = check_sharpness(sharpness)
        dimension, layers = count(dimension, "dimension"), count(layers, "layers", least=0)
        modules: list[nn.Module] = []
        for number in range(layers):
            if number:
                modules += [nn.BatchNorm2d(dimension), nn.ReLU(inplace=True)]
            modules.append(nn.Conv2d(dimension, dimension, 1))
        self.transform = nn.Sequential(*modules)

    def forward(self, x: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D H W"]:
        values = functional.normalize(_at_least_float32(self.transform(x)), dim=1)  # (B, D, H, W)
        return propagate(x, values, sharpness=self.sharpness)


def check_sharpness(sharpness: float) -> float:
    """Pass an exponent of similarities.

    Errors:
        ArgumentError: it is below 0, or no number.
    """
    if not 0 <= sharpness < math.inf:
        raise ArgumentError(f"sharpness must be 0 or more, got {sharpness}; 2 is usual, 0 sums all cells alike.")
    return float(sharpness)


def _at_least_float32(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
