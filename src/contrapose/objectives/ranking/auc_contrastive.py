"""The numbers that AUC-CL learns beside the network: b, and in the saddle form a and alpha."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import check_choice
from contrapose.objectives.ranking.auc_cl import ALPHA, TARGET, auc_chance, auc_cl, check_negative_weight, check_scalars
from contrapose.objectives.ranking.auc_saddle import auc_saddle
from contrapose.pairing import Pairing

FORMS = ("unbiased", "authors", "saddle")
SCALARS = ("learned", "batch", "zero")


class AUCContrastive(nn.Module):
    """`auc_cl` or `auc_saddle` together with the scalars they learn; hand its parameters to the optimiser too.

        unbiased, authors:  b from 0, descending with the network
        saddle:             a and b from 0, descending; alpha from 0, ascending

    Outside the saddle form alpha is a constant: the loss is linear in it, and descending on it would have no end.
    Decay none of them (`Learner.parameter_groups` does not); the authors' AdamW decays b by 1e-4.

    Arguments:
        form: "unbiased" and "authors" are those of `auc_cl`; "saddle" is `auc_saddle`.
        scalars: "learned"; "batch", their best values over each batch; "zero", b = 0 (the authors' ImageNet code),
            not for "saddle".
        target, alpha, negative_weight: as in `auc_cl`; not for "saddle", which learns its alpha.
        margin: None = 0.5, or 1 for "saddle".
        ascent: the step of alpha in units of the others' (under Adam and its kin, whose steps do not depend on the
            gradient's size; its square under SGD). [design] 1. Only for "saddle" with learned scalars.

    Errors:
        ArgumentError: an unknown form, options of another form, margin outside [0, 1], ascent <= 0, a target or alpha
            that is not finite.
    """

    a: nn.Parameter | None
    b: nn.Parameter | None
    ascending: nn.Parameter | None

    def __init__(
        self,
        form: Literal["unbiased", "authors", "saddle"] = "unbiased",
        *,
        scalars: Literal["learned", "batch", "zero"] = "learned",
        target: float = TARGET,
        alpha: float = ALPHA,
        margin: float | None = None,
        negative_weight: float | None = None,
        ascent: float = 1.0,
    ) -> None:
        super().__init__()
        check_choice(form, FORMS, "form")
        check_choice(scalars, SCALARS, "scalars")
        margin = (1.0 if form == "saddle" else 0.5) if margin is None else margin
        check_scalars(target=target, alpha=alpha)
        strange = {"scalars='zero'": scalars == "zero", "negative_weight": negative_weight is not None}
        strange |= {"target": target != TARGET, "constant alpha": alpha != ALPHA}
        if form == "saddle" and any(strange.values()):
            given = ", ".join(name for name, is_given in strange.items() if is_given)
            raise ArgumentError(f"The saddle form has no {given}; leave it out.")
        if not 0 <= margin <= 1:
            raise ArgumentError(f"margin is a difference of scores in [0, 1] and must be in [0, 1], got {margin}.")
        if not ascent > 0:
            raise ArgumentError(f"ascent must be above 0, got {ascent}; 1 moves alpha as fast as a and b.")
        if ascent != 1 and not (form == "saddle" and scalars == "learned"):
            raise ArgumentError("ascent is the step of the alpha that the saddle form learns; leave it out here.")
        check_negative_weight(form, negative_weight)
        self.form, self.scalars, self.target, self.ascent = form, scalars, target, ascent
        self.margin, self.negative_weight, self._alpha = margin, negative_weight, alpha
        learned, saddle = scalars == "learned", form == "saddle"
        self.b = nn.Parameter(torch.zeros(())) if learned else None
        self.a = nn.Parameter(torch.zeros(())) if learned and saddle else None
        self.ascending = nn.Parameter(torch.zeros(())) if learned and saddle else None

    @property
    def alpha(self) -> Tensor | float | None:
        """A constant; in the saddle form `()` with a gradient that points upwards, or None where it is the batch's."""
        if self.form != "saddle":
            return self._alpha
        ascending: Tensor | None = None if self.ascending is None else _Ascend.apply(self.ascent * self.ascending)
        return ascending

    def forward(self, z: Tensor, pairing: Pairing | None = None, rows: Tensor | None = None) -> Tensor:
        """The loss of `z` `(V, B, D)`.  -> ()"""
        if self.form == "saddle":
            return auc_saddle(z, pairing, a=self.a, b=self.b, alpha=self.alpha, margin=self.margin, rows=rows)
        return auc_cl(
            z,
            pairing,
            form="authors" if self.form == "authors" else "unbiased",
            target=self.target,
            b=0.0 if self.scalars == "zero" else self.b,  # None = over the batch
            alpha=self._alpha,
            margin=self.margin,
            negative_weight=self.negative_weight,
            rows=rows,
        )

    def chance(self, pairing: Pairing) -> float:
        """The loss of equal embeddings, with b as it is now; for "saddle", at the solution: margin²."""
        if self.form == "saddle":
            return self.margin**2
        return auc_chance(
            pairing,
            form=self.form,
            target=self.target,
            b=0.0 if self.scalars == "zero" else None if self.b is None else float(self.b.detach()),
            alpha=self._alpha,
            margin=self.margin,
            negative_weight=self.negative_weight,
        )

    def learned(self) -> dict[str, Tensor | float]:
        """The learned scalars as they are now, by name."""
        scalars = {"a": self.a, "b": self.b, "alpha": self.alpha}
        return {name: value.detach() for name, value in scalars.items() if isinstance(value, Tensor)}

    def extra_parameters(self) -> list[nn.Parameter]:
        """What an optimiser has to move beside the network."""
        return list(self.parameters())

    def check_optimizer(self, optimizer: Optimizer) -> None:
        """Warn when `optimizer` does not move the scalars: the loss would silently keep their first values."""
        moved = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        forgotten = [name for name, parameter in self.named_parameters() if id(parameter) not in moved]
        if forgotten:
            warnings.warn(
                f"The optimiser does not move {', '.join(forgotten)} of AUC-CL, which then stays at its first value; "
                "add objective.extra_parameters() to its parameters.",
                stacklevel=2,
            )


class _Ascend(torch.autograd.Function):
    """The same value, the opposite gradient: a descending optimiser climbs."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return -gradient
