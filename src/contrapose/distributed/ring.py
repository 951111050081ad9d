"""A ring of processes: blocks of rows travel around it, so that nobody ever holds more than two of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor

from contrapose.distributed.gathering import gather, rank, world_size
from contrapose.errors import RunError

Visit = Callable[[int, Tensor], Tensor | None]
"""(whose block it is, the block) -> what is to be brought to its owner, of the block's shape; None: nothing."""

_BLOCKS, _SUMS = 1, 2  # tags, so that what travels at one time is not mistaken for the other


class Ring:
    """Every process in turn sees the block of each: its own, that of the process before it, and so on.

        hop h on process r:  the block of process (r - h) mod W,   h = 0 .. W - 1

    What is brought to the owners travels with the blocks and is summed on the way: after W hops each has the sum of
    what all processes had for it, as the backward of `gather` has. The next block is on its way while one is looked at.
    All processes make equally many exchanges, W - 1 of blocks and W of sums, whatever they do with them.

    A process holds its block, the one that is looked at and the one that arrives: memory is linear in its own share,
    where `gather` holds that of all.

    Attributes:
        number: of this process's own block.
        blocks: how many there are, W.

    Paper: Cheng et al. 2024, https://arxiv.org/abs/2410.17243
    """

    def __init__(self) -> None:
        self.number, self.blocks = rank(), world_size()

    def tour(self, block: Tensor, visit: Visit) -> Tensor | None:
        """Let the blocks of all processes be visited here; what the others had for the own block, summed.

        Shapes:
            block: of the same shape on every process; returns that shape, or None where nobody had anything.
        """
        carried: Callable[[], Tensor] | None = None
        for hop in range(self.blocks):
            last = hop + 1 == self.blocks
            coming = None if last else self._shift(block, _BLOCKS)
            part = visit((self.number - hop) % self.blocks, block)
            if part is not None:
                carried = self._shift(part if carried is None else part.add_(carried()), _SUMS)
            if coming is not None:
                block = coming()
        return None if carried is None else carried()

    def mean(self, block: Tensor) -> Tensor:
        """The mean over processes, without a gradient.  same shape -> same shape"""
        return gather(block.detach().unsqueeze(0)).mean(0)

    def check(self, block: Tensor) -> None:
        """Pass blocks of one shape. Only processors are asked: a GPU would have to be waited for.

        Errors:
            RunError: they differ, on every process alike.
        """
        if self.blocks == 1 or block.device.type != "cpu":
            return
        sizes = gather(torch.tensor([block.shape[0]])).tolist()  # (W,)
        if len(set(sizes)) > 1:
            raise RunError(
                f"The blocks of a ring must be equally long on all processes, and are {', '.join(map(str, sizes))}. "
                "Give each process as many samples as the others."
            )

    def _shift(self, tensor: Tensor, tag: int) -> Callable[[], Tensor]:
        """Send to the next process, and receive from the one before; what is returned waits for both."""
        if self.blocks == 1:
            return lambda: tensor
        tensor = tensor.contiguous()
        arriving = torch.empty_like(tensor)
        following, before = (self.number + 1) % self.blocks, (self.number - 1) % self.blocks
        works = dist.batch_isend_irecv(
            [dist.P2POp(dist.isend, tensor, following, tag=tag), dist.P2POp(dist.irecv, arriving, before, tag=tag)]
        )

        def arrived() -> Tensor:
            for work in works:
                work.wait()
            return arriving

        return arrived
