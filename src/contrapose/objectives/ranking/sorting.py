"""Sorting networks with soft comparators: where each value of a short list would end up, differentiably.

A comparator of a sorting network swaps two wires if they are out of order. A soft one swaps them to a degree: each
wire becomes a mean of both. A network of soft comparators turns a list into a doubly stochastic matrix, which says
with what weight each element lands at each rank.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError, NonFiniteError
from contrapose.objectives.engine.inputs import check_choice
from contrapose.tracing import is_readable


def _cauchy(v: Tensor, difference: Tensor) -> Tensor:
    return torch.atan2(torch.ones_like(v), -v) / math.pi


def _logistic(v: Tensor, difference: Tensor) -> Tensor:
    return v.sigmoid()


def _logistic_phi(v: Tensor, difference: Tensor) -> Tensor:
    return (v / (difference.abs() + 1e-10).pow(0.25)).sigmoid()  # neighbours that are close are told apart faster


def _reciprocal(v: Tensor, difference: Tensor) -> Tensor:
    return torch.where(v < 0, 1 / (2 - v.clamp(max=0)), 1 - 1 / (2 + v.clamp(min=0)))


def _optimal(v: Tensor, difference: Tensor) -> Tensor:
    size = v.abs()
    tail = 1 / (16 * size.clamp(min=0.25))
    return torch.where(size <= 0.25, 0.5 + v, torch.where(v < 0, tail, 1 - tail))


# How far a comparator is from swapping, in [0, 1], from steepness times the difference of its wires, and the
# difference itself. All are monotone with 1/2 at 0 and f(-v) = 1 - f(v), and keep their digits where they are small.
# The tails of the logistic ones fall exponentially, so that pairs far out of order get no gradient; those of the others
# fall like 1/v.
DISTRIBUTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cauchy": _cauchy,
    "logistic": _logistic,
    "logistic_phi": _logistic_phi,
    "reciprocal": _reciprocal,
    "optimal": _optimal,
}


@dataclass(frozen=True)
class Layer:
    """Comparators that work at the same time: for each wire its partner (itself: none) and where the larger goes.

    Arguments:
        partner: for each of the n wires the wire it is compared with.
        sign: +1 for the wire that gets the smaller value, -1 for the one that gets the larger.
    """

    partner: tuple[int, ...]
    sign: tuple[float, ...]


@cache
def odd_even(n: int) -> tuple[Layer, ...]:
    """The network of n layers that compares neighbours: those at even places, then those at odd ones, in turn."""
    return tuple(_layer(n, [(i, i + 1) for i in range(t % 2, n - 1, 2)]) for t in range(n))


@cache
def bitonic(n: int) -> tuple[Layer, ...]:
    """Batcher's bitonic network, of log2(n) (log2(n) + 1) / 2 layers.

    For n that is no power of two, the network of the next power without its first wires and their comparators. That
    this still sorts is checked with all lists of zeros and ones (up to n = 17) in the tests.
    """
    power = (n - 1).bit_length()
    dropped = 2**power - n
    layers = []
    for block in range(power):
        for distance in (2**level for level in reversed(range(block + 1))):
            lows = [i for i in range(dropped, 2**power) if not i & distance]
            upward = [not (i >> (block + 1)) & 1 for i in lows]
            pairs = [
                (i - dropped, i + distance - dropped)[:: 1 if up else -1] for i, up in zip(lows, upward, strict=True)
            ]
            layers.append(_layer(n, pairs))
    return tuple(layers)


NETWORKS: dict[str, Callable[[int], tuple[Layer, ...]]] = {"odd_even": odd_even, "bitonic": bitonic}


def soft_sort(
    x: Float[Tensor, "B n"],
    *,
    network: str = "odd_even",
    distribution: str = "cauchy",
    steepness: float = 1.0,
) -> tuple[Float[Tensor, "B n"], Float[Tensor, "B n n"]]:
    """Sort each row upwards, softly: the relaxed values, and the weight of element i at rank r.

        alpha = f(steepness (x_b - x_a))                            for each comparator, wire a to get the smaller
        x_a <- alpha x_a + (1 - alpha) x_b,   x_b <- (1 - alpha) x_a + alpha x_b,   and the columns of P alike

    P starts as the identity and stays doubly stochastic. Where only the weight at some ranks is of interest,
    `weight_at_ranks` has it for n times less.

    Shapes:
        x: `(B, n)`; returns `(B, n)` and P `(B, n, n)`, element by rank.

    Arguments:
        network: "odd_even" (n layers, comparing neighbours) or "bitonic" (fewer layers for n above 10).
        distribution: f: "cauchy" = atan(v)/pi + 1/2, "logistic", "logistic_phi" (logistic, steeper where wires are
            close), "reciprocal" or "optimal".
        steepness: beta; the larger, the closer to hard sorting. x to c·x and beta to beta/c give the same P.

    Computed in float32 at least, whatever `x` is.

    Errors:
        ArgumentError: an unknown network or distribution, steepness <= 0, fewer than two values, values that are not
            floating point, NaN or infinite ones.

    Petersen, Borgelt, Kuehne, Deussen, "Monotonic Differentiable Sorting Networks", ICLR 2022,
    https://arxiv.org/abs/2203.09630
    """
    x, swaps = _run(x, network, distribution, steepness)
    P = torch.eye(x.shape[1], dtype=x.dtype, device=x.device).expand(len(x), -1, -1)  # (B, n, n)
    for partner, alpha, _ in swaps:
        P = torch.lerp(P[..., partner], P, alpha.unsqueeze(1))  # (B, n, n)
    return x, P


def weight_at_ranks(
    x: Float[Tensor, "B n"],
    ranks: Float[Tensor, " n"],
    *,
    network: str = "odd_even",
    distribution: str = "cauchy",
    steepness: float = 1.0,
) -> Float[Tensor, "B n"]:
    """P · ranks, the weight of each element at the ranks that are marked, without building P.

    P is the product of the layers' (symmetric) matrices, so the marks are sent back through the network from its last
    layer to its first: n · layers numbers a row instead of n² · layers.

    Shapes:
        ranks: `(n,)`, e.g. 1 where a rank is asked for and 0 elsewhere; returns `(B, n)`.

    Arguments, errors: as in `soft_sort`.
    """
    x, swaps = _run(x, network, distribution, steepness)
    weight = ranks.to(x).expand_as(x)  # (B, n)
    for partner, alpha, _ in reversed(swaps):
        weight = torch.lerp(weight[:, partner], weight, alpha)  # (B, n)
    return weight


def weight_on_both_sides(
    x: Float[Tensor, "B n"],
    ranks: Float[Tensor, " n"],
    *,
    network: str = "odd_even",
    distribution: str = "cauchy",
    steepness: float = 1.0,
) -> tuple[Float[Tensor, "B n"], Float[Tensor, "B n"]]:
    """`weight_at_ranks` of the marked ranks and of all others, both with all their digits, for twice the work.

    They add up to 1, but where one of them is next to nothing, 1 less the other is rounding. Here shares are only
    multiplied and added.

    Shapes, arguments, errors: as in `weight_at_ranks`; ranks are 0 or 1.
    """
    x, swaps = _run(x, network, distribution, steepness)
    weight = torch.stack([ranks, 1 - ranks]).to(x).unsqueeze(1).expand(-1, *x.shape)  # (2, B, n)
    for partner, alpha, difference in reversed(swaps):
        beta = DISTRIBUTIONS[distribution](-steepness * difference, -difference)  # (B, n), 1 - alpha
        weight = alpha * weight + beta * weight[..., partner]  # (2, B, n)
    return weight[0], weight[1]


def smallest_share(distribution: str, steepness: float, spread: float) -> float:
    """What a comparator leaves to a wire at the least, where values are at most `spread` apart."""
    difference = torch.tensor(-spread, dtype=torch.float64)
    return float(DISTRIBUTIONS[distribution](steepness * difference, difference))


def check_sorting(network: str, distribution: str, steepness: float) -> None:
    """Known names, and a steepness above 0."""
    check_choice(network, tuple(NETWORKS), "network")
    check_choice(distribution, tuple(DISTRIBUTIONS), "distribution")
    if not (math.isfinite(steepness) and steepness > 0):
        raise ArgumentError(f"steepness must be a finite number above 0, got {steepness:g}; 1 is usual for cosines.")


def _run(
    x: Tensor, network: str, distribution: str, steepness: float
) -> tuple[Tensor, list[tuple[Tensor, Tensor, Tensor]]]:
    """The sorted values, and for each layer its partners `(n,)`, how much each wire kept of itself and the difference
    that says so, `(B, n)` each."""
    check_sorting(network, distribution, steepness)
    x = _at_least_float32(x)  # (B, n)
    kept = DISTRIBUTIONS[distribution]
    swaps = []
    for layer in NETWORKS[network](x.shape[1]):
        partner = torch.tensor(layer.partner, device=x.device)  # (n,)
        other = x[:, partner]  # (B, n)
        difference = torch.tensor(layer.sign, dtype=x.dtype, device=x.device) * (other - x)  # (B, n)
        alpha = kept(steepness * difference, difference)  # (B, n), the same on both wires of a comparator
        x = torch.lerp(other, x, alpha)  # (B, n)
        swaps.append((partner, alpha, difference))
    return x, swaps


def _at_least_float32(x: Tensor) -> Tensor:
    if x.ndim != 2 or x.shape[1] < 2:
        raise ArgumentError(f"A sorting network takes rows of at least 2 values, (B, n); got shape {tuple(x.shape)}.")
    if not x.is_floating_point():
        kind = str(x.dtype).removeprefix("torch.")
        raise ArgumentError(f"Values that are sorted softly are mixed, so they must be floating point; got {kind}.")
    finite = x.detach().isfinite()
    if is_readable(x) and not bool(finite.all()):
        raise NonFiniteError(
            f"{int((~finite).sum())} of {x.numel()} values are NaN or infinite, and have no rank; look at where they "
            "come from."
        )
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _layer(n: int, comparators: list[tuple[int, int]]) -> Layer:
    """A layer of comparators (wire of the smaller value, wire of the larger)."""
    partner, sign = list(range(n)), [1.0] * n
    for low, high in comparators:
        partner[low], partner[high], sign[high] = high, low, -1.0
    return Layer(tuple(partner), tuple(sign))
