"""Losses through the interpreted kernels beside the same through torch, as numbers: a process of its own, for Triton
reads how it is to run when it is first imported.

    TRITON_INTERPRET=1 python kernel_cases.py
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import torch
from torch import Tensor

from contrapose.objectives import info_nce, nt_xent
from contrapose.objectives.engine.plain import reduce
from contrapose.objectives.engine.plain.kernels import launch
from contrapose.objectives.engine.tiles import LogSum, Sums, reduce_both_ways, row_reduce
from contrapose.pairing import Pairing, by_groups, by_labels, by_towers, by_views

# 2 blocks of rows and 2 of dimensions, of which the second ones are not full
DIMENSIONS = 19
LABELS = torch.arange(9) % 4 - 1

PAIRINGS: dict[str, Pairing] = {
    "two views": by_views(2, 9),
    "one view": by_views(1, 18),
    "classes": by_labels(LABELS, views=2),
    "towers": by_towers(18),
    "queue": by_towers(17).with_queue(5),
    "queue alone": by_towers(17, in_batch_negatives=False).with_queue(5),
    "captions": by_groups(torch.arange(9) - 1, torch.arange(18) // 2 - 1),
    "nobody": by_groups(torch.full((5,), -1), torch.arange(3)),
    "no negatives": by_labels(torch.zeros(9, dtype=torch.long), views=2),  # of which rows are -inf
}
TERMS = {
    "valid": Sums(log=(LogSum("valid"),)),
    "negative": Sums(log=(LogSum("negative", factor=1.5),)),
    "held distances": Sums(log=(LogSum("negative", factor=-0.7, slope=-0.2),), distances=True),
}


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def with_gradients(channels: tuple[Tensor, ...], inputs: list[Tensor]) -> list[Tensor]:
    """The channels, and the gradients of an uneven sum of what is finite in them."""
    total = sum(
        (channel.masked_fill(channel.isinf(), 0.0) * torch.linspace(0.3, -1.7, channel.numel())).sum()
        for channel in channels
    )
    return [*channels, *torch.autograd.grad(total, inputs, allow_unused=True)]  # type: ignore[arg-type]


def reduction(pairing: Pairing, terms: Sums, *, both: bool = False, anchors: Tensor | None = None) -> list[Tensor]:
    """Channels and gradients of rows, candidates and scale."""
    x, scale = drawn(pairing.anchors, DIMENSIONS).requires_grad_(), torch.tensor(0.7, requires_grad=True)
    plain = pairing.plain()
    y = (
        x
        if plain is not None and plain.same_rows
        else drawn(DIMENSIONS, pairing.candidates).T.contiguous().requires_grad_()
    )
    inputs = [x, scale] if y is x else [x, y, scale]
    if both:
        there, back = reduce_both_ways(x, y, terms, pairing, scale=scale)
        return with_gradients((*there, *back), inputs)
    rows = x if anchors is None else x[anchors]
    return with_gradients(row_reduce(rows, y, terms, pairing, row_indices=anchors, scale=scale), inputs)


def loss(function: Callable[..., Tensor], *inputs: Tensor, temperature: float) -> list[Tensor]:
    learned = torch.tensor(temperature, requires_grad=True)
    leaves = [each.clone().requires_grad_() for each in inputs]
    return with_gradients((function(*leaves, temperature=learned),), [*leaves, learned])


CASES: dict[str, Callable[[], list[Tensor]]] = {
    **{
        f"{pairing}, {terms}": (lambda pairing=pairing, terms=terms: reduction(PAIRINGS[pairing], TERMS[terms]))
        for pairing in PAIRINGS
        for terms in (["held distances", "negative"] if pairing in ("captions", "queue") else ["negative"])
    },
    "two views, valid": lambda: reduction(PAIRINGS["two views"], TERMS["valid"]),
    "both ways": lambda: reduction(PAIRINGS["captions"], TERMS["negative"], both=True),
    "own anchors": lambda: reduction(PAIRINGS["two views"], TERMS["negative"], anchors=torch.tensor([17, 2, 5])),
    "own anchors of classes": lambda: reduction(PAIRINGS["classes"], TERMS["negative"], anchors=torch.tensor([3, 11])),
    "sharp nt_xent": lambda: loss(nt_xent, drawn(2, 9, DIMENSIONS), temperature=0.004),
    "info_nce": lambda: loss(info_nce, drawn(9, DIMENSIONS), drawn(DIMENSIONS, 9).T, temperature=0.1),
}


def difference(case: str) -> float:
    """The largest difference of any number, over the largest number of its tensor; nan where infinities differ."""
    found, worst = {}, 0.0
    counted = []
    logs = reduce.logs_by_kernels
    reduce.logs_by_kernels = lambda *a: (counted.append(case), logs(*a))[1]  # type: ignore[assignment]
    for kernel in (True, False):
        os.environ["TRITON_INTERPRET"] = str(int(kernel))
        found[kernel] = CASES[case]()
    reduce.logs_by_kernels = logs
    assert counted, f"{case}: no kernel ran"
    for pair in zip(found[True], found[False], strict=True):
        one, other = (values.detach() for values in pair)
        if not torch.equal(one.isinf(), other.isinf()):
            return float("nan")
        one, other = (values.masked_fill(values.isinf(), 0.0) for values in (one, other))
        worst = max(worst, float((one - other).abs().max() / other.abs().max().clamp(min=1e-6)))
    return worst


if __name__ == "__main__":
    launch.BLOCKS = launch.Blocks(16, 16, 16, 16)
    print(json.dumps({case: difference(case) for case in CASES}))
