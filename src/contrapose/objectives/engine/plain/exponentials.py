"""The exponentials of one tile after the other, in the same memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from contrapose.objectives.engine.plain.plan import PlainPlan


class Exponentials:
    """Makes the tiles of every channel: exp(factor · s), 0 where a candidate is left out, times 1 + s where raised.

    A tile is valid until the next one is made, unless `fresh` memory is asked for.
    """

    def __init__(self, plan: PlainPlan, x: Tensor, y: Tensor, *, fresh: bool = False) -> None:
        self.plan, self.y, self.fresh = plan, y, fresh
        self._numbers = min(plan.tile_rows, len(x)) * min(plan.tile_columns, len(y))
        self._like = x
        self._pieces: dict[int, Tensor] = {}
        # with one channel its exponentials take the place of the similarities
        self._in_place = len(plan.channels) == 1

    def memory(self, piece: int, shape: Sequence[int]) -> Tensor:
        """A piece of memory `(r, c)`; those from 0 on hold similarities and channels, those below 0 are free."""
        if self.fresh and piece >= 0:
            return self._like.new_empty(*shape)
        if piece not in self._pieces:
            self._pieces[piece] = self._like.new_empty(self._numbers)
        return self._pieces[piece][: shape[0] * shape[1]].view(*shape)

    def similarity(self, block: Tensor, columns: slice) -> Tensor:
        """`(r, D)` rows, scaled, against the columns: `(r, c)`."""
        similarity = self.memory(0, (len(block), columns.stop - columns.start))
        torch.mm(block, self.y[columns].T, out=similarity)
        return similarity.clamp_(min=0.0) if self.plan.distances else similarity

    def exponents(self, channel: int, similarity: Tensor, rows: slice, columns: slice) -> Tensor:
        """factor · s of a channel that is not raised, -inf where left out; where there is but one, in place."""
        exponents = similarity
        factor, exclude = float(self.plan.channels[channel].factor), self.plan.excluded[channel]
        if not self._in_place:
            exponents = torch.mul(similarity, factor, out=self.memory(channel + 1, similarity.shape))
        elif factor != 1.0:
            exponents.mul_(factor)
        if exclude is not None:
            exclude(exponents, rows, columns)
        return exponents

    def raised(self, channel: int, similarity: Tensor, before: Tensor) -> Tensor:
        """The exponentials `before` of the channel before this one, each times 1 + s."""
        return torch.addcmul(before, before, similarity, out=self.memory(channel + 1, similarity.shape))

    def tiles(self, block: Tensor, rows: slice, columns: slice, shifts: Sequence[Tensor] | None = None) -> list[Tensor]:
        """The exponentials of each channel, `(r, c)`; over exp(shift) of their row where there are shifts `(R,)`."""
        similarity = self.similarity(block, columns)
        found: list[Tensor] = []
        for number, channel in enumerate(self.plan.channels):
            if channel.raised:
                found.append(self.raised(number, similarity, found[-1]))
                continue
            exponents = self.exponents(number, similarity, rows, columns)
            if shifts is not None:
                exponents.sub_(shifts[number][rows].unsqueeze(1))
            found.append(exponents.exp_())
        return found
