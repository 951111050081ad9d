"""Perturbations of embedded sequences: small changes of each token that change what a network says, or random ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.tracing import is_readable, is_transformed

Rise = Callable[[Tensor], Tensor]
"""A perturbation `(B, T, D)` -> how far the network's answer goes from that without it, a scalar."""

DIRECTIONS = ("power", "released", "random")
UNITS = ("token", "row")
NORMS = ("l2", "sign", "largest")
EPSILON = 1e-6
"""Added to a length that is divided by, in "released", as the code of URLBERT has it."""
STARTS = {"power": 1e-3, "released": 1e-5, "random": 1.0}


@dataclass(frozen=True)
class Perturbation:
    """What was found.

    Shapes:
        change: `(B, T, D)`, constant, float32 or float64; 0 at padding, and throughout where nothing was found.
        cosine: `()`, the mean over tokens (or rows) of the cosine between the change and the random one that the search
            began with. Near 1 the search has found nothing that chance had not: log it.
        found: `()` bool, False where a gradient was NaN or infinite.
    """

    change: Tensor
    cosine: Tensor
    found: Tensor


@torch.no_grad()
def perturbation(
    rise: Rise,
    embedded: Float[Tensor, "B T D"],
    *,
    mask: Bool[Tensor, "B T"] | None = None,
    radius: float | Float[Tensor, ""] = 1.0,
    direction: str = "power",
    unit: str = "token",
    norm: str = "l2",
    rounds: int = 1,
    start: float | Float[Tensor, ""] | None = None,
    step: float = 1e-3,
    noise: Float[Tensor, "B T D"] | None = None,
    generator: torch.Generator | None = None,
) -> Perturbation:
    """A change of given size that makes `rise` large; a sum of divergences is flat at 0, so its slope is taken beside.

        power     r_0 = start n/|n|,  g = rise'(r_k),  r_{k+1} = start g/|g|;   in the end radius g/|g|
        released  r_0 = start n,  r_{k+1} = radius (r_k + step g)/(|r_k + step g| + 1e-6)
        random    radius n/|n|;     n ~ N(0, I), lengths |.| of each token, or of each row of tokens

    "power" is the power iteration of virtual adversarial training: near 0 the slope is the curvature times r_0, so that
    parts along which the answer bends most grow. "released" is what URLBERT's published code does with step 1e-3: the
    gradient is so much shorter than r_0 there that the sum is r_0 again, and the change random (`cosine` is 1). It is
    kept for comparison.

    Shapes:
        embedded: `(B, T, D)`: gives shape, device and precision (float32 at least) of the change.
        mask: True where a token is real; at others nothing is changed. None: all are.

    Arguments:
        rise: called `rounds` times with a perturbation; called in the mode and with the random numbers that the caller
            has set. Its scale plays a part in "released" alone, where URLBERT's is the divergence summed over tokens,
            divided by B.
        radius: the size of the change of each unit in the chosen norm. 1: URLBERT's; as embeddings may be shorter than
            that, give a share of their length.
        unit: "token": each token by itself; "row": the tokens of a row together, so that it goes where it matters most.
        norm: "l2": its length. "sign": the sign of each number times the radius (the released code calls that l1).
            "largest": the largest number is the radius (there: inf).
        rounds: gradient steps. 1: as in virtual adversarial training; URLBERT's contrast has 2.
        start: the size of what the search begins with. 1e-3 for "power" [design], 1e-5 for "released".
        step: what the gradient is times in "released"; 1e-3 in URLBERT's training, 0.1 and 1e-5 in its contrast.
        noise: n; None: it is drawn here.
        generator: draws n; None = torch's global stream.

    Errors:
        ArgumentError: not `(B, T, D)`, a mask of another shape or without a single real token, a size that is not above
            0, an unknown word.

    Closed form: where rise is sum_t r_t' H r_t / 2, one round of "power" is radius H n/|H n|, many are the direction in
    which H is largest. A network that does not look at its input is not perturbed.

    Papers: Miyato et al. (VAT), https://arxiv.org/abs/1704.03976; Li et al. (URLBERT), https://arxiv.org/abs/2402.11495
    """
    _check(embedded, mask, direction, unit, norm, rounds, radius, noise)
    kind = torch.promote_types(embedded.dtype, torch.float32)
    real = None if mask is None else mask.unsqueeze(-1)  # (B, T, 1)
    noise = _normal(embedded, kind, generator) if noise is None else noise.to(embedded.device, kind)
    noise = _masked(noise, real)  # (B, T, D)
    begin = STARTS[direction] if start is None else start
    found = torch.ones((), dtype=torch.bool, device=embedded.device)
    if direction == "random":
        change = radius * _unit(noise, unit, norm)  # (B, T, D)
    elif direction == "power":
        change = begin * _unit(noise, unit, "l2")  # (B, T, D)
        for number in range(rounds):
            slope, finite = _slope(rise, change, real)
            found = found & finite
            last = number == rounds - 1
            change = (radius if last else begin) * _unit(slope, unit, norm if last else "l2")
    else:
        change = begin * noise  # (B, T, D)
        for _ in range(rounds):
            slope, finite = _slope(rise, change, real)
            found = found & finite
            change = radius * _unit(change + step * slope, unit, norm, epsilon=EPSILON)
    change = torch.where(found, change, torch.zeros_like(change))
    return Perturbation(change, _cosine(change, noise, unit), found)


