"""nt_xent of very many rows, forward and backward: by the kernels and by torch, and the kernels in other blocks."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from contrapose.objectives import nt_xent
from contrapose.objectives.engine.plain.kernels import launch
from contrapose.objectives.engine.plain.kernels.launch import Blocks
from contrapose.objectives.engine.plain.kernels.usable import by_kernel
from contrapose.objectives.engine.terms import LogSum, Sums
from gpu_parts.part import Work, measured, precision, said, seconds, stopped, without_kernels

ROWS, DIMENSIONS, TEMPERATURE = (65_536, 262_144), 128, 0.1
SWEPT = 65_536
BLOCKS = (
    Blocks(64, 32, 32, 256),
    Blocks(64, 64, 32, 128),
    Blocks(128, 32, 32, 128),
    Blocks(128, 64, 32, 128),
    Blocks(32, 64, 64, 128),
)


def loss(work: Work) -> dict[str, Any]:
    """One row for each number of rows, contender and arithmetic; then the blocks."""
    found: dict[str, Any] = {"dimensions": DIMENSIONS, "temperature": TEMPERATURE, "rows": [], "blocks": []}
    on_chip = by_kernel(torch.zeros(1, DIMENSIONS, device=work.device), Sums(log=(LogSum("valid"),)))
    for n in (64,) if work.quick else ROWS:
        z = _embeddings(n, work.device)
        for arithmetic in ("ieee",) if work.quick else ("ieee", "tf32"):
            for contender in ("kernel", "torch") if on_chip else ("torch",):
                if work.left() < 10:
                    return stopped(found)
                with precision(arithmetic):
                    row = {"n": n, "contender": contender, "arithmetic": arithmetic, **_measured(z, contender, work)}
                    row["products"] = _product(z, work.device)
                found["rows"].append(row)
                print(_line(row), flush=True)
                work.keep(found)
    if on_chip:
        z = _embeddings(64 if work.quick else SWEPT, work.device)
        for blocks in BLOCKS[: 1 if work.quick else len(BLOCKS)]:
            if work.left() < 20:
                return stopped(found, "not all blocks: no time was left")
            with patch.object(launch, "BLOCKS", blocks):
                try:
                    row = {"blocks": vars(blocks), **_measured(z, "kernel", work)}
                except Exception as error:  # a block too large for this chip is a finding, too
                    row = {"blocks": vars(blocks), "error": said(error)}
            found["blocks"].append(row)
            print(row, flush=True)
            work.keep(found)
    return found


def _embeddings(n: int, device: torch.device) -> Tensor:
    generator = torch.Generator().manual_seed(n)
    base = torch.randn(1, n // 2, DIMENSIONS, generator=generator)
    return (base + torch.randn(2, n // 2, DIMENSIONS, generator=generator)).to(device)  # (2, n/2, D)


def _measured(z: Tensor, contender: str, work: Work) -> dict[str, Any]:
    def step() -> None:
        leaf = z.clone().requires_grad_()
        torch.autograd.grad(nt_xent(leaf, temperature=TEMPERATURE), leaf)

    rounds = 1 if work.quick or z.numel() > SWEPT * DIMENSIONS else 3
    if contender == "kernel":
        return measured(step, work.device, rounds)
    with without_kernels():
        return measured(step, work.device, rounds)


def _product(z: Tensor, device: torch.device) -> float:
    """Seconds of one product of all rows with all rows, in the tiles that torch's way takes: what a loss is made of,
    two of them in torch's way, which uses the symmetry, three in the kernels'."""
    rows = z.flatten(0, 1)
    n, (r, c) = len(rows), (min(2048, len(rows)), min(8192, len(rows)))
    tile = rows.new_empty(r, c)

    def once() -> None:
        for _ in range((n // r) * (n // c)):
            torch.mm(rows[:r], rows[:c].T, out=tile)

    return min(seconds(once, device, 1))


def _line(row: dict[str, Any]) -> str:
    peak = f"{row['peak_bytes'] / 1e6:7.0f} MB" if "peak_bytes" in row else ""
    ratio = row["seconds"] / row["products"]
    return (
        f"nt_xent {row['n']:7d}  {row['contender']:6s} {row['arithmetic']}  {row['seconds']:8.3f} s  "
        f"{ratio:5.2f} of one product  {peak}"
    )
