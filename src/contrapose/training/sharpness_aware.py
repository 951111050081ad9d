"""An optimiser around another one: it steps with the gradient found a little uphill, where a sharp minimum shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from contrapose.errors import ArgumentError


class SharpnessAware(Optimizer):
    """Sharpness-aware minimisation (SAM) with any base optimiser and any loss.

        g  = grad L(w)                          first pass
        e  = radius · g / |g|                   adaptive (ASAM): radius · w² g / | |w| g |, element by element
        g' = grad L(w + e)                      second pass: same batch, views and random numbers
        w <- base step from w with g'

    The norm is over all parameters of all groups together, those without a gradient left out; where it is zero there
    is no way up, and e = 0. The weights come back from a copy, so nothing is rounded. What the base remembers
    (momentum, moments) has seen g' only, and its weight decay acts on w. That e depends on w is left aside: no second
    derivative is taken.

    Two passes cost twice the time of one, and the copy as much memory as the weights. `take_step` sees to it that
    both passes see the same and that running statistics and memory move once. With several processes the gradients of
    both passes are averaged over them, so e is that of the global batch and two processes equal one; the original
    computes it per device, which makes its effective batch smaller. Batches that are accumulated count as one, too.

    A loop of one's own is `optimizer.step(closure)`, where the closure sets gradients to zero, computes the loss,
    calls `backward` and returns the loss; or the two halves of that, `ascend` and `descend`:

    >>> loss().backward(); optimizer.ascend(); optimizer.zero_grad()       # doctest: +SKIP
    >>> loss().backward(); optimizer.descend(); optimizer.zero_grad()      # doctest: +SKIP

    Arguments:
        base: the optimiser that steps. `param_groups` (the learning rate in them included), `state` and `state_dict`
            are the base's own.
        radius: |e|, in units of the weights. 0.05 in the SAM paper; 0.1 to 0.6 for transformers on ImageNet in the ViT
            paper, as recalled, not verified. 0 goes nowhere, and pays for two passes.
        adaptive: ASAM, which does not change when weights are rescaled without changing the function; there the length
            is |e / |w||. Its paper takes radii about ten times those of SAM.

    Errors:
        ArgumentError: a radius below 0; a base that asks for several passes itself, or none at all; a step without a
            closure; the halves of a step in another order than `ascend`, `descend`; no gradient anywhere.

    Closed form: of h w² / 2 in one dimension, SGD at rate a gives w - a h (w + radius sign(w)).

    Papers: Foret et al. 2021, https://arxiv.org/abs/2010.01412; Kwon et al. 2021, https://arxiv.org/abs/2102.11600;
    Chen et al. 2022, https://arxiv.org/abs/2106.01548.
    """

    passes = 2
    """How often `step` calls its closure; `take_step` asks."""
    base: Optimizer
    radius: float
    adaptive: bool

    def __init__(self, base: Optimizer, *, radius: float = 0.05, adaptive: bool = False) -> None:
        if not isinstance(base, Optimizer):
            raise ArgumentError(f"SharpnessAware goes around an optimiser of torch's kind, got {type(base).__name__}.")
        if getattr(base, "passes", 1) != 1:
            raise ArgumentError(f"{type(base).__name__} asks for several passes itself; give its own base.")
        if not radius >= 0:
            raise ArgumentError(f"radius must be 0 or more, got {radius}; 0.05 is usual.")
        # Groups and state are the base's, which torch's own __init__ would make anew; unpickling has the same need.
        self.__setstate__({"base": base, "defaults": base.defaults, "radius": radius, "adaptive": adaptive})

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._kept: list[tuple[Tensor, Tensor]] = []

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("base", "defaults", "radius", "adaptive")}

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The base's own, so that a schedule that sets the learning rate here sets it there."""
        return self.base.param_groups

    @property
    def state(self) -> Any:  # type: ignore[override]
        """The base's own."""
        return self.base.state

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        self.base.add_param_group(param_group)

    def state_dict(self) -> dict[str, Any]:
        """The base's: between two steps there is nothing else to keep."""
        return self.base.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.base.load_state_dict(state_dict)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; the loss at w, as the first pass gave it."""
        if closure is None:
            raise ArgumentError(
                "SharpnessAware.step needs a closure that computes loss and gradient, for it asks twice: "
                "step(closure), or ascend() and descend() around a second backward of your own."
            )
        with torch.enable_grad():
            loss = closure()
        self.ascend()
        try:
            with torch.enable_grad():
                closure()
        except BaseException:
            self._restore()  # whoever looks at the weights after a loss that was not finite finds them at w
            raise
        self.descend()
        return loss

    @torch.no_grad()
    def ascend(self) -> None:
        """First half: with the gradient at w, go to w + e."""
        if self._kept:
            raise ArgumentError("ascend() was called twice; after it comes a backward at w + e, then descend().")
        known = [(weight, weight.grad) for weight in self._weights() if weight.grad is not None]
        if not known:
            raise ArgumentError("No parameter has a gradient: compute the loss and call backward() before a step.")
        scaled = [weight.abs() * gradient if self.adaptive else gradient for weight, gradient in known]
        norm = torch.nn.utils.get_total_norm(scaled)  # ()
        length = torch.where(norm > 0, self.radius / norm, 0.0)  # ()
        self._kept = [(weight, weight.clone()) for weight, _ in known]
        for (weight, _), ascent in zip(known, scaled, strict=True):
            way = weight.abs() * ascent if self.adaptive else ascent
            weight.add_(way * length.to(weight.device, weight.dtype))

    @torch.no_grad()
    def descend(self) -> None:
        """Second half: with the gradient at w + e, back to w, and the base's step from there."""
        if not self._kept:
            raise ArgumentError("descend() needs ascend() before it, and a backward between the two.")
        self._restore()
        self.base.step()

    @torch.no_grad()
    def _restore(self) -> None:
        for weight, before in self._kept:
            weight.copy_(before)
        self._kept = []

    def _weights(self) -> Iterator[Tensor]:
        for group in self.param_groups:
            yield from group["params"]
