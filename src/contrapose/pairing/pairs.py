"""A pairing from explicit pairs, with or without scores."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.pairing.pairing import Pairing, Tile


class PairList(Pairing):
    """Listed (anchor, candidate) pairs with a weight; a tile is answered by binary search in the sorted list.

    Shapes:
        keys: `(P,)` sorted integers `anchor · M + candidate`; weights: `(P,)`.
    """

    def __init__(
        self,
        keys: Tensor,
        weights: Tensor,
        *,
        anchors: int,
        candidates: int,
        same_rows: bool,
        only_listed: bool,
    ) -> None:
        self.keys, self.weights = keys, weights
        self.anchors, self.candidates = anchors, candidates
        self.same_rows, self.only_listed = same_rows, only_listed

    def tile(self, rows: Int[Tensor, " r"], columns: slice) -> Tile:
        rows = rows.to(self.keys.device)
        column = torch.arange(columns.start, columns.stop, device=self.keys.device)  # (c,)
        wanted = rows.unsqueeze(1) * self.candidates + column  # (r, c)
        place = torch.searchsorted(self.keys, wanted).clamp(max=len(self.keys) - 1)  # (r, c)
        listed = self.keys[place] == wanted  # (r, c)
        weight = torch.where(listed, self.weights[place], 0.0)  # (r, c)
        valid = listed if self.only_listed else torch.ones_like(listed)
        if self.same_rows:
            valid = valid & (rows.unsqueeze(1) != column)
        return Tile(weight.clamp(min=0.0), valid)

    def to(self, device: torch.device | str) -> PairList:
        return PairList(
            self.keys.to(device),
            _on(device, self.weights),
            anchors=self.anchors,
            candidates=self.candidates,
            same_rows=self.same_rows,
            only_listed=self.only_listed,
        )


def by_pairs(
    pairs: Int[Tensor, "P 2"],
    *,
    anchors: int,
    candidates: int | None = None,
    scores: Float[Tensor, " P"] | None = None,
    only_listed: bool = False,
) -> PairList:
    """Explicit pairs: each listed (anchor, candidate) is a positive, with its score as weight.

        weight[i, j] = max(score of (i, j), 0) if listed, else 0
        valid[i, j]  = 1 (or: listed, with only_listed), never the anchor itself

    A listed pair with a score <= 0 is an explicit negative, so labels of +1 and -1 can be given as they are.
    A pair is directed: list (j, i) too when both should pull.

    Arguments:
        pairs: anchor and candidate index of each pair; no pair twice.
        anchors: number of anchors N.
        candidates: number of candidates M; None = the anchors themselves (each left out of its own candidates).
        scores: weight of each pair, kept in its precision; None = 1.
        only_listed: ignore every pair that is not listed, instead of taking it for a negative.

    Errors:
        ArgumentError: not (P, 2), an index out of range, a pair listed twice or with itself, scores of another length
            or
            not finite.

    >>> by_pairs(torch.tensor([[0, 1], [1, 0]]), anchors=3)
    3 anchors × 3 candidates: 0 to 1 positive and 1 to 2 negative per anchor
      0 1 2
    0 . + -
    1 + . -
    2 - - .
    """
    pairs = torch.as_tensor(pairs)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) == 0 or pairs.is_floating_point():
        raise ArgumentError(f"pairs must be a non-empty (P, 2) list of integers, got shape {tuple(pairs.shape)}.")
    same_rows, columns = candidates is None, anchors if candidates is None else candidates
    pairs = pairs.long()
    _check_range(pairs[:, 0], anchors, "anchor")
    _check_range(pairs[:, 1], columns, "candidate")
    if same_rows and bool((pairs[:, 0] == pairs[:, 1]).any()):
        raise ArgumentError("pairs lists a row with itself; an anchor is never its own positive.")
    weights = torch.ones(len(pairs)) if scores is None else _as_weights(scores)
    if weights.shape != (len(pairs),) or not bool(weights.isfinite().all()):
        raise ArgumentError(
            f"scores must be {len(pairs)} finite numbers, one per pair; got shape {tuple(weights.shape)}."
        )
    keys, order = (pairs[:, 0] * columns + pairs[:, 1]).sort()  # (P,)
    twice = (keys[1:] == keys[:-1]).nonzero()
    if len(twice):
        key = int(keys[twice[0, 0]])
        raise ArgumentError(f"The pair ({key // columns}, {key % columns}) is listed twice; list each pair once.")
    weights = _on(pairs.device, weights)[order]
    return PairList(keys, weights, anchors=anchors, candidates=columns, same_rows=same_rows, only_listed=only_listed)


def _as_weights(scores: Any) -> Tensor:
    """Scores in the precision they come in, float32 at least; Python's numbers are float64."""
    if isinstance(scores, Tensor):
        return scores.to(torch.promote_types(scores.dtype, torch.float32))
    return torch.as_tensor(scores, dtype=torch.float64)


def _on(device: torch.device | str, weights: Tensor) -> Tensor:
    device = torch.device(device)
    return weights.to(device, torch.float32 if device.type == "mps" else weights.dtype)  # Apple's GPU has no float64


def _check_range(indices: Tensor, size: int, what: str) -> None:
    low, high = int(indices.min()), int(indices.max())
    if low < 0 or high >= size:
        raise ArgumentError(f"pairs names {what} {low if low < 0 else high}, but there are {size} (0 to {size - 1}).")
