"""NT-Xent in tiles against NT-Xent with the whole similarity matrix: time and peak memory, forward and
backward.

    python benchmarks/tiled_softmax.py [--quick] [--large] [--sweep] [--out
    results/benchmarks/tiled_softmax.json]

Contenders, each given the same n rows (two views of n/2 samples) of 128 dimensions in float32:

    tiled    contrapose.objectives.nt_xent
    dense    one n x n matrix, masked by -inf, and torch's cross-entropy: what autograd does with the formula

Times are medians over interleaved rounds. Peak memory is that of a fresh process per figure, above what it
held before. "differ." is the largest difference of the gradients, over the largest gradient. --large adds
65,536 rows (tiled alone: the matrix would take 17 GB, and autograd several of it), --sweep the time of each
tile size.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmcl_solver import resident
from torch import Tensor
from torch.nn import functional

from contrapose.environment import environment
from contrapose.objectives import nt_xent

DIMENSIONS = 128
TEMPERATURE = 0.5
SIZES = (2048, 8192)
LARGE = 65_536
SWEEP_ROWS, SWEEP_COLUMNS = (64, 128, 256, 512, 1024), (512, 1024, 2048, 4096)


def embeddings(n: int) -> Tensor:
    """`(2, n/2, D)` float32, the two views of a sample alike."""
    generator = torch.Generator().manual_seed(n)
    base = torch.randn(1, n // 2, DIMENSIONS, generator=generator)
    return base + torch.randn(2, n // 2, DIMENSIONS, generator=generator)  # (2, n/2, D)


def dense_nt_xent(z: Tensor) -> Tensor:
    rows = functional.normalize(z, dim=-1).flatten(0, 1)  # (n, D)
    n = len(rows)
    logits = (rows @ rows.T / TEMPERATURE).masked_fill(torch.eye(n, dtype=torch.bool), -math.inf)  # (n, n)
    return functional.cross_entropy(logits, (torch.arange(n) + n // 2) % n)


CONTENDERS: dict[str, Callable[[Tensor], Tensor]] = {
    "tiled": lambda z: nt_xent(z, temperature=TEMPERATURE),
    "dense": dense_nt_xent,
}


def gradient(loss: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """One forward and backward."""
    z = z.clone().requires_grad_()
    return torch.autograd.grad(loss(z), z)[0]


def seconds(losses: dict[str, Callable[[Tensor], Tensor]], z: Tensor, rounds: int) -> dict[str, float]:
    """The median time of each; every round runs all of them, so that a busy moment hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in losses}
    for loss in losses.values():
        gradient(loss, embeddings(64))  # loads what is loaded once
    for _ in range(rounds):
        for name, loss in losses.items():
            begin = time.perf_counter()
            gradient(loss, z)
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in times.items()}


def peak_bytes_here(name: str, n: int) -> int:
    """Peak resident memory of one forward and backward above what was held before; for a fresh process."""
    gradient(CONTENDERS[name], embeddings(64))
    z = embeddings(n)
    before = resident("VmRSS")
    gradient(CONTENDERS[name], z)
    return max(0, resident("VmHWM") - before)


def peak_bytes(name: str, n: int) -> int | None:
    """The same, measured in a process of its own; None where the system does not tell."""
    if not Path("/proc/self/status").exists():
        return None
    command = [sys.executable, __file__, "--peak", name, str(n), "--threads", str(torch.get_num_threads())]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure(n: int, names: list[str], rounds: int) -> list[dict[str, Any]]:
    """One row per contender."""
    z = embeddings(n)
    times = seconds({name: CONTENDERS[name] for name in names}, z, rounds)
    difference = None
    if "dense" in names:
        wanted = gradient(CONTENDERS["dense"], z)
        difference = float((gradient(CONTENDERS["tiled"], z) - wanted).abs().max() / wanted.abs().max())
    rows = []
    for name in names:
        peak = peak_bytes(name, n)
        rows.append({"n": n, "contender": name, "seconds": times[name], "peak_bytes": peak})
        if name == "tiled":
            rows[-1]["difference"] = difference
        if name == "tiled" and "dense" in times:
            rows[-1]["time_of_dense"] = times["tiled"] / times["dense"]
        print(line(rows[-1]), flush=True)
    return rows


def line(row: dict[str, Any]) -> str:
    peak = "-" if row["peak_bytes"] is None else f"{row['peak_bytes'] / 1e6:.0f} MB"
    difference = "" if row.get("difference") is None else f"{row['difference']:.0e}"
    ratio = "" if row.get("time_of_dense") is None else f"{row['time_of_dense']:.2f} x the time"
    return f"{row['n']:6d}  {row['contender']:8s} {row['seconds']:9.3f} s {peak:>9s} {difference:>8s}  {ratio}"


def sweep(n: int, rounds: int) -> list[dict[str, Any]]:
    """The time of every tile size, interleaved."""

    def with_tile(rows: int, columns: int) -> Callable[[Tensor], Tensor]:
        return lambda z: nt_xent(z, temperature=TEMPERATURE, tile_rows=rows, tile_columns=columns)

    sizes = [(rows, columns) for rows in SWEEP_ROWS for columns in SWEEP_COLUMNS]
    losses = {f"{rows} x {columns}": with_tile(rows, columns) for rows, columns in sizes}
    times = seconds(losses, embeddings(n), rounds)
    for tile, spent in sorted(times.items(), key=lambda item: item[1]):
        print(f"{n:6d}  tile {tile:12s} {spent:9.3f} s", flush=True)
    return [{"n": n, "tile": tile, "seconds": spent} for tile, spent in times.items()]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one small size, one round")
    parser.add_argument("--large", action="store_true", help=f"also {LARGE} rows, tiled alone (minutes)")
    parser.add_argument("--sweep", action="store_true", help="also the time of each tile size")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds per size")
    parser.add_argument("--threads", type=int, help="threads of torch; its own choice if left out")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--peak", nargs=2, metavar=("CONTENDER", "N"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.peak:
        print(peak_bytes_here(options.peak[0], int(options.peak[1])))
        return
    sizes, rounds = ((256,), 1) if options.quick else (SIZES, options.rounds)
    where = environment()
    print(json.dumps(where))
    print(f"     n  {'contender':8s} {'median time':>11s} {'peak':>9s} {'differ.':>8s}")
    rows = [row for n in sizes for row in measure(n, list(CONTENDERS), rounds)]
    rows += measure(LARGE, ["tiled"], 1) if options.large else []
    tiles = [row for n in sizes for row in sweep(n, rounds)] if options.sweep else []
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        settings = {"D": DIMENSIONS, "temperature": TEMPERATURE, "rounds": rounds, "dtype": "float32"}
        report = {"environment": where, "settings": settings, "rows": rows, "tiles": tiles}
        options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
