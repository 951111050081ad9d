"""Optimisers by name. AdamW and SGD are torch's; LARS is here because torch has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, AdamW, Optimizer

from contrapose.errors import ArgumentError
from contrapose.registry import Registry
from contrapose.training.config import RunConfig
from contrapose.training.sharpness_aware import SharpnessAware
from contrapose.training.uncompiled import uncompiled

OPTIMIZERS: Registry[Callable[..., Optimizer]] = Registry("optimizer")


class LARS(Optimizer):
    """SGD with momentum whose step is scaled, layer by layer, to the ratio of weight norm to gradient norm.

        g <- gradient + wd · w
        r = eta ||w|| / ||g||      for matrices and filters with ||w||, ||g|| > 0;  1 otherwise
        v <- m v + r g,   w <- w - lr v

    Vectors (biases, norms) are neither adapted nor, by `Learner.parameter_groups`, decayed, as in SimCLR.

    Arguments:
        learning_rate: SimCLR takes 0.3 · batch / 256.
        momentum: m, 0.9 (SimCLR).
        weight_decay: 1e-6 (SimCLR and MMCL on ImageNet).
        trust: eta, 0.001 (the LARS paper).

    Errors:
        ArgumentError: a negative learning rate, momentum or weight decay.

    Paper: https://arxiv.org/abs/1708.03888.
    """

    def __init__(
        self,
        parameters: Any,
        lr: float,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust: float = 1e-3,
    ) -> None:
        for name, value in (
            ("lr", lr),
            ("momentum", momentum),
            ("weight_decay", weight_decay),
            ("trust", trust),
        ):
            if value < 0:
                raise ArgumentError(f"LARS needs {name} >= 0, got {value}.")
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "trust": trust})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, group)
        return loss

    def _update(self, weight: Tensor, group: dict[str, Any]) -> None:
        gradient = weight.grad + group["weight_decay"] * weight
        if weight.ndim > 1:
            weight_norm, gradient_norm = weight.norm(), gradient.norm()
            ratio = group["trust"] * weight_norm / gradient_norm
            gradient = gradient * torch.where((weight_norm > 0) & (gradient_norm > 0), ratio, 1.0)
        state = self.state[weight]
        if "velocity" not in state:
            state["velocity"] = torch.zeros_like(weight)
        state["velocity"].mul_(group["momentum"]).add_(gradient)
        weight.sub_(group["lr"] * state["velocity"])


@OPTIMIZERS.register("adamw")
def adamw(parameters: Any, learning_rate: float) -> Optimizer:
    """Adam with decoupled weight decay, https://arxiv.org/abs/1711.05101; betas (0.9, 0.999), torch's defaults."""
    return uncompiled(AdamW)(parameters, lr=learning_rate, fused=True)  # one pass over the weights instead of ten


@OPTIMIZERS.register("sgd")
def sgd(parameters: Any, learning_rate: float) -> Optimizer:
    """SGD with momentum 0.9, as in MoCo's recipe."""
    return uncompiled(SGD)(parameters, lr=learning_rate, momentum=0.9, fused=True)


@OPTIMIZERS.register("lars")
def lars(parameters: Any, learning_rate: float) -> Optimizer:
    """`LARS` with momentum 0.9, as in SimCLR's recipe."""
    return uncompiled(LARS)(parameters, lr=learning_rate)


def optimizer_of(config: RunConfig, groups: list[dict[str, Any]]) -> Optimizer:
    """An optimiser of a configuration: of the kind it names, sharpness-aware where it has a radius."""
    base = OPTIMIZERS[config.optimizer](groups, config.learning_rate)
    if config.sam_radius == 0:
        return base
    return SharpnessAware(base, radius=config.sam_radius, adaptive=config.sam_adaptive)
