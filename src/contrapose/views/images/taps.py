"""Filters along one axis as *taps*: for each pixel that is made, the pixels that it is made of and their weights.

A separable filter is two of them. On a processor they are sums of a few whole rows, which is what an embedding bag
computes: each row is read from the cache, and nothing is multiplied by the zeros of a matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from contrapose.views.images.geometry import Padding

# A Gaussian ends where it has fallen to a millionth of its middle, sqrt(-2 ln 1e-6) standard deviations away. What is
# left out is less than a thousandth of a step of a byte.
_TAIL, _REACH = 1e-6, 5.2565


@dataclass(frozen=True)
class Taps:
    """What each of T pixels takes from which of S pixels, along one axis, for each of B pictures.

    Shapes:
        places: `(B, T, k)` from 0 to S - 1; weights: `(B, T, k)`.
    """

    places: Int64[Tensor, "B T k"]
    weights: Float[Tensor, "B T k"]

    def __getitem__(self, pictures: slice) -> Taps:
        return Taps(self.places[pictures], self.weights[pictures])

    def within(self, reach: int) -> Taps:
        """Only the taps up to so many pixels away, of a filter that reaches as far to both sides."""
        spare = self.places.shape[-1] // 2 - reach
        inside = slice(spare, self.places.shape[-1] - spare)
        return Taps(self.places[..., inside], self.weights[..., inside])

    def totals(self, side: int) -> Float[Tensor, "B S"]:
        """What is taken of each of the S pixels altogether."""
        totals = torch.zeros(len(self.places), side)  # (B, S)
        return totals.scatter_add_(1, self.places.flatten(1), self.weights.flatten(1))


def bilinear_taps(scale: Tensor, shift: Tensor, side: int, size: int, padding: Padding) -> Taps:
    """Linear interpolation at the places that one row of a reading matrix gives: two taps a pixel.

    Pixel i of the view, at `p = (2 i + 1) / size - 1`, is read at `q = scale p + shift`, which is the pixel
    `((q + 1) side - 1) / 2` of the picture, as `grid_sample(align_corners=False)` has it, paddings included.

    Shapes:
        scale, shift: `(B,)`; returns T = size and k = 2.
    """
    centres = (torch.arange(size, dtype=torch.float64) * 2 + 1) / size - 1  # (T,)
    read = scale.double()[:, None] * centres + shift.double()[:, None]  # (B, T)
    pixel = ((read + 1) * side - 1) / 2  # (B, T)
    if padding == "reflection":  # about the outer edges of the picture, at -0.5 and side - 0.5
        pixel = side - 0.5 - (torch.remainder(pixel + 0.5, 2 * side) - side).abs()
    if padding != "zeros":
        pixel = pixel.clamp(0, side - 1)
    first = pixel.floor()  # (B, T)
    share = (pixel - first).float()  # (B, T)
    places = torch.stack([first, first + 1], dim=-1)  # (B, T, 2)
    weights = torch.stack([1 - share, share], dim=-1)  # (B, T, 2)
    inside = places.clamp(0, side - 1)  # (B, T, 2)
    if padding == "zeros":
        weights = weights.masked_fill(places != inside, 0.0)
    return Taps(inside.long(), weights)


def gaussian_reach(sigma: Float[Tensor, "B"], side: int) -> Int64[Tensor, "B"]:
    """How many pixels away a Gaussian of this width still takes something from, `(B,)`."""
    return (sigma * _REACH).clamp(max=side - 1).long()


def gaussian_taps(sigma: Float[Tensor, "B"], side: int) -> Taps:
    """A Gaussian of its own width for each picture, normalised over the pixels that exist.

        w_ij = g(j - i) / sum_j g(j - i),  g(d) = exp(-d^2 / (2 sigma^2))

    Arguments:
        sigma: standard deviation in pixels; 0 leaves a picture as it is, bit for bit.

    Shapes:
        returns T = side, and as many taps as the widest needs; what is 0 for a narrower one changes nothing in it.
    """
    reach = int(gaussian_reach(sigma, side).max())
    distances = torch.arange(-reach, reach + 1)  # (k,)
    variance = sigma.clamp(min=1e-3).square()  # at 1e-3 the neighbours' weight underflows to 0: the identity
    line = torch.exp(distances.square() / (-2 * variance[:, None]))  # (B, k)
    line = line.masked_fill(line < _TAIL, 0.0)
    places = torch.arange(side)[:, None] + distances  # (T, k)
    inside = places.clamp(0, side - 1)  # (T, k)
    weights = line[:, None] * (places == inside)  # (B, T, k)
    return Taps(inside.expand(weights.shape), weights / weights.sum(dim=-1, keepdim=True))


def filter_rows(rows: Float[Tensor, "B E S L"], taps: Taps) -> Float[Tensor, "B E T L"]:
    """Weighted sums of rows, `y_t = sum_k w_tk x_(place_tk)`, by a picture's own taps in all of its E groups of rows.

    Arguments:
        rows: contiguous.
    """
    batch, groups, side, length = rows.shape
    start = torch.arange(batch * groups).view(batch, groups, 1, 1) * side  # (B, E, 1, 1)
    places = taps.places[:, None] + start  # (B, E, T, k)
    weights = taps.weights[:, None].expand(places.shape).flatten(0, 2)  # (B * E * T, k)
    table = rows.view(-1, length)  # (B * E * S, L)
    sums = functional.embedding_bag(places.flatten(0, 2), table, per_sample_weights=weights, mode="sum")
    return sums.view(batch, groups, -1, length)
