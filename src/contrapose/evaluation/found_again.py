"""Is a sample found again once it was changed? How often, the more of it is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.similarity import directions, levels

BLOCK = 1_024  # changed samples at a time


@dataclass(frozen=True)
class FoundAgain:
    """How often samples are found again, by how much of them was changed.

    Arguments:
        curve: the strength of the change -> the share of those found unchanged that is found after it.
        area: the mean of the curve over all strengths above 0.
        known: samples that are found unchanged, which all shares are of.
        count: N.
    """

    curve: dict[int, Metric]
    area: Metric
    known: int
    count: int


def found_again(
    originals: Array, changed: Mapping[int, Array], *, generator: torch.Generator | None = None
) -> FoundAgain:
    """Each changed sample looks among all N originals for its own, by cosine.

        found_k(i) = 1 if the largest cosine of changed_k(i) is that with original i alone
        accuracy(k) = mean of found_k over the i with found_0(i) = 1

    Who is not found unchanged cannot be lost by a change, so it is left out: the number of the others is
    `known`. A tie is not found: embeddings that are all equal find nothing.

    Shapes:
        originals: `(N, D)`; changed: `(N, D)` for each strength of the change, 0 being none.

    Arguments:
        generator: draws the intervals; None: a fresh one, seed 0.

    Errors:
        ArgumentError: no strength 0, or none above it; rows of other numbers; nothing that is found unchanged.

    Closed form: changes that move nothing give 1; by chance it is 1 / N.
    """
    rows = as_rows(originals, "originals", minimum=2)
    if 0 not in changed or len(changed) < 2:
        raise ArgumentError(f"Give changed samples of strength 0 and of more, got {sorted(changed)}.")
    hits = {strength: _hits(rows, as_rows(changed[strength], f"changed[{strength}]")) for strength in sorted(changed)}
    known = hits[0]  # (N,)
    if not bool(known.any()):
        raise ArgumentError(
            f"None of the {len(rows):,} originals is found among all of them when nothing is changed: their embeddings "
            "do not tell them apart."
        )
    generator = generator or torch.Generator().manual_seed(0)
    protocol = f"cosine, of {int(known.sum()):,} of {len(rows):,} that are found unchanged"
    kept = {strength: found[known].double() for strength, found in hits.items()}  # (N',) each
    curve = {
        strength: Metric.from_items(f"found again, {strength} changed", found, protocol=protocol, generator=generator)
        for strength, found in kept.items()
    }
    strengths = [strength for strength in kept if strength > 0]
    mean = torch.stack([kept[strength] for strength in strengths]).mean(dim=0)  # (N',)
    name = f"found again, mean of {min(strengths)} to {max(strengths)}"
    area = Metric.from_items(name, mean, protocol=protocol, generator=generator)
    return FoundAgain(curve, area, int(known.sum()), len(rows))


def _hits(originals: Tensor, changed: Tensor) -> Bool[Tensor, "N"]:
    """Whether each changed row's nearest original is its own, and no other is as near."""
    if changed.shape != originals.shape:
        raise ArgumentError(
            f"Changed samples are {(*changed.shape,)} and originals {(*originals.shape,)}: give each original one."
        )
    bank = directions(originals.double())[0]  # (N, D)
    found = []
    for start in range(0, len(bank), BLOCK):
        rows = directions(changed[start : start + BLOCK].to(bank))[0]  # (n, D)
        near = levels(rows @ bank.T, torch.promote_types(originals.dtype, changed.dtype))  # (n, N)
        own = torch.arange(start, start + len(rows), device=near.device)  # (n,)
        mine = near.gather(1, own.unsqueeze(1))  # (n, 1)
        found.append((near >= mine).sum(dim=1) == 1)  # itself alone
    return torch.cat(found).cpu()
