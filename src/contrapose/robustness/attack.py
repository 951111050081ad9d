"""An attack on a classifier: the change within a ball that makes it name another class, the best of several starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.robustness.pgd import Steps, checked, climb, random_start

Logits = Callable[[Tensor], Tensor]
"""Inputs `(B, ...)` into class logits `(B, P)`."""
Answers = Callable[[Tensor], Tensor]
"""Class logits `(B, P)` into the numbers of the classes that are named, `(B,)`."""


@dataclass(frozen=True)
class Attacked:
    """What an attack came to.

    Shapes:
        x: `(B, ...)`, of each sample the worst that was found.
        fooled: `(B,)`, whether another class than the true one is named there.
    """

    x: Tensor
    fooled: Tensor


def cross_entropy_attack(
    logits: Logits,
    x: Float[Tensor, "B *D"],
    labels: Int[Tensor, " B"],
    steps: Steps,
    *,
    restarts: int = 1,
    answers: Answers | None = None,
    generator: torch.Generator | None = None,
) -> Attacked:
    """PGD on cross-entropy, from each sample itself and from random places in its ball.

        x' = climb(-log softmax(h(.))[y]),   worst over the starts: one that is misnamed, else the one of largest loss

    A sample is done with as soon as it is misnamed, as it is or at the end of a start; later starts see the others
    alone. What is found bounds the robust accuracy from above: who looks longer may find more.

    Shapes:
        x: `(B, ...)` in [0, 1]; labels: `(B,)` class numbers.

    Arguments:
        logits: of the classifier, in evaluation mode, normalisation inside.
        steps: how far; its ball is that of the attack.
        restarts: starts; the first is the sample itself, the others are random. [design] the sample itself first: no
            draw of luck where one start is all there is.
        answers: how logits become a class; None: the largest.
        generator: draws the random starts; None = torch's global stream.

    Errors:
        ArgumentError: no start, labels of another shape or beyond the classes, inputs outside [0, 1].

    Closed form: of two classes and linear logits, margin m = (w_y - w_other) x + b, the L2 attack of radius eps away
    from 0 and 1 fools exactly where m < eps |w_y - w_other|_2, the L-infinity one where m < eps |w_y - w_other|_1.

    Paper: Madry et al., ICLR 2018, https://arxiv.org/abs/1706.06083
    """
    x = checked(x)
    if restarts < 1:
        raise ArgumentError(f"restarts must be at least 1, got {restarts}.")
    if labels.shape != x.shape[:1] or not len(labels):
        raise ArgumentError(f"labels must be one a sample, ({len(x)},), got {(*labels.shape,)}.")
    answers = answers or (lambda found: found.argmax(dim=1))
    worst, loss, fooled = x.clone(), *_judged(logits, answers, x, labels)
    for start in range(restarts):
        rows = (~fooled).nonzero().flatten()  # (b,)
        if not len(rows):
            break
        own, true = x[rows], labels[rows]
        begin = random_start(own, steps.norm, steps.radius, generator=generator) if start else own
        found = climb(_loss_of(logits, true), own, steps, start=begin)  # (b, ...)
        now, gone = _judged(logits, answers, found, true)
        better = gone | (now > loss[rows])  # (b,)
        worst[rows[better]], loss[rows[better]] = found[better], now[better]
        fooled[rows] = gone
    return Attacked(worst, fooled)


def _loss_of(logits: Logits, labels: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda x: functional.cross_entropy(logits(x).float(), labels, reduction="none")  # (B,)


@torch.no_grad()
def _judged(
    logits: Logits, answers: Answers, x: Tensor, labels: Tensor
) -> tuple[Float[Tensor, " B"], Bool[Tensor, " B"]]:
    """The loss of each sample, and whether another class than its own is named."""
    found = logits(x).float()  # (B, P)
    if int(labels.min()) < 0 or int(labels.max()) >= found.shape[1]:
        raise ArgumentError(
            f"labels must lie in 0 to {found.shape[1] - 1}, the classes of the logits, got {int(labels.min())} to "
            f"{int(labels.max())}."
        )
    return functional.cross_entropy(found, labels, reduction="none"), answers(found) != labels
