"""SepCLR: a common space of two sets of samples, and a salient one for what the target set alone has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import (
    check_choice,
    check_embeddings,
    check_temperature,
    check_views,
    prepare_rows,
)
from contrapose.objectives.separation.kernels import alignment, joint_entropy, squared_distances, uniformity
from contrapose.tracing import is_readable

MISSING = ("error", "skip")


@dataclass(frozen=True)
class SeparationTerms:
    """The four terms of `sepclr`, each a `()`; none is weighted.

    Arguments:
        common: views of a sample agree in the common space, samples spread.
        salient: views of a target agree in the salient space; targets spread, away from each other and from 0.
        null: how far from 0 the background is in the salient space.
        independence: minus the joint entropy of both spaces. As each space's own is held up by the terms above, making
            theirs large takes away what they say of each other.
    """

    common: Float[Tensor, ""]
    salient: Float[Tensor, ""]
    null: Float[Tensor, ""]
    independence: Float[Tensor, ""]

    def weighted(
        self, *, salient_weight: float = 1000.0, null_weight: float = 1000.0, independence_weight: float = 10.0
    ) -> Float[Tensor, ""]:
        """common + w_s salient + w_r null + w_j independence."""
        return (
            self.common
            + salient_weight * self.salient
            + null_weight * self.null
            + independence_weight * self.independence
        )


def sepclr(
    common: Float[Tensor, "2 B Dc"],
    salient: Float[Tensor, "2 B Ds"],
    target: Float[Tensor, " B"],
    *,
    salient_weight: float = 1000.0,
    null_weight: float = 1000.0,
    independence_weight: float = 10.0,
    **options: Any,
) -> Float[Tensor, ""]:
    """The sum of `separation_terms`: common + w_s salient + w_r null + w_j independence.

    Arguments:
        common, salient, target, options: as in `separation_terms`.
        salient_weight, null_weight, independence_weight: w_s, w_r, w_j. 1000, 1000, 10: the authors' scripts for
            composed and natural pictures (CIFAR-MNIST, CelebA); for medical ones they have 1, 10, 10 and 1, 100, 10.

    Errors:
        ArgumentError: a negative weight, and as in `separation_terms`.

    All rows of each space equal, and the salient ones 0: 0.

    Louiset, Duchesnay, Grigis, Gori, "Separating common from salient patterns with Contrastive Representation
    Learning", ICLR 2024, https://arxiv.org/abs/2402.11928
    """
    weights: dict[str, float] = {
        "salient_weight": salient_weight,
        "null_weight": null_weight,
        "independence_weight": independence_weight,
    }
    for name, weight in weights.items():
        if not weight >= 0:
            raise ArgumentError(f"{name} must be 0 or more, got {weight}.")
    return separation_terms(common, salient, target, **options).weighted(**weights)


def separation_terms(
    common: Float[Tensor, "2 B Dc"],
    salient: Float[Tensor, "2 B Ds"],
    target: Float[Tensor, " B"],
    *,
    temperature: float = 0.5,
    uniformity_weight: float = 2.0,
    normalize: bool = True,
    null_zeroed: bool = True,
    missing: Literal["error", "skip"] = "error",
) -> SeparationTerms:
    """Common and salient patterns of two views of a batch, of which one bit is known: background or target.

        c of length 1, s as it is; s̃ = s, but exactly 0 in the rows of the background; t the temperature
        align(x, y) = mean_i |x_i - y_i|² / (2t),   unif(x) = log mean_{i<j} exp(-|x_i - x_j|² / (2t))
        common:        align(c¹, c²) + w [unif(c¹) + unif(c²)] / 2                              of all samples
        salient:       align(s¹, s²) of targets + w [unif(s̃¹) + unif(s̃²)] / 2                   of all samples
        null:          mean over views of align(0, s) of the background
        independence:  mean over views of mean_i log mean_j exp(-(|c_i - c_j|² + |s̃_i - s̃_j|²) / (2t))

    The salient space is never normalised: its origin is where nothing is salient. In s̃ the background stands there as
    a constant, so targets are repelled by it and no gradient reaches the background but from the null term, which sees
    s itself.

    A log of a mean over all pairs is no mean over anchors: every process of several computes the whole loss of the
    gathered batch, which is the average of them all.

    Shapes:
        common: `(2, B, Dc)`, salient: `(2, B, Ds)`, target: `(B,)` true or 1 where the sample is a target. Memory: a
            few times B × B numbers.

    Arguments:
        temperature: t. 0.5: the authors'.
        uniformity_weight: w. 2: the authors'.
        normalize: scale rows of the common space to length 1 first.
        null_zeroed: false leaves the background where it is in s̃, and the salient term spreads it as well: what the
            method is compared with.
        missing: what becomes of a batch without targets or without background: an "error", or "skip": the terms of
            the missing set are 0.

    Errors:
        ArgumentError: not two views, fewer than two samples, spaces or targets of another number of samples, targets
            other than 0 and 1, NaN, temperature <= 0, a set that is missing.

    All rows of each space equal, and the salient ones 0: every term is 0. Independence lies in [-log B, 0].

    Louiset et al., ICLR 2024, https://arxiv.org/abs/2402.11928
    """
    check_views(common, "common", "V B Dc", paired=True)
    check_embeddings(salient, "salient", "V B Ds")
    check_temperature(temperature)
    check_choice(missing, MISSING, "missing")
    is_target = _targets(common, salient, target, missing)  # (B,) bool
    if not uniformity_weight >= 0:
        raise ArgumentError(f"uniformity_weight must be 0 or more, got {uniformity_weight}; 2 is usual.")
    with torch.autocast(common.device.type, enabled=False):
        c, s = prepare_rows(common, normalize), prepare_rows(salient, normalize=False)  # (2, B, Dc), (2, B, Ds)
        masked = torch.where(is_target.unsqueeze(1), s, 0.0) if null_zeroed else s  # (2, B, Ds)
        between = [(squared_distances(c[v]), squared_distances(masked[v])) for v in range(2)]  # of each view, (B, B)
        even = [
            torch.stack([uniformity(d, temperature=temperature) for d in space]).mean()
            for space in zip(*between, strict=True)
        ]
        joint = [joint_entropy(*of_view, temperature=temperature) for of_view in between]
        agree = _mean_where(is_target, (s[0] - s[1]).square().sum(dim=1)) / (2 * temperature)
        away = _mean_where(~is_target, s.square().sum(dim=2).mean(dim=0)) / (2 * temperature)
        # without a target nothing is to be spread, and all of s̃ is 0
        return SeparationTerms(
            common=alignment(c[0], c[1], temperature=temperature) + uniformity_weight * even[0],
            salient=agree + uniformity_weight * even[1],
            null=away,
            independence=torch.stack(joint).mean(),
        )


def _mean_where(chosen: Tensor, values: Tensor) -> Tensor:
    """Mean of the chosen of `(B,)` values; 0 without any."""
    return values.masked_fill(~chosen, 0.0).sum() / chosen.sum().clamp(min=1).to(values.dtype)


def _targets(common: Tensor, salient: Tensor, target: Tensor, missing: str) -> Tensor:
    """`(B,)` true where the sample is a target."""
    views, batch, _ = common.shape
    if views != 2 or salient.shape[:2] != common.shape[:2] or batch < 2:
        raise ArgumentError(
            "common and salient must hold two views of the same samples, two at least, (2, B, Dc) and (2, B, Ds); got "
            f"{tuple(common.shape)} and {tuple(salient.shape)}."
        )
    target = torch.as_tensor(target, device=common.device)
    if target.shape != (batch,):
        raise ArgumentError(
            f"target must hold one bit for each of the {batch} samples; got shape {tuple(target.shape)}."
        )
    found = target != 0  # (B,)
    if not is_readable(target):
        return found
    if not bool(((target == 0) | (target == 1)).all()):
        raise ArgumentError(f"target must be 0 (background) or 1 (target); got {target.unique().tolist()[:5]}.")
    if missing == "error" and (not bool(found.any()) or bool(found.all())):
        which = "background" if bool(found.all()) else "targets"
        raise ArgumentError(
            f'The batch has no {which}; give both sets, or missing="skip" to pass over what is not there.'
        )
    return found
