"""Trigger inversion: the smallest change of all pictures that makes an encoder see a class in them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.robustness.backdoors.similarity import structural_similarity

TEMPERATURE = 0.07
"""Of the cosines in the cross-entropy; fixed. The authors'."""


@dataclass(frozen=True)
class Weights:
    """Weights of the parts of `inversion_loss`.

    Arguments:
        target: 5, of the cross-entropy; nearness: 0.5, to pictures of the class; likeness: 1, to the picture itself:
            the authors'.
        size: of the sum over all values of the mask. 0.01: the authors', of 224 x 224 pixels.
    """

    target: float = 5.0
    nearness: float = 0.5
    likeness: float = 1.0
    size: float = 0.01


def overlaid(
    x: Float[Tensor, "B C H W"], mask: Float[Tensor, "C H W"], trigger: Float[Tensor, "C H W"]
) -> Float[Tensor, "B C H W"]:
    """x' = mask trigger + (1 - mask) x, with a mask value for each channel and pixel; gradients flow to both.

    Shapes:
        x: `(B, C, H, W)` in [0, 1], before normalisation; mask, trigger: `(C, H, W)`; returns as x.

    Errors:
        ArgumentError: a mask or trigger of another shape than a picture.

    Closed form: a mask of zeros gives x; of ones the trigger, whatever x is.
    """
    if mask.shape != x.shape[1:] or trigger.shape != x.shape[1:]:
        raise ArgumentError(
            f"Mask and trigger must be {(*x.shape[1:],)}, as a picture is, got {(*mask.shape,)} and "
            f"{(*trigger.shape,)}."
        )
    return mask * trigger + (1 - mask) * x


def target_loss(
    u: Float[Tensor, "B D"], prototypes: Float[Tensor, "K D"], target: int, *, temperature: float = TEMPERATURE
) -> Float[Tensor, ""]:
    """Mean cross-entropy of u E^T / temperature with the target, u and E being brought to length 1.

    Errors:
        ArgumentError: a target outside 0 .. K-1.

    Closed form: ln K where all prototypes coincide.
    """
    if not 0 <= target < len(prototypes):
        raise ArgumentError(f"The target {target} is no class: there are {len(prototypes)}, counted from 0.")
    logits = _unit(u) @ _unit(prototypes).to(_unit(u)).T / temperature  # (B, K)
    wanted = torch.full((len(u),), target, device=u.device)  # (B,)
    return functional.cross_entropy(logits, wanted)


def batch_distance(u: Float[Tensor, "B D"], v: Float[Tensor, "A D"]) -> Float[Tensor, ""]:
    """|| U - V ||_F of the whole batch, a sum and no mean, of unit rows; a v of fewer rows is continued with its first
    one.

    Closed form: 0 where rows coincide, 2 sqrt(B) where they are opposite.
    """
    u, v = _unit(u), _unit(v)
    v = torch.cat([v, v[:1].expand(len(u) - len(v), -1)]) if len(v) < len(u) else v[: len(u)]  # (B, D)
    return norm(u - v.to(u))


def inversion_loss(
    x: Float[Tensor, "B C H W"],
    changed: Float[Tensor, "B C H W"],
    mask: Float[Tensor, "C H W"],
    u: Float[Tensor, "B D"],
    prototypes: Float[Tensor, "K D"],
    target: int,
    near: Float[Tensor, "A D"] | None = None,
    *,
    weights: Weights | None = None,
) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
    """What mask and trigger are learned by, and its parts by name.

        L = 5 CE(u E^T / 0.07, y) + 0.5 || U - V ||_F + (1 - SSIM(x', x)) + 0.01 sum |mask|

    Shapes:
        x, changed: pictures as they were, and with the trigger. u: unit embeddings of the changed ones.
        near: embeddings of pictures of the target class; None: there are none, and that part is left out.

    Errors:
        ArgumentError: a target that is no class, shapes that differ.

    Paper: InverTune, https://arxiv.org/abs/2506.12411
    """
    given = weights or Weights()
    parts = {
        "target": given.target * target_loss(u, prototypes, target),
        "likeness": given.likeness * (1 - structural_similarity(changed, x).mean()),
        "size": given.size * mask.abs().sum(),
    }
    if near is not None and len(near):
        parts["nearness"] = given.nearness * batch_distance(u, near)
    return torch.stack(list(parts.values())).sum(), parts


def norm(x: Tensor) -> Float[Tensor, ""]:
    """The length of all of x; where that is 0 its gradient is 0 and not NaN."""
    square = x.square().sum()
    safe = torch.where(square > 0, square, torch.ones_like(square))
    return torch.where(square > 0, safe.sqrt(), torch.zeros_like(square))


def _unit(rows: Tensor) -> Tensor:
    return functional.normalize(rows.to(torch.promote_types(rows.dtype, torch.float32)), dim=1)
