"""SelfCon by two labels at once: where a sample comes from, and, of those that were made, what made them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import check_embeddings, check_finite
from contrapose.objectives.softmax.supervised import sup_con
from contrapose.pairing import by_partners
from contrapose.tracing import is_readable

NOT_UNIT = 1e-3
"""How far from 1 the length of a row may be that is taken for normalised."""


@dataclass(frozen=True)
class MultiLabelTerms:
    """The two parts of `multi_label_self_con`, before they are weighed.

    Shapes:
        origin, family: `()`; family is 0 where fewer than two samples are synthetic.
    """

    origin: Tensor
    family: Tensor

    def weighted(self, *, origin_weight: float = 1.0, family_weight: float = 1.0) -> Tensor:
        """`origin_weight · origin + family_weight · family`."""
        return origin_weight * self.origin + family_weight * self.family


def multi_label_self_con(
    exits: Float[Tensor, "E B D"],
    origins: Int[Tensor, " B"],
    families: Int[Tensor, " B"],
    *,
    temperature: float | Float[Tensor, ""] = 0.07,
    base_temperature: float | None = 0.07,
    origin_weight: float = 1.0,
    family_weight: float = 1.0,
    sub_networks_only: bool = False,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
) -> Float[Tensor, ""]:
    """Samples of one origin attract each other, and besides, among the synthetic ones, those of one family.

        L = w1 SelfCon(exits; origins) + w3 SelfCon(exits[origins = 1]; families)
        SelfCon: l_i = -(t / t0) (1/|P(i)|) sum_{p in P(i)} log softmax_i(p), over all exits of all its samples

    P(i) holds the other exits of the anchor's own sample, and every exit of the samples with its label. In the second
    term real samples are neither anchors nor candidates, so that it has no gradient for them; with fewer than two
    synthetic samples there is none. Weights and temperatures are the authors' (both weights 1; t = t0 = 0.07; a third
    weight of theirs, for the content, is read and not used).

    Shapes:
        exits: `(E, B, D)`, the network's last exit last; origins, families: `(B,)`; returns `()`.

    Arguments:
        origins: 1 for synthetic, 0 for real; -1: not known, an anchor of which only its own exits are positives.
        families: class numbers of what made the synthetic samples, those of others are not looked at; -1: not known,
            such a sample is left out of the second term.
        base_temperature: t0; None: t0 = t.
        sub_networks_only: anchors are the rows of the sub-networks alone, all exits but the last ("FG" in the code of
            SelfCon); all rows stay candidates.
        normalize, rows: as in `sup_con`. Ranks that share a batch may have unequal numbers of synthetic samples.

    Errors:
        ArgumentError: no `(E, B, D)`, labels of another number, weights below 0; rows that were said to be normalised
            and are not; `sub_networks_only` of one exit.

    All embeddings equal: (t / t0) (w1 log(E·B - 1) + w3 log(E·S - 1)), of S synthetic samples.

    Boychev and Cholakov, 2024, https://arxiv.org/abs/2407.20020; Bae et al., AAAI 2023,
    https://arxiv.org/abs/2106.15499
    """
    for name, weight in (("origin_weight", origin_weight), ("family_weight", family_weight)):
        check_finite(weight, name)
        if weight < 0:
            raise ArgumentError(f"{name} must be 0 or above, got {weight}.")
    terms = multi_label_terms(
        exits,
        origins,
        families,
        temperature=temperature,
        base_temperature=base_temperature,
        sub_networks_only=sub_networks_only,
        normalize=normalize,
        rows=rows,
    )
    return terms.weighted(origin_weight=origin_weight, family_weight=family_weight)


def multi_label_terms(
    exits: Float[Tensor, "E B D"],
    origins: Int[Tensor, " B"],
    families: Int[Tensor, " B"],
    *,
    temperature: float | Float[Tensor, ""] = 0.07,
    base_temperature: float | None = 0.07,
    sub_networks_only: bool = False,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
) -> MultiLabelTerms:
    """The parts of `multi_label_self_con`; shapes, arguments and errors as there."""
    check_embeddings(exits, "exits", "E B D")
    count, batch, _ = exits.shape
    for name, labels in (("origins", origins), ("families", families)):
        if len(labels) != batch:
            raise ArgumentError(f"{name} has {len(labels)} entries for {batch} samples; give one for each sample.")
    if sub_networks_only and count < 2:
        raise ArgumentError("sub_networks_only needs a sub-network: give two exits or more, the last exit last.")
    if not normalize:
        _check_unit(exits)
    how = {
        "temperature": temperature,
        "base_temperature": base_temperature,
        "anchor_views": range(count - 1) if sub_networks_only else None,
        "normalize": normalize,
        "rows": rows,
    }
    origin = sup_con(exits, origins, **how)  # type: ignore[arg-type]
    made_by = torch.where(origins == 1, families, -1)  # (B,)
    if is_readable(made_by) and int((made_by >= 0).sum()) < 2:
        return MultiLabelTerms(origin, origin.new_zeros(()))
    among = by_partners(made_by.repeat(count), same_rows=True)  # those of -1 take no part
    return MultiLabelTerms(origin, sup_con(exits, pairing=among, **how))  # type: ignore[arg-type]


def _check_unit(exits: Tensor) -> None:
    if not is_readable(exits):
        return
    off = float((torch.linalg.vector_norm(exits.detach().double(), dim=-1) - 1).abs().max())
    if off > NOT_UNIT:
        raise ArgumentError(
            f"normalize=False takes rows of length 1, and one is off by {off:.3g}. Leave it out, or divide them by "
            "their lengths."
        )
