"""What every objective asks of its arguments, in words that name the argument."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError, NonFiniteError, did_you_mean
from contrapose.objectives.engine.view_order import warn_of_view_order
from contrapose.tracing import is_readable, is_transformed

REDUCTIONS = ("mean", "none")
# Between these lengths the squares of a row neither overflow nor vanish in float32.
SHORTEST, LONGEST = 1e-8, 1e16


def check_embeddings(x: Any, name: str, letters: str) -> None:
    """`x` is a finite, non-empty floating-point tensor with one dimension per letter of `letters`.

    Its numbers are looked at only where that is possible: neither under torch.compile nor under vmap.
    """
    expected = f"({', '.join(letters.split())})"
    if not isinstance(x, Tensor):
        raise ArgumentError(f"{name} must be a tensor of shape {expected}, got {type(x).__name__}.")
    if x.ndim != len(letters.split()) or x.numel() == 0:
        raise ArgumentError(f"{name} must be a non-empty tensor of shape {expected}, got {tuple(x.shape)}.")
    if not x.is_floating_point():
        kind = str(x.dtype).removeprefix("torch.")
        raise ArgumentError(f"{name} holds embeddings and must be floating point, got {kind}; call {name}.float().")
    if not is_readable(x):
        return
    x = x.detach()
    if math.isfinite(x.sum(dtype=torch.promote_types(x.dtype, torch.float32))):
        return  # no sum is finite of which a term is not; that of very large terms tells nothing
    finite = x.isfinite()
    if not bool(finite.all()):
        raise NonFiniteError(
            f"{name} holds {int((~finite).sum())} values that are NaN or infinite, of {x.numel()}; "
            "look at the encoder's output (a learning rate that is too high is the usual reason)."
        )


def check_views(z: Any, name: str = "z", letters: str = "V B D", *, paired: bool = False) -> None:
    """`check_embeddings` of what holds the views of a batch, and a warning where they seem to be in another order.

    Arguments:
        paired: a pairing says which rows belong together, so that a single sample may stand for any rows.
    """
    check_embeddings(z, name, letters)
    warn_of_view_order(z, letters, paired=paired)


def check_temperature(temperature: float | Tensor, name: str = "temperature") -> None:
    """`temperature` is one finite number above 0; a learned one is a 0-d tensor."""
    value = number_of(temperature, name)
    if isinstance(value, Tensor):
        return
    if not (math.isfinite(value) and value > 0):
        raise ArgumentError(f"{name} must be a finite number above 0, got {value:g}; 0.05 to 1 is usual.")


def check_finite(value: float | Tensor, name: str) -> None:
    """`value` is one finite number; a learned one is a 0-d tensor."""
    number = number_of(value, name)
    if isinstance(number, Tensor):
        return
    if not math.isfinite(number):
        kind = NonFiniteError if isinstance(value, Tensor) else ArgumentError  # what is learned blows up in training
        raise kind(f"{name} must be a finite number, got {number:g}.")


def number_of(value: float | Tensor, name: str) -> float | Tensor:
    """A number as it is, or what a learned one (a 0-d tensor) is now; a constant tensor where none can be read."""
    if isinstance(value, Tensor) and value.ndim != 0:
        raise ArgumentError(f"{name} must be a number or a 0-d tensor, got shape {tuple(value.shape)}.")
    if isinstance(value, Tensor):
        return float(value.detach()) if is_readable(value) else value.detach()
    return float(value)


def check_choice(value: str, choices: tuple[str, ...], name: str) -> None:
    """`value` is one of `choices`, or an error with the nearest one."""
    if value not in choices:
        raise ArgumentError(f"Unknown {name} {value!r}.{did_you_mean(str(value), choices)}")


def prepare_rows(x: Tensor, normalize: bool) -> Tensor:
    """`x` in at least float32 (half precision would lose the small terms of a sum), rows scaled to length 1
    if asked.

    Shapes:
        x: `(..., D)`; returns `(..., D)`.
    """
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    return unit_rows(x) if normalize else x


def as_candidates(x: Tensor, normalized: bool) -> Tensor:
    """Rows as candidates of a softmax, which stays the same when a constant is taken off all of them: their mean.

    Rows that share a large offset would lose the digits that tell them apart; of unit rows there is none to fear.

    Shapes:
        x: `(..., D)`; returns `(..., D)`.
    """
    return x if normalized else about_mean(x)


def about_mean(x: Tensor) -> Tensor:
    """`x` without the mean of its rows, which is held constant: for what does not depend on it. `(..., D)` -> same."""
    return x - x.detach().flatten(0, -2).mean(0)


def unit_rows(x: Tensor) -> Tensor:
    """Rows of length 1, whatever their length is; rows of zeros stay.

    Squares of very long rows overflow and those of very short ones vanish, so such rows are first brought near length
    1. What they are brought there by is no part of the derivative, for the result does not depend on it.

    Shapes:
        x: `(..., D)`; returns `(..., D)`.
    """
    if is_readable(x):
        length = torch.linalg.vector_norm(x.detach(), dim=-1, keepdim=True)  # (..., 1)
        shortest, longest = torch.aminmax(length)
        if float(shortest) > SHORTEST and float(longest) < LONGEST:
            if is_transformed():
                return x / torch.linalg.vector_norm(x, dim=-1, keepdim=True)
            found: Tensor = _Unit.apply(x, length)
            return found
    largest = x.detach().abs().amax(dim=-1, keepdim=True)  # (..., 1)
    usable = largest > torch.finfo(x.dtype).tiny
    return functional.normalize(x / largest.where(usable, 1.0), dim=-1)


class _Unit(torch.autograd.Function):
    """u = x / |x|, with a derivative of fewer passes than autograd's: (g - u (u·g)) / |x|."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, length: Tensor) -> Tensor:
        unit = x / length  # (..., D)
        ctx.save_for_backward(x, unit, length)
        return unit

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        x, unit, length = ctx.saved_tensors
        if torch.is_grad_enabled():  # to be differentiated again, for which the length is that of x
            length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)  # (..., 1)
        along = (gradient * unit).sum(dim=-1, keepdim=True)  # (..., 1)
        found = torch.addcmul(gradient, unit, along, value=-1)  # (..., D)
        return found / length if torch.is_grad_enabled() else found.div_(length), None