def _slope(rise: Rise, change: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor]:
    """The gradient of `rise`, zeros throughout where it is not finite, and whether it is: `(B, T, D)` and `()`."""
    if is_transformed():
        slope = torch.func.grad(rise)(change)  # (B, T, D)
    else:
        with torch.enable_grad():
            place = change.detach().requires_grad_()
            value = rise(place)
            (found,) = torch.autograd.grad(value, place, allow_unused=True) if value.requires_grad else (None,)
        slope = torch.zeros_like(change) if found is None else found  # (B, T, D)
    slope = _masked(slope, real)
    finite = slope.isfinite().all()
    return torch.where(finite, slope, torch.zeros_like(slope)), finite


def _unit(x: Tensor, unit: str, norm: str, *, epsilon: float = 0.0) -> Tensor:
    """`x` with every token (or row) of size 1 in the norm; zeros stay, and so does nothing else."""
    if norm == "sign":
        return x.sign()
    over = _over(unit)
    largest = x.abs().amax(dim=over, keepdim=True)  # (B, T or 1, 1)
    some = largest.where(largest > 0, 1.0)
    if norm == "largest":
        return x / (some + epsilon)
    near = x / some  # squares of gradients that are very small would vanish
    length = near.square().sum(dim=over, keepdim=True).sqrt()  # (B, T or 1, 1)
    return near / (length + epsilon / some).where(length > 0, 1.0)


def _cosine(one: Tensor, other: Tensor, unit: str) -> Tensor:
    """The mean cosine of the units that both have."""
    over = _over(unit)
    both = (_unit(one, unit, "l2") * _unit(other, unit, "l2")).sum(dim=over)  # (B, T) or (B,)
    there = one.abs().amax(dim=over) > 0
    return both.sum() / there.sum().clamp(min=1)


def _over(unit: str) -> tuple[int, ...]:
    return (2,) if unit == "token" else (1, 2)


def _normal(embedded: Tensor, kind: torch.dtype, generator: torch.Generator | None) -> Tensor:
    device = embedded.device if generator is None else generator.device
    return torch.randn(embedded.shape, generator=generator, dtype=kind, device=device).to(embedded.device)


def _masked(x: Tensor, real: Tensor | None) -> Tensor:
    return x if real is None else x.masked_fill(~real, 0.0)


def _check(
    embedded: Tensor,
    mask: Tensor | None,
    direction: str,
    unit: str,
    norm: str,
    rounds: int,
    radius: float | Tensor,
    noise: Tensor | None,
) -> None:
    words = (("direction", direction, DIRECTIONS), ("unit", unit, UNITS), ("norm", norm, NORMS))
    for name, value, known in words:
        if value not in known:
            raise ArgumentError(f"{name} must be one of {', '.join(known)}, got {value!r}.")
    if rounds < 1:
        raise ArgumentError(f"rounds must be 1 or more, got {rounds}; 'random' is what needs no gradient.")
    if not isinstance(radius, Tensor) and not radius > 0:
        raise ArgumentError(f"radius must be above 0, got {radius}: a share of the length of embeddings is usual.")
    if embedded.ndim != 3 or embedded.numel() == 0:
        raise ArgumentError(f"embedded must be a non-empty tensor of shape (B, T, D), got {(*embedded.shape,)}.")
    if noise is not None and noise.shape != embedded.shape:
        raise ArgumentError(f"noise must be of the embedded shape {(*embedded.shape,)}, got {(*noise.shape,)}.")
    if mask is None:
        return
    if mask.shape != embedded.shape[:2]:
        raise ArgumentError(f"mask must be {(*embedded.shape[:2],)}, one for each token, got {(*mask.shape,)}.")
    if is_readable(mask) and not bool(mask.any()):
        raise ArgumentError("All tokens are padding: there is nothing to perturb. Leave empty texts out.")
