"""Recommendation: where does the item that a user took next stand among all items?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.inputs import Array, as_rows, positive_integer
from contrapose.evaluation.metric import Metric

ENTRY_BUDGET = 4_000_000
"""Scores compared at a time."""


def recommendation(
    scores: Array,
    target: Array,
    *,
    seen: Array | None = None,
    ks: Sequence[int] = (5, 10, 20),
    generator: torch.Generator | None = None,
) -> dict[str, Metric]:
    """HR@k and NDCG@k of one held-out item a user, ranked among ALL items, averaged over users.

    Equation: with r the rank of the target, HR@k = 1 if r <= k and NDCG@k = 1 / log2(r + 1) if r <= k, else 0. A target
    that ties with others stands at each of their places equally often: the expected values over these are taken.

    Shapes:
        scores: `(U, M)`, one row a user, higher is better; target: `(U,)` integers in [0, M); seen: `(U, M)` booleans.
        Returns `"HR@k"` and `"NDCG@k"` for each k.

    Arguments:
        seen: items to leave out of each user's ranking (what the user took before); None ranks all. Never the target.
        ks: list lengths; 5, 10, 20 by convention. The protocol says whether seen items were left out: both are
            in use, and their numbers differ.
        generator: of the interval over users, see `bootstrap_interval`.

    Errors:
        ArgumentError: shapes that do not fit, NaN or infinite scores, targets outside [0, M) or marked as seen, k < 1.

    Closed form: rank 1 gives 1 and 1; rank 3 with k = 5 gives 1 and 0.5; rank 6 with k = 5 gives 0 and 0; constant
    scores HR@k = k / M, which is chance. Paper: Järvelin and Kekäläinen 2002, https://doi.org/10.1145/582415.582418.
    """
    rows = as_rows(scores, "scores", letters="U M", minimum=2)
    wanted, hidden = _target(target, rows), _seen(seen, rows)
    if hidden is not None and bool((taken := hidden.gather(1, wanted[:, None])).any()):
        raise ArgumentError(f"seen: {int(taken.sum())} users have seen their own target. Clear those entries.")
    above, tied = standing(rows, wanted, hidden)  # (U,), (U,)
    how = "kept" if seen is None else "left out"
    return metrics_of_standing(above, tied, items=rows.shape[1], ks=ks, seen=how, generator=generator)


def metrics_of_standing(
    above: Int64[Tensor, "U"],
    tied: Int64[Tensor, "U"],
    *,
    items: int,
    ks: Sequence[int] = (5, 10, 20),
    seen: str = "kept",
    generator: torch.Generator | None = None,
) -> dict[str, Metric]:
    """The same from where each target stands (`standing`), for scores that are too many to be held at once.

    Arguments:
        above, tied: how many items score higher than the target of each user, and how many the same, itself included.
        items: M.
        seen: what was done with items that users had before, in words.
        ks, generator: as of `recommendation`.

    Errors:
        ArgumentError: k < 1.
    """
    gains = 1 / torch.arange(2, items + 2, dtype=torch.float64).log2()  # (M,): gain at rank 1..M
    summed = torch.cat([gains.new_zeros(1), gains.cumsum(dim=0)])  # (M + 1,)
    protocol = f"rank among all {items:,} items, seen items {seen}, ties expected"
    metrics = {}
    for k in ks:
        cut = min(positive_integer(k, "ks"), items)
        last = (above + tied).clamp(max=cut)  # (U,): places above + 1 .. last lie in the list
        first = above.clamp(max=cut)
        for name, items_at in (
            (f"HR@{k}", (last - first) / tied.double()),
            (f"NDCG@{k}", (summed[last] - summed[first]) / tied),
        ):
            metrics[name] = Metric.from_items(name, items_at, protocol=protocol, generator=generator)
    return metrics


def standing(
    rows: Tensor, wanted: Tensor, hidden: Tensor | None = None
) -> tuple[Int64[Tensor, "U"], Int64[Tensor, "U"]]:
    """How many items score above the target, and how many (itself included) score the same.

    Shapes:
        rows: `(U, M)` scores; wanted: `(U,)` int64; hidden: `(U, M)`, items that are left out.
    """
    above, tied = [], []
    for users in torch.arange(len(rows)).split(max(1, ENTRY_BUDGET // rows.shape[1])):
        index = users.to(rows.device)
        block: Float64[Tensor, "u M"] = rows[index]
        own = block.gather(1, wanted[index][:, None])  # (u, 1)
        if hidden is not None:
            block = block.masked_fill(hidden[index], -torch.inf)
        above.append((block > own).sum(dim=1))  # (u,)
        tied.append((block == own).sum(dim=1))
    return torch.cat(above).cpu(), torch.cat(tied).cpu()


def _target(target: Array, rows: Tensor) -> Tensor:
    array = target.detach().cpu().numpy() if isinstance(target, Tensor) else np.asarray(target)
    if array.shape != (len(rows),) or array.dtype.kind not in "iu":
        raise ArgumentError(
            f"target must hold an item number for each of the {len(rows)} users; got {array.shape} of {array.dtype}."
        )
    outside = int(((array < 0) | (array >= rows.shape[1])).sum())
    if outside:
        raise ArgumentError(f"target: {outside} of {len(array)} lie outside 0..{rows.shape[1] - 1}, the items scored.")
    return torch.from_numpy(array.astype(np.int64)).to(rows.device)


def _seen(seen: Array | None, rows: Tensor) -> Tensor | None:
    if seen is None:
        return None
    mask = torch.as_tensor(seen, device=rows.device)
    if mask.shape != rows.shape or mask.dtype != torch.bool:
        raise ArgumentError(f"seen must be booleans {tuple(rows.shape)}; got {tuple(mask.shape)} of {mask.dtype}.")
    return mask
