"""One change for all pictures, found quickly: the one under which an encoder sees something else, whatever it is."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.robustness.universal.delta import add_delta, project_delta
from contrapose.robustness.universal.patch import paste

STEPS, BATCH = 150, 64
PATCH_RATE = 0.05
"""Of Adam, for pixels in [0, 1]. [design]"""
DELTA_RATE = 0.1
"""Of Adam, as a share of the radius. [design]"""
BLOCK = 256


def led_away(
    embed: Callable[[Tensor], Tensor],
    pictures: UInt8[Tensor, "N C H W"],
    *,
    mask: Float[Tensor, "1 H W"] | None = None,
    radius: float | None = None,
    steps: int = STEPS,
    batch: int = BATCH,
    generator: torch.Generator,
) -> Float[Tensor, "C H W"]:
    """A patch (with `mask`) or a delta (with `radius`) that moves embeddings of all pictures away from where they were.

        made small by Adam: mean over a batch of cos(f(x') - m, f(x) - m),   m the mean of f(x) over all pictures

    No label, word or use of the encoder plays a part. Embeddings that all point one way, as those behind a ReLU do, are
    told apart by what is left without their mean. It looks for a short while: what it finds bounds from below what
    could be found.

    Shapes:
        embed: `(B, C, H, W)` in [0, 1] to `(B, D)`, with gradients. Returns a patch in [0, 1], or a delta in [-radius,
        radius].

    Arguments:
        mask: where the patch lies; radius: how far any value may be changed, white being 1. One of the two.
        steps: of Adam. [design] 150, after which the cosine hardly falls on small encoders.
        batch: pictures a step. [design] 64.
        generator: draws the first change and the pictures of each step.

    Errors:
        ArgumentError: neither a mask nor a radius, or both; fewer than two pictures.
    """
    if (mask is None) == (radius is None):
        raise ArgumentError("Give mask= for a patch, or radius= for a delta, and one of them alone.")
    if len(pictures) < 2:
        raise ArgumentError(f"A change for all pictures is found on some of them, two at least; got {len(pictures)}.")
    with torch.no_grad():
        clean = torch.cat([embed(part.float() / 255).float() for part in pictures.split(BLOCK)])  # (N, D)
        centre = clean.mean(dim=0)  # (D,)
    noise = torch.rand(pictures.shape[1:], generator=generator).to(pictures.device)  # (C, H, W)
    made = (noise if radius is None else radius * (2 * noise - 1)).requires_grad_()
    optimizer = torch.optim.Adam([made], lr=PATCH_RATE if radius is None else DELTA_RATE * radius)
    for _ in range(steps):
        rows, x = some_of(pictures, batch, generator)  # (B,), (B, C, H, W)
        moved = embed(paste(x, made, mask) if mask is not None else add_delta(x, made)).float()  # (B, D)
        loss = functional.cosine_similarity(moved - centre, clean[rows] - centre).mean()
        move_on(made, loss, optimizer, radius=radius)
    return made.detach()


def some_of(
    pictures: UInt8[Tensor, "N C H W"], batch: int, generator: torch.Generator
) -> tuple[Int64[Tensor, " B"], Float[Tensor, "B C H W"]]:
    """The pictures that a step looks at: their numbers, and they themselves in [0, 1]."""
    rows = torch.randperm(len(pictures), generator=generator)[:batch].to(pictures.device)  # (B,)
    return rows, pictures[rows].float() / 255


def move_on(made: Tensor, loss: Tensor, optimizer: torch.optim.Optimizer, *, radius: float | None = None) -> None:
    """A step that makes the loss of a patch, or of a delta within a radius, smaller; what no picture can hold is cut
    off. Nothing else gets a gradient."""
    (made.grad,) = torch.autograd.grad(loss, [made])
    optimizer.step()
    with torch.no_grad():
        made.copy_(made.clamp(0, 1) if radius is None else project_delta(made, radius))
