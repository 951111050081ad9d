"""What objectives on (queries, keys, queue) ask of their arguments."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_embeddings
from contrapose.tracing import is_readable

UNIT_TOLERANCE = 0.02  # of a row's length: bfloat16 keeps a unit row to within about 0.004


def check_queue_arguments(queries: Tensor, keys: Tensor, queue: Tensor, *, normalize: bool, reduction: str) -> None:
    """Queries and keys are B pairs, the queue has rows of as many dimensions; without `normalize`, of length 1.

    Errors:
        ArgumentError: a shape, type or value that does not fit, named.
    """
    check_against_queue({"queries": queries, "keys": keys}, queue, normalize=normalize)
    if len(keys) != len(queries):
        raise ArgumentError(f"There are {len(keys)} keys for {len(queries)} queries; give one key for each query.")
    check_choice(reduction, REDUCTIONS, "reduction")


def check_against_queue(rows: Mapping[str, Tensor], queue: Tensor, *, normalize: bool) -> None:
    """Embeddings by name, and a queue with rows of as many dimensions; without `normalize`, of length 1.

    Errors:
        ArgumentError: a shape, type or value that does not fit, named.
    """
    first = next(iter(rows))
    for name, letters, x in (*((name, "B D", x) for name, x in rows.items()), ("queue", "K D", queue)):
        check_embeddings(x, name, letters)
        width = rows[first].shape[1]
        if x.shape[1] != width:
            raise ArgumentError(f"{name} has {x.shape[1]} dimensions and {first} {width}; they must agree.")
    if not normalize:
        _check_unit(queue)


def _check_unit(queue: Tensor) -> None:
    if not is_readable(queue):
        return
    lengths = queue.detach().float().norm(dim=1)  # (K,)
    worst = float((lengths - 1).abs().max())
    if worst > UNIT_TOLERANCE:
        raise ArgumentError(
            f"normalize=False needs a queue of unit rows, and a length is {worst:.2g} away from 1. "
            "Leave normalize on, or normalise the rows before they are stored."
        )
