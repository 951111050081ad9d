"""What a translator is asked besides: to bring back what it changed, and to look like the class that was asked for."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError


def reconstruction(picture: Tensor, again: Tensor) -> Float[Tensor, ""]:
    """How far a picture that was translated to another class and back is from itself, pixel by pixel.

        L = mean over samples and values of |x - G(G(x, c), y)|

    Shapes:
        picture, again: `(B, ...)` alike; returns `()`, in float32 at least.

    Errors:
        ArgumentError: shapes that differ, or no sample.

    Closed form: 0 for a translator that changes nothing; of one that paints everything with one value, the mean of
    |x - value|.

    Zhu et al., ICCV 2017, https://arxiv.org/abs/1703.10593
    """
    if picture.shape != again.shape or not picture.numel():
        raise ArgumentError(
            f"A picture and its reconstruction must be of one shape, got {tuple(picture.shape)} and "
            f"{tuple(again.shape)}: the translator gives pictures of another size than it takes."
        )
    wide = torch.promote_types(picture.dtype, torch.float32)
    return (picture.to(wide) - again.to(wide)).abs().mean()


def named_as(logits: Float[Tensor, "B K"], classes: Int64[Tensor, "B"]) -> Float[Tensor, ""]:
    """Cross-entropy of the class that the critic names: the true one of real samples, the one asked for of made ones.

        L = -(1 / B) sum over i of log softmax(l_i)[c_i]

    Shapes:
        logits: `(B, K)`; classes: `(B,)` in 0 to K - 1; returns `()`, in float32 at least.

    Errors:
        ArgumentError: other shapes, fewer than two classes, or a class outside 0 to K - 1.

    Closed form: logits that are all alike give log K.

    Odena et al., ICML 2017, https://arxiv.org/abs/1610.09585
    """
    if logits.ndim != 2 or classes.shape != logits.shape[:1] or logits.shape[1] < 2:
        shapes = f"{tuple(logits.shape)} and {tuple(classes.shape)}"
        raise ArgumentError(f"logits and classes must be of shapes (B, K), K >= 2, and (B,), got {shapes}.")
    check_classes(classes, logits.shape[1])
    return functional.cross_entropy(logits.to(torch.promote_types(logits.dtype, torch.float32)), classes)


def check_classes(classes: Tensor, count: int) -> None:
    """Pass class numbers from 0 to `count` - 1.

    Errors:
        ArgumentError: one outside.
    """
    if classes.numel() and not (int(classes.min()) >= 0 and int(classes.max()) < count):
        wrong = int(classes.min()) if int(classes.min()) < 0 else int(classes.max())
        raise ArgumentError(f"There is no class {wrong}: classes are 0 to {count - 1}.")
