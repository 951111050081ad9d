"""Projected gradient steps on inputs: up any score, within a ball around where they started and within [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.robustness.pictures import checked_inputs

Score = Callable[[Tensor], Tensor]
"""Inputs `(B, ...)` into a number each, `(B,)`: what is climbed. No sample may have a part in another's number."""
NORMS = ("l2", "linf")
LENGTH_FLOOR = 1e-10
"""Added to the length of a gradient that it is divided by, as in the DAT reference code."""


@dataclass(frozen=True)
class Steps:
    """How far and how inputs are moved.

    Arguments:
        count: steps, T; 0 moves nothing.
        length: eta, of a step: its L2 length, or by how much each number changes in "linf". White is 1.
        norm: "l2" or "linf".
        radius: of the ball around the start that is never left; inf: there is none.

    Errors:
        ArgumentError: a count below 0, a length or radius that is not above 0, an unknown norm.
    """

    count: int
    length: float
    norm: str = "l2"
    radius: float = math.inf

    def __post_init__(self) -> None:
        if self.norm not in NORMS:
            raise ArgumentError(f"norm must be one of {', '.join(NORMS)}, got {self.norm!r}.")
        if self.count < 0:
            raise ArgumentError(f"count must be 0 steps or more, got {self.count}.")
        if not 0 < self.length < math.inf:
            raise ArgumentError(f"length of a step must be above 0 (white is 1), got {self.length}; 0.1 is usual.")
        if not self.radius > 0:
            raise ArgumentError(f"radius must be above 0 (inf: without a ball), got {self.radius}.")


def climb(
    score: Score,
    x: Float[Tensor, "B *D"],
    steps: Steps,
    *,
    start: Float[Tensor, "B *D"] | None = None,
    noise: float = 0.0,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "B *D"]:
    """Inputs moved up a score.

        l2:    x <- x + eta g / (|g|_2 + 1e-10)          of each sample, g the gradient of the SUM of the scores
        linf:  x <- x + eta sign(g)
        then projected onto the ball around the start, then clamped to [0, 1]

    The sum, and not the mean, is differentiated: a gradient divided by B would be rounded away in half precision.
    Neither weights nor their gradients are touched, and nothing is remembered of how the result came about.

    Shapes:
        x: `(B, ...)` in [0, 1]; returns the same, float32 at least, detached.

    Arguments:
        score: what is climbed.
        start: where to begin, within the ball around `x`; None: at `x`.
        noise: deviation of normal noise that is added in each step before projecting (Langevin steps, as of JEM). 0:
            none.
        generator: draws the noise; None = torch's global stream.

    Errors:
        ArgumentError: inputs that are no floats in [0, 1], a start of another shape, noise below 0, scores of another
            shape than `(B,)`.

    Closed form: for a linear score and an x far from 0 and 1, T steps move it by T eta. A score that does not depend on
    x moves nothing.

    Papers: Madry et al., ICLR 2018, https://arxiv.org/abs/1706.06083; Yin et al. (DAT), https://arxiv.org/abs/2510.13872
    """
    centre = checked(x)
    place = centre.clone() if start is None else checked(start).clone()
    if place.shape != centre.shape:
        raise ArgumentError(f"start must be of the shape of x {(*centre.shape,)}, got {(*place.shape,)}.")
    if not noise >= 0:
        raise ArgumentError(f"noise must be 0 or more, got {noise}.")
    for _ in range(steps.count):
        place = place + steps.length * _direction(_slope(score, place), steps.norm)  # (B, ...)
        if noise:
            place = place + noise * drawn_like(place, generator)
        place = project(place, centre, steps.norm, steps.radius).clamp(0, 1)
    return place


def project(x: Tensor, centre: Tensor, norm: str, radius: float) -> Tensor:
    """The nearest to `x` in the ball of this radius around `centre`, sample by sample; no ball where it is infinite.

        l2:    centre + d min(1, radius / |d|_2),  d = x - centre          linf:  centre + clamp(d, -radius, radius)

    Shapes:
        x, centre: `(B, ...)`.
    """
    if math.isinf(radius):
        return x
    change = x - centre
    if norm == "linf":
        return centre + change.clamp(-radius, radius)
    length = _lengths(change)  # (B, 1, ...)
    return centre + change * (radius / length.clamp(min=radius))


def random_start(x: Tensor, norm: str, radius: float, *, generator: torch.Generator | None = None) -> Tensor:
    """A point drawn evenly from the ball around each sample, clamped to [0, 1].

    Shapes:
        x: `(B, ...)`; returns the same.

    Errors:
        ArgumentError: no ball to draw from.
    """
    if math.isinf(radius):
        raise ArgumentError("A random start needs a ball to draw from: give a radius.")
    if norm == "linf":
        change = 2 * radius * _uniform(x.shape, x, generator) - radius  # (B, ...)
    else:
        way = drawn_like(x, generator)  # (B, ...)
        share = _uniform((len(x), *[1] * (x.ndim - 1)), x, generator)  # (B, 1, ...)
        change = radius * share ** (x[0].numel() ** -1) * _direction(way, "l2")
    return (x + change).clamp(0, 1)


def drawn_like(x: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard normal numbers in the shape of `x`."""
    device = x.device if generator is None else generator.device
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=device).to(x.device)


def checked(x: Tensor) -> Tensor:
    """`x` as detached floats, float32 at least.

    Errors:
        ArgumentError: it is no such batch, or leaves [0, 1].
    """
    return checked_inputs(x).detach()


def _slope(score: Score, place: Tensor) -> Tensor:
    """The gradient of the sum of the scores, `(B, ...)`; zeros where they do not depend on the input."""
    with torch.enable_grad():
        place = place.detach().requires_grad_()
        values = score(place)
        if values.shape != place.shape[:1]:
            raise ArgumentError(f"score must give a number a sample, ({len(place)},), got {(*values.shape,)}.")
        if not values.requires_grad:
            return torch.zeros_like(place)
        (found,) = torch.autograd.grad(values.sum(), place, allow_unused=True)
    return torch.zeros_like(place) if found is None else found


def _direction(slope: Tensor, norm: str) -> Tensor:
    return slope.sign() if norm == "linf" else slope / (_lengths(slope) + LENGTH_FLOOR)


def _lengths(x: Tensor) -> Tensor:
    """The L2 length of each sample, `(B, 1, ...)`: squares of what is very small do not vanish."""
    over = tuple(range(1, x.ndim))
    largest = x.abs().amax(dim=over, keepdim=True)  # (B, 1, ...)
    some = largest.where(largest > 0, 1.0)
    return largest * (x / some).square().sum(dim=over, keepdim=True).sqrt()


def _uniform(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None) -> Tensor:
    device = like.device if generator is None else generator.device
    return torch.rand(shape, generator=generator, dtype=like.dtype, device=device).to(like.device)
