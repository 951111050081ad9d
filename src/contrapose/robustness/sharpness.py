"""How sharply the loss rises around the weights: the largest curvature, and the mean rise under random noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from contrapose.errors import ArgumentError
from contrapose.robustness.directions import evaluating, gaussian_noise, moved

Loss = Callable[[], Tensor]
"""The loss of the model as it is, a scalar: always of the same samples, with the same random numbers."""
Pull = Callable[[dict[str, Tensor]], tuple[dict[str, Tensor]]]


@dataclass(frozen=True)
class Curvature:
    """What a power iteration found.

    Arguments:
        value: the eigenvalue.
        iterations: products with the Hessian that it took.
        converged: whether it stood still before they were used up.
    """

    value: float
    iterations: int
    converged: bool


@dataclass(frozen=True)
class Flatness:
    """The loss under noise on the weights.

    Arguments:
        at_weights: L(w).
        mean: L_N, the mean over the draws.
        scale: the noise's deviation, as a share of each filter's norm.
        draws: how many.
    """

    at_weights: float
    mean: float
    scale: float
    draws: int

    @property
    def rise(self) -> float:
        """How much the noise costs on average."""
        return self.mean - self.at_weights


def top_eigenvalue(
    model: nn.Module,
    loss: Loss | Iterable[Loss],
    *,
    generator: torch.Generator,
    parameters: Iterable[str] | None = None,
    largest: str = "algebraic",
    tolerance: float = 1e-3,
    most: int = 100,
) -> Curvature:
    """The top eigenvalue of the Hessian of a loss by the weights, by power iteration, in evaluation mode.

        v <- H v / |H v|,   lambda = v' H v

    That is the eigenvalue of the largest magnitude. Where it is negative and the algebraic one was asked for, the
    iteration is repeated on H + |lambda| I, whose top one is the largest of H plus |lambda|. H v is the derivative of
    (grad L)' v, taken through plain operations: attention by its written-out form, for the fused ones have no second
    derivative, and our tiled objectives by their whole matrix (torch.func). What a loss holds fixed in its gradient
    (a teacher's targets, balanced codes, the weights of a solver) is held fixed here.

    Arguments:
        loss: what the model's loss is; several: their mean, e.g. over chunks of a training set.
        generator: draws the first v.
        parameters: names of the parameters to which v is restricted, e.g. a block of `blocks_of`. None: all that are
            trained.
        largest: `"algebraic"`, or `"magnitude"` for the first of the two.
        tolerance: relative change of lambda below which it stands still; 1e-3 [design]. The error may be larger where
            the two top eigenvalues are close.
        most: products with the Hessian for each iteration; 100 [design].

    Errors:
        ArgumentError: no such parameter, no loss, or another kind of `largest`.

    Closed form: of a sum of squares, h_i w_i^2 / 2, the largest h_i.

    Paper: Chen et al. 2022, https://arxiv.org/abs/2106.01548.
    """
    if largest not in ("algebraic", "magnitude"):
        raise ArgumentError(f"largest must be 'algebraic' or 'magnitude', got {largest!r}.")
    product = _HessianProduct(model, [loss] if callable(loss) else list(loss), parameters)
    with evaluating(model):
        first = _power(product, product.draw(generator), tolerance, most)
        if first.value >= 0 or largest == "magnitude":
            return first
        shift = -first.value
        found = _power(lambda v: product(v) + shift * v, product.draw(generator), tolerance, most)
    return Curvature(found.value - shift, first.iterations + found.iterations, found.converged)


def average_flatness(
    model: nn.Module, loss: Loss, *, generator: torch.Generator, scale: float = 0.01, draws: int = 10
) -> Flatness:
    """The mean loss under Gaussian noise on the weights, in evaluation mode.

        L_N = mean over draws of L(w + scale · |w_f| n),   n ~ N(0, I) in each filter f; biases and norms stay

    Arguments:
        scale: 0.01 [design]: the paper's is not known to us, and a number says nothing without it.
        draws: 10 [design].

    Errors:
        ArgumentError: fewer draws than one.

    Paper: Chen et al. 2022, https://arxiv.org/abs/2106.01548.
    """
    if draws < 1:
        raise ArgumentError(f"draws must be at least 1, got {draws}; 10 is usual.")
    values = []
    with evaluating(model), torch.no_grad():
        at_weights = float(loss())
        for _ in range(draws):
            with moved(model, (scale, gaussian_noise(model, generator=generator))):
                values.append(float(loss()))
    return Flatness(at_weights, math.fsum(values) / draws, scale, draws)


def blocks_of(model: nn.Module) -> dict[str, list[str]]:
    """The trained parameters by the block they belong to: up to the first number in their name, which counts blocks.

    `encoder.backbone.blocks.3.mlp.weight` belongs to `encoder.backbone.blocks.3`; a parameter without a number to the
    module that holds it.
    """
    blocks: dict[str, list[str]] = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            parts = name.split(".")
            numbers = [place for place, part in enumerate(parts) if part.isdigit()]
            end = numbers[0] + 1 if numbers else max(1, len(parts) - 1)
            blocks.setdefault(".".join(parts[:end]), []).append(name)
    return blocks


class _Evaluated(nn.Module):
    """A module whose forward is the loss, so that torch.func can put other weights into the model underneath."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self) -> Tensor:
        return self.loss()


class _HessianProduct:
    """v -> H v, both `(P,)`: all parameters in a row."""

    def __init__(self, model: nn.Module, losses: list[Loss], names: Iterable[str] | None) -> None:
        known = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        wanted = list(known) if names is None else list(names)
        unknown = [name for name in wanted if name not in known]
        if unknown or not wanted:
            raise ArgumentError(
                f"No trained parameter of this model is called {unknown[0]!r}; blocks_of(model) lists them."
                if unknown
                else "There is no trained parameter to measure the curvature of."
            )
        if not losses:
            raise ArgumentError("There is no loss to measure the curvature of; give one at least.")
        self.weights = {f"model.{name}": known[name].detach() for name in wanted}
        self.losses = [_Evaluated(model, loss) for loss in losses]
        self.kept: Pull | None = None

    def draw(self, generator: torch.Generator) -> Tensor:
        """A random unit vector."""
        first = next(iter(self.weights.values()))
        count = sum(weight.numel() for weight in self.weights.values())
        drawn = torch.randn(count, generator=generator, dtype=first.dtype, device=generator.device).to(first.device)
        return drawn / drawn.norm()  # (P,)

    def __call__(self, v: Tensor) -> Tensor:
        pieces = v.split([weight.numel() for weight in self.weights.values()])
        way = {name: piece.view_as(weight) for (name, weight), piece in zip(self.weights.items(), pieces, strict=True)}
        total = torch.zeros_like(v)  # (P,)
        for pull in self._pulls():
            (found,) = pull(way)  # H is symmetric: the gradient's derivative and its transpose are one
            total += torch.cat([found[name].detach().flatten() for name in way])  # (P,)
        return total / len(self.losses)

    def _pulls(self) -> Iterator[Pull]:
        """For each loss, v -> H v. Of a single one what its passes left is kept; of several, only one's at a time."""
        if self.kept is not None:
            yield self.kept
            return
        for one in self.losses:
            pull = _pull(one, self.weights)
            self.kept = pull if len(self.losses) == 1 else None
            yield pull


def _pull(one: _Evaluated, weights: dict[str, Tensor]) -> Pull:
    def value(weights: dict[str, Tensor]) -> Tensor:
        found: Tensor = torch.func.functional_call(one, weights, ())
        return found

    with sdpa_kernel(SDPBackend.MATH):
        pull: Pull = torch.func.vjp(torch.func.grad(value), weights)[1]
    return pull


def _power(product: Callable[[Tensor], Tensor], v: Tensor, tolerance: float, most: int) -> Curvature:
    value: Any = math.nan
    for iteration in range(1, most + 1):
        image = product(v)  # (P,)
        before, value = value, float(v @ image)
        norm = image.norm()  # ()
        if float(norm) == 0:
            return Curvature(0.0, iteration, True)
        if abs(value - before) <= tolerance * abs(value):
            return Curvature(value, iteration, True)
        v = image / norm
    return Curvature(value, most, False)
