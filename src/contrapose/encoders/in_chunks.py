"""A large batch through a network a part at a time, in the memory of one part: the gradient is that of the whole.

What a training step says once, by `chunks_of`, every `Encoder` heeds: who computes with one need not know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from contrapose.encoders.running_statistics import statistics_stay

# Without the wrapper by which torch keeps it out of compiled graphs: its first call loads the compiler, for seconds.
_checkpoint = getattr(checkpoint, "__wrapped__", checkpoint)

_ROWS: ContextVar[int | None] = ContextVar("rows of a chunk", default=None)


@contextmanager
def chunks_of(rows: int | None) -> Iterator[None]:
    """Within it, in this thread, encoders take at most so many rows at a time; None: all."""
    token = _ROWS.set(rows)
    try:
        yield
    finally:
        _ROWS.reset(token)


def in_chunks(network: Callable[[Any], Any], x: Any, size: int | None = None, *, modules: nn.Module) -> Any:
    """`network(x)`, the rows of x in parts of at most `size`, of which nothing is kept but what comes out.

        forward: z_c = network(x_c) of each part c, no activation stored
        backward: network(x_c) once more, and the gradient that reached z_c through it; then the next part

    A loss that compares all rows with each other (contrast) sees all of them, and its gradient is that of one large
    pass, for a forward more (a third more time by count; 1.6 to 1.75 times was measured). What a part drew at random
    (dropout) is drawn again the second time. It is exact where a row's output depends on no other row; batch
    normalisation in training takes the statistics of its own part, as it takes those of its own process, and its
    running statistics move once for each part. Where nobody asks for gradients, parts are computed once.

    Shapes:
        x: a view of B rows; what comes out: tensors of B rows, one or a tuple of them (and of None).

    Arguments:
        size: rows of a part; parts are of nearly equal sizes. None: what `chunks_of` says, by default all at once.
        modules: what `network` goes through: its running statistics move in the forward pass alone, not again when a
            part is computed a second time.

    Gradient caching, as in Gao et al. 2021, https://arxiv.org/abs/2101.06983.
    """
    size = _ROWS.get() if size is None else size
    if size is None or size >= len(x):
        return network(x)
    rows = len(x)
    count = -(-rows // size)  # a part of one row left over would be one too few for batch normalisation
    ends = [rows * number // count for number in range(count + 1)]
    parts = [x[start:end] for start, end in pairwise(ends)]
    if not torch.is_grad_enabled():
        return _joined([network(part) for part in parts])
    there = torch.empty(0, device=x.device)  # a view need not be a tensor: of which device random states are kept

    def again() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), statistics_stay(modules)

    def compute(part: Any, there: Tensor) -> Any:
        return network(part)

    return _joined([_checkpoint(compute, part, there, use_reentrant=False, context_fn=again) for part in parts])


def by_rows(method: Callable[[Any, Any], Tensor]) -> Callable[[Any, Any], Tensor]:
    """A method of a module that computes each row of a view for itself, so that it may be computed in chunks."""

    @wraps(method)
    def computed(self: Any, view: Any) -> Tensor:
        found: Tensor = in_chunks(lambda part: method(self, part), view, modules=self)
        return found

    return computed


def _joined(found: list[Any]) -> Any:
    """What came out of the parts, below each other."""
    first = found[0]
    if isinstance(first, tuple):
        return tuple(_joined(list(same)) for same in zip(*found, strict=True))
    return None if first is None else torch.cat(found)
