"""The salient space where targets come with attributes: one dimension for each of them."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import check_embeddings, check_temperature, prepare_rows
from contrapose.objectives.separation.kernels import alignment, squared_distances, uniformity
from contrapose.tracing import is_readable


def salient_attributes(
    salient: Float[Tensor, "B K"],
    attributes: Float[Tensor, "B K"],
    target: Float[Tensor, " B"],
    *,
    discrete: Bool[Tensor, " K"] | None = None,
    temperature: float = 0.5,
    attribute_temperature: float = 0.025,
) -> Float[Tensor, ""]:
    """A salient space whose k-th dimension follows the k-th attribute of the targets, and is 0 for the background.

        loss = mean over k of  unif(s̃_k) + 1/2 [ A_k + mean of s_k² over the background / (2 t_k) ]
        A_k = mean over pairs i < j of targets of  w_k(a_ik - a_jk) (s_ik - s_jk)²

    s̃ is s with exactly 0 in the rows of the background, as in `separation_terms`, and unif is taken with t. Of a
    continuous attribute w is exp(-(a_i - a_j)² / (2 t_a)) and t_k is t_a; of a discrete one w is 1 where the values are
    equal, else 0, and t_k is t. It takes the place of the terms salient and null; the authors then give the common
    space one view and the weight 1 on uniformity.

    Shapes:
        salient: `(B, K)`, attributes: `(B, K)` of targets; those of the background are not looked at, and may be NaN.
            target: `(B,)` 0 or 1.

    Arguments:
        discrete: which attributes are classes. None: none of them.
        temperature: t. 0.5: the authors'.
        attribute_temperature: t_a, in units of the attributes squared; theirs lie in [0, 1]. 0.025: the authors'.

    Errors:
        ArgumentError: shapes that do not fit, fewer than two targets or no background, NaN in attributes of targets,
            a temperature <= 0.

    Salient rows all 0: 0.

    Louiset et al., ICLR 2024, https://arxiv.org/abs/2402.11928, as in the authors' code for dSprites.
    """
    check_embeddings(salient, "salient", "B K")
    check_temperature(temperature)
    check_temperature(attribute_temperature, "attribute_temperature")
    is_target, kinds = _checked(salient, attributes, target, discrete)  # (B,), (K,)
    s = prepare_rows(salient, normalize=False)  # (B, K)
    a = attributes.to(s.dtype)  # (B, K)
    masked = torch.where(is_target.unsqueeze(1), s, 0.0)  # (B, K)
    count = int(is_target.sum())
    losses = []
    for k, is_class in enumerate(kinds.tolist()):
        own, values = s[is_target, k : k + 1], a[is_target, k : k + 1]  # (T, 1) each
        apart = values.squeeze(1)[:, None] - values.squeeze(1)  # (T, T)
        weight = (apart == 0).to(s.dtype) if is_class else (-apart.square() / (2 * attribute_temperature)).exp()
        follow = (weight * squared_distances(own)).sum() / (count * (count - 1))  # of pairs i < j: both orders, halved
        at_zero = s[~is_target, k : k + 1]  # (B - T, 1)
        width = temperature if is_class else attribute_temperature
        null = alignment(at_zero, torch.zeros_like(at_zero), temperature=width)
        losses.append(
            uniformity(squared_distances(masked[:, k : k + 1]), temperature=temperature) + (follow + null) / 2
        )
    return torch.stack(losses).mean()


def _checked(salient: Tensor, attributes: Tensor, target: Tensor, discrete: Tensor | None) -> tuple[Tensor, Tensor]:
    batch, count = salient.shape
    kinds = torch.zeros(count, dtype=torch.bool) if discrete is None else torch.as_tensor(discrete, dtype=torch.bool)
    if attributes.shape != salient.shape or target.shape != (batch,) or kinds.shape != (count,):
        raise ArgumentError(
            "salient and attributes must be (B, K), target (B,) and discrete (K,); got "
            f"{tuple(salient.shape)}, {tuple(attributes.shape)}, {tuple(target.shape)} and {tuple(kinds.shape)}."
        )
    is_target = target != 0  # (B,)
    if is_readable(target):
        found = int(is_target.sum())
        if found < 2 or found == batch:
            raise ArgumentError(f"{found} of {batch} samples are targets; give two at least, and some background.")
        if not bool(attributes[is_target].isfinite().all()):
            raise ArgumentError("attributes of targets hold NaN or infinite values; leave such samples out.")
    return is_target, kinds
