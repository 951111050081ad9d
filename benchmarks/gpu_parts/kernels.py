"""Parity: channels and gradients by the kernels and by torch, both beside float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from contrapose.objectives.engine.plain.kernels.usable import by_kernel
from contrapose.objectives.engine.tiles import LogSum, Sums, reduce_both_ways, row_reduce
from contrapose.pairing import Pairing, by_groups, by_labels, by_towers, by_views
from gpu_parts.part import Work, precision, stopped, without_kernels

VALID, NEGATIVE = Sums(log=(LogSum("valid"),)), Sums(log=(LogSum("negative"),))
# name -> pairing of so many samples, terms, temperature, whether both ways
CASES: dict[str, tuple[Callable[[int], Pairing], Sums, float, bool]] = {
    "two views": (lambda n: by_views(2, n), VALID, 0.5, False),
    "two views, sharp": (lambda n: by_views(2, n), VALID, 0.005, False),
    "two views, decoupled": (lambda n: by_views(2, n), NEGATIVE, 0.1, False),
    "classes": (lambda n: by_labels(torch.arange(n) % 10 - 1, views=2), NEGATIVE, 0.1, False),
    "one class": (lambda n: by_labels(torch.zeros(n, dtype=torch.long), views=2), NEGATIVE, 0.1, False),
    "towers": (by_towers, VALID, 0.05, True),
    "captions": (lambda n: by_groups(torch.arange(n), torch.arange(2 * n) // 2), NEGATIVE, 0.1, True),
    "queue": (lambda n: by_towers(n).with_queue(4096), VALID, 0.1, False),
}
# Samples, dimensions, arithmetic: few, for every one takes some twenty kernels to be built. Most are no multiples of a
# block.
SHAPES = ((1027, 128, "ieee"), (1027, 128, "tf32"), (333, 48, "ieee"), (512, 520, "ieee"))
# Largest difference to float64, over the largest number of its tensor. Of ieee products it is what torch's own tiles
# may have, which add in another order; tf32 keeps ten bits of each factor, and exponents are multiplied by 1 / t.
LIMITS = {"ieee": 2e-4, "tf32": 5e-2}


def kernels(work: Work) -> dict[str, Any]:
    """One row for each case, shape and arithmetic."""
    rows: list[dict[str, Any]] = []
    usable = by_kernel(torch.zeros(1, SHAPES[0][1], device=work.device), VALID)
    if not usable:
        return {"rows": rows, "note": "no kernels here: they want a CUDA device and Triton"}
    for samples, dimensions, arithmetic in ((9, 19, "ieee"),) if work.quick else SHAPES:
        for case in CASES:
            if work.left() < 0:
                return stopped({"rows": rows})
            row: dict[str, Any] = {"case": case, "samples": samples, "dimensions": dimensions, "arithmetic": arithmetic}
            with precision(arithmetic):
                row |= _differences(case, samples, dimensions, work.device)
            rows.append({**row, "agrees": row["kernel"] <= LIMITS[arithmetic]})
            print(rows[-1], flush=True)
        work.keep({"rows": rows})
    return {"rows": rows, "limits": LIMITS, "agree": all(row["agrees"] for row in rows)}


def _differences(case: str, samples: int, dimensions: int, device: torch.device) -> dict[str, float]:
    wanted = _found(case, samples, dimensions, device, torch.float64)
    by_kernels = _found(case, samples, dimensions, device, torch.float32)
    with without_kernels():
        by_torch = _found(case, samples, dimensions, device, torch.float32)
    return {"kernel": _worst(by_kernels, wanted), "torch": _worst(by_torch, wanted)}


def _found(case: str, samples: int, dimensions: int, device: torch.device, dtype: torch.dtype) -> list[Tensor]:
    """Channels, and the gradients of rows, candidates and scale."""
    make, terms, temperature, both = CASES[case]
    pairing, generator = make(samples), torch.Generator().manual_seed(samples)
    plain = pairing.plain()
    counts = (pairing.anchors, pairing.candidates)
    leaves = [torch.randn(count, dimensions, generator=generator) for count in counts]
    x, y = (torch.nn.functional.normalize(leaf).to(device, dtype).requires_grad_() for leaf in leaves)
    y = x if plain is not None and plain.same_rows else y
    scale = torch.tensor(1 / temperature, device=device, dtype=dtype, requires_grad=True)
    if both:
        there, back = reduce_both_ways(x, y, terms, pairing, scale=scale)
        channels = (*there, *back)
    else:
        channels = row_reduce(x, y, terms, pairing, scale=scale)
    kept = [channel.masked_fill(channel.isinf(), 0.0) for channel in channels]
    total = sum((channel * torch.linspace(0.3, 1.7, len(channel)).to(channel)).mean() for channel in kept)
    gradients = torch.autograd.grad(total, [x, scale] if y is x else [x, y, scale])  # type: ignore[arg-type]
    return [*kept, *gradients]


def _worst(found: list[Tensor], wanted: list[Tensor]) -> float:
    """The largest difference, over the largest number of its tensor."""
    pairs = zip(found, wanted, strict=True)
    return max(
        float((one.detach().double() - other.detach()).abs().max() / other.detach().abs().max().clamp(min=1e-9))
        for one, other in pairs
    )
